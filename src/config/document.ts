/** The fleet file as YAML: its data, and where in the text each part stands. */
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from "yaml";
import type { ConfigError, Source } from "./errors.ts";

export type Path = readonly (string | number)[];

export interface FleetDocument {
  readonly data: unknown;
  readonly errors: readonly ConfigError[];
  /** Where the value at `path` stands; of what is missing, where it would have to go. `key`: rather where its name stands. */
  readonly locate: (path: Path, what?: "key" | "value") => Source;
}

export const parseFleetDocument = (file: string, text: string): FleetDocument => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, uniqueKeys: true });
  const at = (offset: number): Source => {
    const { line, col } = lines.linePos(offset);
    return { kind: "file", file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const errors: ConfigError[] = [...document.errors, ...document.warnings].map(({ pos, message }) => ({
    source: at(pos[0]),
    path: "",
    message: `not valid YAML: ${message}`,
  }));
  return {
    data: errors.length > 0 ? undefined : dataOf(document, errors, at(0)),
    errors,
    locate: (path, what = "value") => at(offsetOf(document, path, what)),
  };
};

/** Anchors that unfold into very much are refused by the parser only here. */
const dataOf = (document: Document.Parsed, errors: ConfigError[], source: Source): unknown => {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    errors.push({ source, path: "", message: `not valid YAML: ${error instanceof Error ? error.message : String(error)}` });
    return undefined;
  }
};

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);

const offsetOf = (document: Document.Parsed, path: Path, what: "key" | "value"): number => {
  let node: Node | undefined | null = document.contents;
  let found = startOf(node) ?? 0;
  for (const [index, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const isLast = index === path.length - 1;
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(({ key }) => keyOf(key) === String(step));
      if (!pair) return found;
      const [key, value] = [startOf(pair.key), startOf(pair.value)];
      found = (isLast && what === "value" ? (isNullScalar(pair.value) ? key : value) : key) ?? found;
      node = isNode(pair.value) ? pair.value : null;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(step)];
      if (!isNode(item)) return found;
      found = startOf(item) ?? found;
      node = item;
    } else return found;
  }
  return found;
};

const keyOf = (key: unknown): string => (isScalar(key) ? String(key.value) : "");
/** `timers:` with nothing behind it stands where its name does. */
const isNullScalar = (node: unknown): boolean => !isNode(node) || (isScalar(node) && node.value === null);
