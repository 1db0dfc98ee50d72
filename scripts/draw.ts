/** Draws every chart anew into docs/machines/: `npm run draw`. A test fails when a drawing there is not that of its chart. */
import { mkdirSync, writeFileSync } from "node:fs";
import { CHARTS } from "../src/drawing/catalogue.ts";
import { draw, EXTENSIONS, FORMATS } from "../src/drawing/draw.ts";

const folder = new URL("../docs/machines/", import.meta.url);
mkdirSync(folder, { recursive: true });
for (const chart of CHARTS) {
  for (const format of FORMATS) {
    if (format === "json") continue;
    writeFileSync(new URL(`${chart.name}.${EXTENSIONS[format]}`, folder), await draw(chart, format));
  }
}
const rows = CHARTS.map(({ name, per }) => `## ${name}\n\nOne per ${per}.\n\n![The ${name} chart](${name}.svg)\n`);
writeFileSync(
  new URL("README.md", folder),
  `# The charts\n\nDrawn by \`npm run draw\` from the machines that run in production and in the simulator.\n\n${rows.join("\n")}`,
);
