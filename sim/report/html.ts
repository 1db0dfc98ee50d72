/** The summary as one page that needs nothing but itself. */
import type { ChaosDocument, Distribution, FoundViolation, TimingReport } from "../chaos/totals.ts";
import { inPlainWords } from "../plan/words.ts";
import { escaped } from "./junit.ts";
import { percent, whole } from "./table.ts";

const TITLES = {
  detection: "Fault to detection",
  choice: "Detection to choice of a candidate",
  inService: "Commit to service",
  firstAck: "Fault to first acknowledgement",
};

export const html = (document: ChaosDocument, replay: (violation: FoundViolation) => string): string => {
  const { runs, simulatedSeconds, wallSeconds, violations, coverage, determinism } = document;
  const state = violations.length === 0 ? "held" : "broken";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Greenroom chaos: ${state}</title><style>${STYLE}</style></head><body><main>
<h1>Greenroom chaos <span class="${state}">${state === "held" ? "everything held" : `${violations.length} broken`}</span></h1>
<dl>${[
    ["Runs", whole(runs)],
    ["Simulated", `${whole(simulatedSeconds)} s`],
    ["Took", `${wallSeconds.toFixed(1)} s`],
    ["Messages accepted", whole(document.messages)],
    ["Lost", String(document.lost)],
    ["Availability", percent(document.availability, 4)],
    ["Changes of number without a fault", String(document.falseNumberChanges)],
    ["Handovers to a twin without a fault", String(document.falseTwinHandovers)],
    ["Runs repeated", `${determinism.checked}, diverged ${determinism.diverged.length}`],
    ["Transitions taken", `${coverage.transitions.taken} of ${coverage.transitions.total}`],
  ]
    .map(([name, value]) => `<div><dt>${escaped(name ?? "")}</dt><dd>${escaped(value ?? "")}</dd></div>`)
    .join("")}</dl>
${violations.map((violation) => broken(violation, replay(violation))).join("\n")}
${(Object.entries(document.timings) as [keyof typeof TITLES, TimingReport][]).map(([key, report]) => timing(TITLES[key], report)).join("\n")}
${counts("Faults that bit", document.faults)}
${counts("Bounds not owed, by reason", document.excluded)}
<h2>Transitions never taken</h2><ul>${coverage.transitions.missing.map((name) => `<li>${escaped(name)}</li>`).join("")}</ul>
</main></body></html>
`;
};

const broken = (violation: FoundViolation, command: string): string =>
  `<section class="violation"><h2>${escaped(violation.property)}</h2><p>Seed ${escaped(violation.seed)}: ${escaped(violation.text)}</p>${
    violation.shrunk
      ? `<ol>${inPlainWords(violation.shrunk)
          .map((line) => `<li>${escaped(line)}</li>`)
          .join("")}</ol>`
      : ""
  }<pre>${escaped(command)}</pre></section>`;

const timing = (title: string, report: TimingReport): string => {
  const row = (name: string, { count, p50, p99, max, worstSeed }: Distribution): string =>
    `<tr><td>${escaped(name)}</td><td>${count}</td><td>${p50}</td><td>${p99}</td><td>${max}</td><td>${escaped(worstSeed ?? "")}</td><td><i style="width:${Math.min(100, (100 * max) / report.boundMs).toFixed(1)}%"></i></td></tr>`;
  return `<h2>${escaped(title)}: within ${report.boundMs} ms, margin ${report.marginMs} ms</h2><table>
<thead><tr><th>fault, rung</th><th>cases</th><th>p50 ms</th><th>p99 ms</th><th>max ms</th><th>worst seed</th><th>of the bound</th></tr></thead>
<tbody>${row("all", report)}${Object.entries(report.byClass)
    .map(([name, each]) => row(name, each))
    .join("")}</tbody></table>`;
};

const counts = (title: string, entries: Readonly<Record<string, number>>): string =>
  Object.keys(entries).length === 0
    ? ""
    : `<h2>${escaped(title)}</h2><table><tbody>${Object.entries(entries)
        .map(([name, count]) => `<tr><td>${escaped(name)}</td><td>${whole(count)}</td></tr>`)
        .join("")}</tbody></table>`;

const STYLE = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:0}main{max-width:60rem;margin:0 auto;padding:1rem}
h1 span{font-size:.6em;padding:.1em .6em;border-radius:1em;color:#fff}.held{background:#2a7d4f}.broken{background:#b3261e}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));gap:.5rem}dl div{border:1px solid #8884;border-radius:.4rem;padding:.4rem .7rem}dt{opacity:.7;font-size:.85em}dd{margin:0;font-weight:600}
table{border-collapse:collapse;width:100%}td,th{text-align:right;padding:.15rem .5rem;border-bottom:1px solid #8883}td:first-child,th:first-child{text-align:left}
td:last-child i{display:block;height:.6em;background:#2a7d4f;min-width:1px}td:last-child{min-width:6rem}.violation{border:2px solid #b3261e;border-radius:.4rem;padding:0 1rem;margin:1rem 0}pre{overflow:auto}`;
