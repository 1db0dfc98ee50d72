/** Keeps the lines of a text that a change does not concern as they were written, where whoever makes the change sets all of them anew. Pure. */

/**
 * `written`: the text. `before`, `after`: as it is set anew, without and with the change. The result says what `after` says, with the
 * lines of `written` wherever the two do not differ; `after` itself where lines can't be matched.
 */
export const keepLines = (written: string, before: string, after: string): string => {
  const old = before.split("\n");
  const next = after.split("\n");
  const groups = groupsOf(written.split("\n"), old);
  if (!groups) return after;
  const places = placesOf(old, next);
  const lines: string[] = [];
  for (let at = 0; at < next.length; ) {
    const place = places[at] ?? null;
    const group = place === null ? undefined : groups.get(place);
    const isKept = group !== undefined && group.old.every((_, offset) => places[at + offset] === (place as number) + offset);
    lines.push(...(isKept ? group.own : [next[at] as string]));
    at += isKept ? group.old.length : 1;
  }
  return lines.join("\n");
};

interface Group {
  readonly own: string[];
  readonly old: string[];
}
const bare = (lines: readonly string[]): string => lines.join("").replaceAll(/\s/g, "");

/** Which lines as written are which lines as set, by the first of the latter; undefined: nobody can say. */
const groupsOf = (own: readonly string[], old: readonly string[]): ReadonlyMap<number, Group> | undefined => {
  const groups = new Map<number, Group>();
  for (let [i, j] = [0, 0]; i < own.length || j < old.length; ) {
    const first = j;
    const group: Group = { own: own.slice(i, ++i), old: old.slice(j, ++j) };
    for (
      let [one, other] = [bare(group.own), bare(group.old)];
      one !== other;
      [one, other] = [bare(group.own), bare(group.old)]
    ) {
      const [from, place, into] = one.length < other.length ? [own, i++, group.own] : [old, j++, group.old];
      const line = from[place];
      if (line === undefined) return undefined;
      into.push(line);
    }
    groups.set(first, group);
  }
  return groups;
};

/** Where so many lines changed, all of them count as new. */
const MOST = 4_000_000;

/** For each of the next lines, which of the old ones it is; null: it is new. By the longest common subsequence. */
const placesOf = (old: readonly string[], next: readonly string[]): readonly (number | null)[] => {
  let start = 0;
  while (start < Math.min(old.length, next.length) && old[start] === next[start]) start++;
  let end = 0;
  while (end < Math.min(old.length, next.length) - start && old.at(-1 - end) === next.at(-1 - end)) end++;
  const middle = common(old.slice(start, old.length - end), next.slice(start, next.length - end));
  return [
    ...Array.from({ length: start }, (_, place) => place),
    ...middle.map((place) => (place === null ? null : start + place)),
    ...Array.from({ length: end }, (_, place) => old.length - end + place),
  ];
};

const common = (old: readonly string[], next: readonly string[]): readonly (number | null)[] => {
  if (old.length * next.length > MOST) return next.map(() => null);
  const width = next.length + 1;
  const longest = new Uint32Array((old.length + 1) * width);
  const at = (one: number, other: number): number => longest[one * width + other] as number;
  for (let one = old.length - 1; one >= 0; one--) {
    for (let other = next.length - 1; other >= 0; other--)
      longest[one * width + other] =
        old[one] === next[other] ? at(one + 1, other + 1) + 1 : Math.max(at(one + 1, other), at(one, other + 1));
  }
  let one = 0;
  return next.map((text, other) => {
    while (one < old.length && old[one] !== text && at(one + 1, other) >= at(one, other + 1)) one++;
    return one < old.length && old[one] === text ? one++ : null;
  });
};
