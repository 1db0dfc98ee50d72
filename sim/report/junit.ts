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
    return `${head(name)}>\n      <failure message="${escaped(`seed ${found.seed}: ${found.text}`)}">${escaped(text)}</failure>\n    </testcase>`;
  });
  const cut = interrupted
    ? [`${head("all-runs-made")}>\n      <error message="interrupted after ${runs} runs"/>\n    </testcase>`]
    : [];
  const all = [...cases, ...cut];
  const attributes = `tests="${all.length}" failures="${violations.length}" errors="${cut.length}" time="${wallSeconds}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${attributes}>\n  <testsuite name="greenroom chaos" ${attributes}>\n${all.join("\n")}\n  </testsuite>\n</testsuites>\n`;
};

const head = (name: string): string => `    <testcase classname="greenroom.chaos" name="${escaped(name)}" time="0"`;

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };
/** Signs that XML has no way to write become U+FFFD. */
export const escaped = (text: string): string =>
  text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
    .replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
