/** JUnit XML, as CI servers read it: one case a property, one for the shares and figures that belong to the whole. */
import { BOUNDS } from "../checkers/timed.ts";
import { properties } from "../checkers/index.ts";
import { RUN_ENDS } from "../chaos/judge.ts";
import type { ChaosDocument, FoundViolation } from "../chaos/totals.ts";
import { inPlainWords } from "../plan/words.ts";

/** What is judged of all runs together: sim/chaos.ts. */
const OF_THE_WHOLE = [RUN_ENDS, "determinism", "too-many-excluded"];

export const junit = (document: ChaosDocument, replay: (violation: FoundViolation) => string): string => {
  const { violations, interrupted, wallSeconds, runs } = document;
  const names = [
    ...properties.map(({ name }) => name),
    ...Object.keys(BOUNDS).map((measure) => `timed-${measure}`),
    ...OF_THE_WHOLE,
  ];
  const others = violations.map(({ property }) => property).filter((property) => !names.includes(property));
  const cases = [...names, ...others].map((name) => {
    const found = violations.find(({ property }) => property === name);
    if (!found) return `${head(name)}/>`;
    const text = [...(found.shrunk ? inPlainWords(found.shrunk) : []), replay(found)].join("\n");
    return failed(name, `seed ${found.seed}: ${found.text}`, text);
  });
  const cut = interrupted
    ? [`${head("all-runs-made")}>\n      <error message="interrupted after ${runs} runs"/>\n    </testcase>`]
    : [];
  return suite([...cases, ...cut], violations.length, cut.length, wallSeconds);
};

/** Of a fleet whose own timers can't meet the targets: nothing was run, and a CI shows why. */
export const timersJunit = (text: string): string => suite([failed("timers-meet-targets", "nothing was run", text)], 1, 0, 0);

const suite = (cases: readonly string[], failures: number, errors: number, seconds: number): string => {
  const attributes = `tests="${cases.length}" failures="${failures}" errors="${errors}" time="${seconds}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${attributes}>\n  <testsuite name="greenroom chaos" ${attributes}>\n${cases.join("\n")}\n  </testsuite>\n</testsuites>\n`;
};

const failed = (name: string, message: string, text: string): string =>
  `${head(name)}>\n      <failure message="${escaped(message)}">${escaped(text)}</failure>\n    </testcase>`;

const head = (name: string): string => `    <testcase classname="greenroom.chaos" name="${escaped(name)}" time="0"`;

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };
/** Signs that XML has no way to write become U+FFFD. */
export const escaped = (text: string): string =>
  text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
    .replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
