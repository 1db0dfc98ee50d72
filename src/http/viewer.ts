/** What the viewer's file gives to the API: the charts as they are drawn, and what a page that plays a film may do. */
import { readFileSync } from "node:fs";
import { STYLE } from "../drawing/svg.ts";
import { policyOf } from "./page-policy.ts";

const page = readFileSync(new URL("../dashboard/viewer.html", import.meta.url), "utf8");

/** JSON: a drawing by the name of its chart. */
export const CHARTS_JSON = /<script type="application\/json" id="charts">(.*?)<\/script>/s.exec(page)?.[1] ?? "{}";
export const VIEWER_CSP = policyOf(page, { styles: [STYLE], sinks: true });
