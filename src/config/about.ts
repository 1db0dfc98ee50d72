/** The part of a fleet file that says who is who, for people: names and labels. Nothing that runs depends on it. */
import { z } from "zod";
import { type Data, isMap, mapAt, namesAt } from "./data.ts";
import type { Fault } from "./issues.ts";
import { didYouMean } from "./nearest.ts";

/** What people call an account, a device or a line. */
export interface About {
  readonly name: string | null;
  readonly labels: readonly string[];
}
export const NOT_NAMED: About = { name: null, labels: [] };

const PLAIN = /^[^\p{C}]+$/u;
export const humanName = z
  .string()
  .trim()
  .min(1)
  .max(80)
  .regex(PLAIN, { error: "expected a name of 1 to 80 characters on one line" });
export const labels = z
  .array(
    z
      .string()
      .regex(/^[\p{L}\p{N}][\p{L}\p{N}._:=/ -]{0,62}$/u, { error: "expected a label of 1 to 63 letters, digits or . _ : = / -" }),
  )
  .max(20)
  .refine((all) => new Set(all).size === all.length, { error: "expected labels that differ" });

/** An account, a line, or a device as `account/device`. */
const SUBJECT = /^[A-Za-z0-9._-]{1,64}(\/[A-Za-z0-9._-]{1,64})?$/;

export const aboutSchema = z
  .record(
    z.string().regex(SUBJECT, { error: "expected an account, a line, or a device such as sales-1/a" }),
    z.strictObject({
      name: humanName.optional().describe("What people call it."),
      labels: labels.default([]).describe("Words to find it by."),
    }),
  )
  .describe("Names and labels of accounts, devices (account/device) and lines, for people. A change touches nothing that runs.");

export const aboutOf = (given: z.output<typeof aboutSchema> | undefined): Readonly<Record<string, About>> =>
  Object.fromEntries(
    Object.entries(given ?? {}).map(([subject, { name = null, labels: words }]) => [subject, { name, labels: words }]),
  );

export const checkAbout = (data: Data): Fault[] => {
  const accounts = mapAt(data, "accounts");
  const known = [
    ...Object.keys(accounts),
    ...Object.keys(accounts).flatMap((account) =>
      namesAt(mapAt(accounts, account), "devices").map(({ value }) => `${account}/${value}`),
    ),
    ...Object.keys(mapAt(data, "lines")),
  ];
  const { about } = data;
  return Object.keys(isMap(about) ? about : {})
    .filter((subject) => !known.includes(subject))
    .map((subject) => ({
      path: ["about", subject],
      about: "key" as const,
      message: `there is no account, device or line ${subject}.${didYouMean(subject, known)}`.replace(/\.$/, ""),
    }));
};
