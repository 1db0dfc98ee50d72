/** Builds the viewer's page: all in one file, with the charts laid out, and room for a film at its end. */
import { CHARTS } from "../src/drawing/catalogue.ts";
import { graphOf } from "../src/drawing/graph.ts";
import { layOut } from "../src/drawing/layout.ts";
import { bundle } from "./bundle.ts";

/** The film comes last in the page, and modules run when the page has ended, be it whole or cut off. */
export const viewerPage = async (): Promise<string> => {
  const [{ code, style }, charts] = await Promise.all([bundle("viewer"), laidOutCharts()]);
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

const laidOutCharts = async (): Promise<string> => {
  const drawings = await Promise.all(
    CHARTS.map(async ({ name, machine, delays }) => [name, await layOut(graphOf(name, machine, delays))] as const),
  );
  const tenths = (_key: string, value: unknown): unknown => (typeof value === "number" ? Math.round(value * 10) / 10 : value);
  return JSON.stringify(Object.fromEntries(drawings), tenths).replaceAll("<", "\\u003c");
};
