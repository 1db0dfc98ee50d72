/** Builds the viewer's page: all in one file, with the charts laid out, and room for a film at its end. */
import { fileURLToPath } from "node:url";
import { build, type Rolldown } from "vite";
import { CHARTS } from "../src/drawing/catalogue.ts";
import { graphOf } from "../src/drawing/graph.ts";
import { layOut } from "../src/drawing/layout.ts";

const SOURCE = fileURLToPath(new URL("../src/dashboard/viewer/", import.meta.url));

export const viewerPage = async (): Promise<string> => {
  const [{ code, style }, charts] = await Promise.all([bundle(), laidOutCharts()]);
  return `<!doctype html>
<!-- Made by "npm run viewer" from src/dashboard/viewer and the charts. -->
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<link rel="icon" href="data:,">
<title>Greenroom</title><style>${style}</style>
<script type="module">${code.replaceAll("</script", "<\\/script")}</script></head><body><div id="app"></div>
<template id="report"></template>
<script type="application/json" id="charts">${charts}</script>
<script type="application/json" id="film"></script></body></html>
`;
};

/** The film comes last in the page, and modules run when the page has ended, be it whole or cut off. */
const bundle = async (): Promise<{ code: string; style: string }> => {
  const result = await build({
    root: SOURCE,
    configFile: false,
    logLevel: "error",
    mode: "production",
    define: { "process.env.NODE_ENV": '"production"' },
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      write: false,
      target: "es2023",
      modulePreload: false,
      cssMinify: true,
      minify: true,
      rolldownOptions: { input: `${SOURCE}main.tsx`, output: { format: "es", codeSplitting: false }, external: [/^elkjs/] },
    },
  });
  const { output } = (Array.isArray(result) ? result[0] : result) as Rolldown.RolldownOutput;
  const code = output.flatMap((file) => (file.type === "chunk" ? [file.code] : [])).join("");
  const style = output.flatMap((file) => (file.type === "asset" && file.fileName.endsWith(".css") ? [String(file.source)] : []));
  return { code: code.trim(), style: style.join("").trim() };
};

const laidOutCharts = async (): Promise<string> => {
  const drawings = await Promise.all(
    CHARTS.map(async ({ name, machine, delays }) => [name, await layOut(graphOf(name, machine, delays))] as const),
  );
  const tenths = (_key: string, value: unknown): unknown => (typeof value === "number" ? Math.round(value * 10) / 10 : value);
  return JSON.stringify(Object.fromEntries(drawings), tenths).replaceAll("<", "\\u003c");
};
