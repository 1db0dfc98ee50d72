/** "Did you mean": the known name that is the fewest typing errors away. */

/** At most a third of the letters wrong, and never more than three. */
export const nearest = (wrong: string, known: readonly string[]): string | undefined => {
  let best: string | undefined;
  let least = Math.min(3, Math.floor(wrong.length / 3)) + 1;
  for (const name of known) {
    const errors = distance(wrong.toLowerCase(), name.toLowerCase());
    if (errors < least) [best, least] = [name, errors];
  }
  return best;
};

/** ` Did you mean "x"?`, or nothing. */
export const didYouMean = (wrong: string, known: readonly string[]): string => {
  const name = nearest(wrong, known);
  return name === undefined ? "" : ` Did you mean "${name}"?`;
};

/** For messages: all names, or the first few and how many more there are. */
export const listed = (names: readonly string[], most = 12): string =>
  names.length <= most ? names.join(", ") : `${names.slice(0, most).join(", ")} and ${names.length - most} more`;

/** Insertions, deletions, exchanges of one letter and swaps of two neighbours (optimal string alignment). */
const distance = (one: string, other: string): number => {
  if (Math.abs(one.length - other.length) > 3) return Number.POSITIVE_INFINITY;
  let [before, previous]: [number[], number[]] = [[], Array.from({ length: other.length + 1 }, (_, index) => index)];
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1] ? 0 : 1;
      const swapped =
        row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
          ? (before[column - 2] as number) + 1
          : Number.POSITIVE_INFINITY;
      current[column] = Math.min(
        (previous[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (previous[column - 1] as number) + same,
        swapped,
      );
    }
    [before, previous] = [previous, current];
  }
  return previous[other.length] as number;
};
