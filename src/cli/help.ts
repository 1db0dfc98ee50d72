/** What every help page has in common. */
import { type Command, InvalidArgumentError } from "commander";

const COLUMNS = 80;

/** The last part of a help page: what somebody would type. Where it does not fit beside that, what it does is below it. */
export const examples = (list: readonly (readonly [line: string, what: string])[]): string => {
  const width = Math.max(...list.map(([line]) => line.length));
  const beside = list.map(([line, what]) => `  $ ${line.padEnd(width)}  ${what}`.trimEnd());
  const below = list.map(
    ([line, what]) =>
      `  $ ${line}${wrapped(what, COLUMNS - 6)
        .map((part) => `\n      ${part}`)
        .join("")}`,
  );
  return `\nExamples:\n${(beside.every(({ length }) => length <= COLUMNS) ? beside : below).join("\n")}`;
};

const wrapped = (text: string, columns: number): string[] => {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
};

export const withJson = (command: Command): Command => command.option("--json", "one JSON document instead of text");

/** For commander: refuses what is no number within bounds. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
    return value;
  };

/** For commander: a day or a time, by the clock of whoever types; as milliseconds since the epoch. */
export const instant = (text: string): number => {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? new Date(isDay ? `${text}T00:00` : text).getTime() : Number.NaN;
  if (Number.isNaN(at)) throw new InvalidArgumentError("expected a time: 2026-11-01, 2026-11-01T08:30 or 2026-11-01T08:30:00Z.");
  return at;
};

/** For commander: names, separated by commas. */
export const names = (text: string): readonly string[] =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
