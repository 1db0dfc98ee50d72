/**
 * Reads a QR code off a picture, as a phone's camera would if the picture were perfect: upright, sharp, without dirt. So no error is
 * corrected; one that is there is seen by the text. ISO/IEC 18004.
 */

/** A picture: dark pixels, row by row. */
export type Pixels = readonly (readonly boolean[])[];

const ECC = "LMQH";
type Level = 0 | 1 | 2 | 3;
/** By version, from 1: codewords for correction in a block, and blocks. In the order of ECC. */
const CORRECTION = [
  "7 10 15 20 26 18 20 24 30 18 20 24 26 30 22 24 28 30 28 28 28 28 30 30 26",
  "10 16 26 18 24 16 18 22 22 26 30 22 22 24 24 28 28 26 26 26 26 28 28 28 28",
  "13 22 18 26 18 24 18 22 20 24 28 26 24 20 30 24 28 28 26 30 28 30 30 30 30",
  "17 28 22 16 22 28 26 26 24 28 24 28 22 24 24 30 28 28 26 28 30 24 30 30 30",
].map((row) => row.split(" ").map(Number));
const BLOCKS = [
  "1 1 1 1 1 2 2 2 2 4 4 4 4 4 6 6 6 6 7 8 8 9 9 10 12",
  "1 1 1 2 2 4 4 4 5 5 5 8 9 9 10 10 11 13 14 16 17 17 18 20 21",
  "1 1 2 2 4 4 6 6 8 8 8 10 12 16 12 17 16 18 21 20 23 23 25 27 29",
  "1 1 2 4 4 4 5 6 8 8 11 11 16 16 18 16 19 21 25 25 25 34 30 32 35",
].map((row) => row.split(" ").map(Number));
const MASKS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

export const readQr = (picture: Pixels): string => {
  const modules = modulesIn(picture);
  const size = modules.length;
  const version = (size - 17) / 4;
  if (!Number.isInteger(version) || version < 1 || version > 25) throw new Error(`no QR code: ${size} modules wide`);
  const dark = (x: number, y: number): boolean => modules[y]?.[x] === true;
  // Five bits beside the upper left finder, masked: the level of correction and the mask.
  const format = [0, 1, 2, 3, 4].reduce((bits, x) => (bits << 1) | Number(dark(x, 8)), 0) ^ 0b10101;
  const level = [1, 0, 3, 2][format >> 3] as Level;
  const mask = MASKS[format & 7] as (typeof MASKS)[number];
  const bits = path(size, version).map(([x, y]) => dark(x, y) !== mask(x, y));
  const codewords = Array.from({ length: Math.floor(bits.length / 8) }, (_, n) => numberIn(bits, n * 8, 8));
  return textIn(dataOf(codewords, version, level), version > 9);
};

/** Cuts off what is white around it, and looks at the middle of each module. The finder's edge is seven modules long. */
const modulesIn = (picture: Pixels): boolean[][] => {
  const top = picture.findIndex((row) => row.includes(true));
  const row = picture[top] ?? [];
  const [left, right] = [row.indexOf(true), row.lastIndexOf(true)];
  const module = (row.indexOf(false, left) - left) / 7;
  const size = Math.round((right + 1 - left) / module);
  const middle = (from: number, n: number): number => Math.floor(from + (n + 0.5) * ((right + 1 - left) / size));
  return Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (__, x) => picture[middle(top, y)]?.[middle(left, x)] === true),
  );
};

/** Where the data stands, in its order: two columns at a time from the right, upwards and downwards by turns. */
const path = (size: number, version: number): [x: number, y: number][] => {
  const places: [number, number][] = [];
  let isUp = true;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right--;
    for (let step = 0; step < size; step++) {
      const y = isUp ? size - 1 - step : step;
      for (const x of [right, right - 1]) if (!isFixed(x, y, size, version)) places.push([x, y]);
    }
    isUp = !isUp;
  }
  return places;
};

/** Finders, timing, alignment, format and version: no data. */
const isFixed = (x: number, y: number, size: number, version: number): boolean => {
  if (x === 6 || y === 6) return true;
  if ((x < 9 && y < 9) || (x > size - 9 && y < 9) || (x < 9 && y > size - 9)) return true;
  if (version >= 7 && ((x > size - 12 && y < 6) || (y > size - 12 && x < 6))) return true;
  const at = alignments(size, version);
  const [first, last] = [6, size - 7];
  return at.some((cx) =>
    at.some((cy) => {
      const isAtFinder = (cx === first && cy === first) || (cx === first && cy === last) || (cx === last && cy === first);
      return !isAtFinder && Math.abs(x - cx) <= 2 && Math.abs(y - cy) <= 2;
    }),
  );
};
const alignments = (size: number, version: number): number[] => {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.floor((version * 8 + count * 3 + 5) / (count * 4 - 4)) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, n) => size - 7 - n * step).toReversed()];
};

/** Blocks are written by turns; the shorter ones come first. */
const dataOf = (codewords: readonly number[], version: number, level: Level): number[] => {
  const blocks = BLOCKS[level]?.[version - 1] ?? 0;
  const correction = CORRECTION[level]?.[version - 1] ?? 0;
  if (blocks === 0) throw new Error(`no QR code of level ${ECC[level]}`);
  const shortest = Math.floor(codewords.length / blocks) - correction;
  const short = blocks - (codewords.length % blocks);
  const data: number[][] = Array.from({ length: blocks }, () => []);
  let next = 0;
  for (let place = 0; place <= shortest; place++)
    for (let block = place === shortest ? short : 0; block < blocks; block++) data[block]?.push(codewords[next++] ?? 0);
  return data.flat();
};

const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
/** `isLong`: counts take more bits in larger codes. */
const textIn = (data: readonly number[], isLong: boolean): string => {
  const bits = data.flatMap((byte) => Array.from({ length: 8 }, (_, n) => ((byte >> (7 - n)) & 1) === 1));
  let at = 0;
  const take = (length: number): number => numberIn(bits, (at += length) - length, length);
  let text = "";
  for (;;) {
    const mode = bits.length - at < 4 ? 0 : take(4);
    if (mode === 0) return text;
    if (mode === 4) {
      const length = take(isLong ? 16 : 8);
      text += Buffer.from(Array.from({ length }, () => take(8))).toString("utf8");
    } else if (mode === 2) {
      let left = take(isLong ? 11 : 9);
      for (; left > 1; left -= 2) {
        const pair = take(11);
        text += `${ALPHANUMERIC[Math.floor(pair / 45)]}${ALPHANUMERIC[pair % 45]}`;
      }
      if (left === 1) text += ALPHANUMERIC[take(6)];
    } else throw new Error(`a QR code in mode ${mode}`);
  }
};

const numberIn = (bits: readonly boolean[], from: number, length: number): number =>
  bits.slice(from, from + length).reduce((value, bit) => value * 2 + Number(bit), 0);
