/** Places a graph on paper with ELK. Units are px at a scale of 1. Needs elkjs, which a checkout has and a published package does not. */
import type { ElkExtendedEdge, ElkNode } from "elkjs";
import { ANY, type Arrow, type Graph, type State, type Trigger } from "./graph.ts";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export interface Point {
  readonly x: number;
  readonly y: number;
}
export interface PlacedState extends State {
  readonly box: Box;
  readonly lines: readonly string[];
  readonly isCompound: boolean;
  /** How often it was entered, to be written behind the name. */
  readonly count?: string;
}
export interface PlacedArrow extends Arrow {
  readonly points: readonly Point[];
  readonly label: Box & { readonly lines: readonly string[] };
  /** How often it was taken, to be written behind the first line. */
  readonly count?: string;
}
export interface Drawing {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly states: readonly PlacedState[];
  readonly arrows: readonly PlacedArrow[];
  /** The dots from which initial states are entered. */
  readonly starts: readonly { readonly at: Point; readonly points: readonly Point[] }[];
}

export const TITLE_HEIGHT = 26;
export const LINE_HEIGHT = 14;
export const PAD = 10;
/** Of the widest common sans-serif face at 11 px, with room to spare: the file carries no font. */
const CHARACTER = 6.4;
const TITLE_CHARACTER = 8.2;
const DOT = 12;

const OPTIONS = {
  "elk.algorithm": "layered",
  "elk.direction": "DOWN",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.json.edgeCoords": "ROOT",
  "elk.layered.cycleBreaking.strategy": "DEPTH_FIRST",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.spacing.nodeNodeBetweenLayers": "34",
  "elk.layered.spacing.edgeNodeBetweenLayers": "16",
  "elk.spacing.nodeNode": "34",
  "elk.spacing.edgeNode": "18",
  "elk.spacing.edgeEdge": "12",
  "elk.spacing.edgeLabel": "5",
  "elk.edgeLabels.placement": "CENTER",
  "elk.edgeLabels.inline": "true",
  "elk.padding": "[top=20,left=20,bottom=20,right=20]",
};

/** Per state id, per "from -> to", and per "state / event [guard]" of what is taken within; what is not there was never taken. */
export type Counts = ReadonlyMap<string, number>;

export const layOut = async (graph: Graph, counts?: Counts): Promise<Drawing> => {
  const { default: Elk } = await import("elkjs/lib/elk.bundled.js");
  const placed = await new Elk.default().layout(paperOf(graph, counts));
  return drawingOf(graph, placed, counts);
};

const countOf = (id: string, counts: Counts | undefined): string => (counts && id !== ANY ? ` ×${counts.get(id) ?? 0}` : "");

// ---- to ELK ----

const startId = (state: State): string => `start:${state.id}`;
const edgeId = (arrow: Arrow): string => `${arrow.from} -> ${arrow.to}`;
const isCompound = (graph: Graph, { id }: State): boolean => graph.states.some(({ parent }) => parent === id);

const paperOf = (graph: Graph, counts: Counts | undefined): ElkNode => {
  const inside = (parent: string | null): ElkNode[] => [
    ...graph.states.filter((state) => state.parent === parent).map((state) => nodeOf(graph, state, inside(state.id), counts)),
    ...graph.states
      .filter((state) => state.parent === parent && state.isInitial)
      .map((state) => ({ id: startId(state), width: DOT, height: DOT })),
  ];
  const starts = graph.states
    .filter(({ isInitial }) => isInitial)
    .map((state) => ({ id: `${startId(state)} -> `, sources: [startId(state)], targets: [state.id] }));
  const edges: ElkExtendedEdge[] = graph.arrows.map((arrow) => {
    const lines = arrow.triggers.flatMap(triggerLines);
    return {
      id: edgeId(arrow),
      sources: [arrow.from],
      targets: [arrow.to],
      labels: [
        {
          id: `${edgeId(arrow)}:label`,
          text: lines.join("\n"),
          layoutOptions: { "elk.edgeLabels.inline": "true" },
          ...sizeOf(counted(lines, countOf(edgeId(arrow), counts))),
        },
      ],
    };
  });
  return { id: "paper", layoutOptions: OPTIONS, children: inside(null), edges: [...starts, ...edges] };
};

