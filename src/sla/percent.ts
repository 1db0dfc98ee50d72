/** Rounded down: 99.9999 % is not 100 %. */
export const percent = (value: number | null): string =>
  value === null ? "-" : `${(Math.floor(value * 1e6) / 1e4).toFixed(4)} %`;
