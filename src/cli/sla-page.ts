/** The SLA report as one page that needs nothing else: for mail, for print. */
import type { SlaReport } from "../sla/report.ts";
import { percent } from "../sla/percent.ts";
import { NOTHING_MEASURED, rowsOf, signed } from "./sla-words.ts";
import { when } from "./text.ts";

export const slaHtml = (report: SlaReport): string => {
  const rows = rowsOf(report).map(([kind, name, each]) => {
    const isMet = (each.availability ?? 1) >= report.target;
    const cells = [
      percent(each.availability),
      signed(each.downMs),
      String(each.times),
      signed(each.longestMs),
      signed(each.budgetLeftMs),
      each.burnRate === null ? "-" : each.burnRate.toFixed(2),
      signed(each.measuredMs),
      signed(each.outageMs + each.maintenanceMs),
    ];
    return `<tr class="${kind}${isMet ? "" : " missed"}"><th scope="row">${escaped(`${kind} ${name}`.trim())}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Availability</title>
<style>${STYLE}</style>
<h1>Availability</h1>
<p>${when(report.from)} to ${when(report.to)}, target ${percent(report.target)}</p>${report.fleet.availability === null ? `\n<p>${NOTHING_MEASURED}</p>` : ""}
<table><thead><tr>${HEAD.map((text) => `<th scope="col">${text}</th>`).join("")}</tr></thead><tbody>
${rows.join("\n")}
</tbody></table>
<p>A seat is down while an accepted message, neither paced nor held, waits for more than 10 s for WhatsApp's word. Excluded: outages of WhatsApp as a
whole, and pauses by an operator. The budget is what the target allows in the period; a burn rate above 1 does not last.</p>
</html>
`;
};

const HEAD = ["", "available", "down", "times", "longest", "budget left", "burn rate", "measured", "excluded"];
const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
th:first-child { text-align: left; font-weight: 500; }
.fleet th, .line th { font-weight: 700; }
.missed td:nth-child(2) { font-weight: 700; }
.missed td:nth-child(2)::after { content: " missed"; }
`;

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
