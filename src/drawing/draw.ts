/** Charts as text files: SVG, Mermaid, or JSON that tools for XState read. */
import type { Chart } from "./catalogue.ts";
import { graphOf } from "./graph.ts";
import { layOut } from "./layout.ts";
import { mermaidOf } from "./mermaid.ts";
import { type Paint, svgOf } from "./svg.ts";

export const FORMATS = ["svg", "mermaid", "json"] as const;
export type Format = (typeof FORMATS)[number];
export const EXTENSIONS: { readonly [F in Format]: string } = { svg: "svg", mermaid: "mmd", json: "json" };

/** `paint` is for SVG; the other formats have no room for it. */
export const draw = async ({ name, machine, delays }: Chart, format: Format, paint?: Paint): Promise<string> => {
  if (format === "json") return `${JSON.stringify(machine.config, withoutCode, 2)}\n`;
  const graph = graphOf(name, machine, delays);
  return format === "mermaid" ? mermaidOf(graph) : svgOf(await layOut(graph, paint?.counts), paint);
};

/** The chart as it was written, which createMachine() takes again; guards and actions are there by name. */
const withoutCode = (_key: string, value: unknown): unknown => (typeof value === "function" ? undefined : value);
