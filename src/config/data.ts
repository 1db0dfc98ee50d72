/** Data as it was written, before it is known whether it has the right shape. */
export type Data = Readonly<Record<string, unknown>>;

export interface Named {
  readonly index: number;
  readonly value: string;
}

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Empty if there is none. */
export const mapAt = (data: Data, key: string): Data => {
  const value = Object.hasOwn(data, key) ? data[key] : undefined;
  return isMap(value) ? value : {};
};

/** The texts of a list, with their places in it. */
export const namesAt = (data: Data, key: string): readonly Named[] => {
  const value = Object.hasOwn(data, key) ? data[key] : undefined;
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  return items.flatMap((item, index) => (typeof item === "string" ? [{ index, value: item }] : []));
};
