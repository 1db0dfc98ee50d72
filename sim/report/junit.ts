/** JUnit XML, as CI servers read it: one case a property, one for the shares and figures that belong to the whole. */
import { BOUNDS } from "../checkers/timed.ts";
import { properties } from "../checkers/index.ts";
import type { ChaosDocument, FoundViolation } from "../chaos/totals.ts";
import { inPlainWords } from "../plan/words.ts";

export const junit = (document: ChaosDocument, replay: (violation: FoundViolation) => string): string => {
  const names = [...properties.map(({ name }) => name), ...Object.keys(BOUNDS).map((measure) => `timed-${measure}`)];
  const others = document.violations.map(({ property }) => property).filter((property) => !names.includes(property));
  const cases = [...names, ...others].map((name) => {
    const found = document.violations.find(({ property }) => property === name);
    const head = `    <testcase classname="greenroom.chaos" name="${escaped(name)}" time="0"`;
    if (!found) return `${head}/>`;
    const text = [...(found.shrunk ? inPlainWords(found.shrunk) : []), replay(found)].join("\n");
    return `${head}>\n      <failure message="${escaped(`seed ${found.seed}: ${found.text}`)}">${escaped(text)}</failure>\n    </testcase>`;
  });
  const attributes = `tests="${cases.length}" failures="${document.violations.length}" errors="0" time="${document.wallSeconds}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${attributes}>\n  <testsuite name="greenroom chaos" ${attributes}>\n${cases.join("\n")}\n  </testsuite>\n</testsuites>\n`;
};

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