const nodeOf = (graph: Graph, state: State, children: ElkNode[], counts: Counts | undefined): ElkNode => {
  const count = countOf(state.id, counts);
  const lines = stateLines(state, counts);
  const head = TITLE_HEIGHT + lines.length * LINE_HEIGHT + (lines.length > 0 ? PAD : 0);
  if (isCompound(graph, state))
    return {
      id: state.id,
      children,
      layoutOptions: { "elk.padding": `[top=${head + PAD},left=${PAD * 2},bottom=${PAD * 2},right=${PAD * 2}]` },
    };
  const width = Math.max(90, (state.label.length + count.length) * TITLE_CHARACTER + 2 * PAD, sizeOf(lines).width + 2 * PAD);
  return { id: state.id, width, height: head };
};

const counted = ([first = "", ...others]: readonly string[], count: string): string[] => [`${first}${count}`, ...others];

const sizeOf = (lines: readonly string[]): { width: number; height: number } => ({
  width: Math.max(0, ...lines.map(({ length }) => length)) * CHARACTER + 4,
  height: lines.length * LINE_HEIGHT + 2,
});

/** In the words of statecharts: `event [guard] / action, action`; long ones go on in a second line. */
export const triggerLines = ({ event, length, guard, actions }: Trigger): string[] => {
  const head = `${event}${length ? ` (${length})` : ""}${guard ? ` [${guard}]` : ""}`;
  return actions.length > 0 ? [head, `  / ${actions.join(", ")}`] : [head];
};

const stateLines = ({ id, entry, exit, inner }: State, counts: Counts | undefined): string[] => [
  ...(entry.length > 0 ? [`entry / ${entry.join(", ")}`] : []),
  ...(exit.length > 0 ? [`exit / ${exit.join(", ")}`] : []),
  ...inner.flatMap((trigger) => counted(triggerLines(trigger), countOf(innerKey(id, trigger), counts))),
];

const innerKey = (id: string, { event, guard }: Trigger): string => `${id} / ${event}${guard ? ` [${guard}]` : ""}`;

// ---- from ELK ----

const drawingOf = (graph: Graph, paper: ElkNode, counts: Counts | undefined): Drawing => {
  const boxes = new Map<string, Box>();
  const walk = (node: ElkNode, at: Point): void => {
    for (const child of node.children ?? []) {
      const box = { x: at.x + (child.x ?? 0), y: at.y + (child.y ?? 0), width: child.width ?? 0, height: child.height ?? 0 };
      boxes.set(child.id, box);
      walk(child, box);
    }
  };
  walk(paper, { x: 0, y: 0 });
  const edges = new Map((paper.edges ?? []).map((edge) => [edge.id, edge]));
  const boxOf = (id: string): Box => boxes.get(id) ?? { x: 0, y: 0, width: 0, height: 0 };
  return {
    name: graph.name,
    width: paper.width ?? 0,
    height: paper.height ?? 0,
    states: graph.states.map((state) => ({
      ...state,
      box: boxOf(state.id),
      lines: stateLines(state, counts),
      isCompound: isCompound(graph, state),
      ...(counts && { count: countOf(state.id, counts) }),
    })),
    arrows: graph.arrows.map((arrow) => {
      const edge = edges.get(edgeId(arrow));
      const label = edge?.labels?.[0];
      const box = { x: label?.x ?? 0, y: label?.y ?? 0, width: label?.width ?? 0, height: label?.height ?? 0 };
      const lines = arrow.triggers.flatMap(triggerLines);
      const count = counts && { count: countOf(edgeId(arrow), counts) };
      return { ...arrow, points: pointsOf(edge), label: { ...box, lines }, ...count };
    }),
    starts: graph.states
      .filter(({ isInitial }) => isInitial)
      .map((state) => {
        const box = boxOf(startId(state));
        return { at: { x: box.x + DOT / 2, y: box.y + DOT / 2 }, points: pointsOf(edges.get(`${startId(state)} -> `)) };
      }),
  };
};

const pointsOf = (edge: ElkExtendedEdge | undefined): Point[] =>
  (edge?.sections ?? []).flatMap(({ startPoint, bendPoints, endPoint }) => [startPoint, ...(bendPoints ?? []), endPoint]);
