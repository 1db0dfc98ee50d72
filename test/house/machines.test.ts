import { describe, expect, it } from "vitest";
import { headerOf, line, machineFiles, named, nodesOf, rowsOf } from "./machine-tables.ts";

const files = await machineFiles(new URL("../../", import.meta.url));

describe("every chart", () => {
  it("is found", () => {
    expect(files.length).toBeGreaterThan(5);
  });

  describe.each(files)("$path", ({ machine, header }) => {
    const nodes = nodesOf(machine);
    const { implementations } = machine;
    const transitions = nodes.flatMap((node) => [...node.transitions.values()].flat().concat(node.always ?? []));
    const generated = (action: unknown) =>
      typeof action === "function" && "type" in action && (action.type === "xstate.raise" || action.type === "xstate.cancel");

    it("has the transitions of its table, and no others", () => {
      const drawn = rowsOf(machine);
      const written = header.map(line);
      const missing = drawn.filter((row) => !row.optional && !written.includes(line(row))).map(line);
      const invented = written.filter((row) => !drawn.some((other) => line(other) === row));
      const twice = written.filter((row, index) => written.indexOf(row) !== index);
      expect({ missing, invented, twice }).toEqual({ missing: [], invented: [], twice: [] });
    });

    it("lists the rows of one state and event in the order in which they are tried", () => {
      const order = (rows: readonly { from: string; event: string; to: string }[]) => {
        const groups: Record<string, string[]> = {};
        for (const row of rows) (groups[`${row.from} ${row.event.split(" if ")[0]}`] ??= []).push(line(row));
        return groups;
      };
      const drawn = order(rowsOf(machine));
      const written = order(header);
      expect(written).toEqual(Object.fromEntries(Object.keys(written).map((group) => [group, drawn[group]])));
    });

    it("defines in setup() every guard, action and delay that it names, and uses none in place", () => {
      const guards = transitions.flatMap(({ guard }) => (guard === undefined ? [] : [named(guard) ?? "(in place)"]));
      const actions = [
        ...transitions.flatMap((transition) => transition.actions),
        ...nodes.flatMap((node) => [...node.entry, ...node.exit]),
      ]
        .filter((action) => !generated(action))
        .map((action) => named(action) ?? "(in place)");
      const delays = nodes.flatMap((node) => node.after.map(({ delay }) => (typeof delay === "string" ? delay : "(in place)")));
      expect(guards.filter((name) => !(name in implementations.guards))).toEqual([]);
      expect(actions.filter((name) => !(name in implementations.actions))).toEqual([]);
      expect(delays.filter((name) => !(name in implementations.delays))).toEqual([]);
    });

    it("defines nothing that it does not use", () => {
      const used = (thing: unknown) => named(thing) ?? "";
      const guards = new Set(transitions.map(({ guard }) => used(guard)));
      const actions = new Set(
        [
          ...transitions.flatMap((transition) => transition.actions),
          ...nodes.flatMap((node) => [...node.entry, ...node.exit]),
        ].map(used),
      );
      const delays = new Set(nodes.flatMap((node) => node.after.map(({ delay }) => String(delay))));
      expect(Object.keys(implementations.guards).filter((name) => !guards.has(name))).toEqual([]);
      expect(Object.keys(implementations.actions).filter((name) => !actions.has(name))).toEqual([]);
      expect(Object.keys(implementations.delays).filter((name) => !delays.has(name))).toEqual([]);
    });

    it("has one region, names its events, and gives what it raises later an id", () => {
      expect(nodes.filter(({ type }) => type === "parallel").map(({ key }) => key)).toEqual([]);
      expect(nodes.flatMap((node) => [...node.transitions.keys()]).filter((event) => event.includes("*"))).toEqual([]);
      const anonymous = Object.entries(implementations.actions).filter(([, action]) => {
        const { type, delay, id } = action as { type?: string; delay?: unknown; id?: unknown };
        return (type === "xstate.raise" || type === "xstate.sendTo") && delay !== undefined && id === undefined;
      });
      expect(anonymous.map(([name]) => name)).toEqual([]);
    });

    it("stops after a thousand steps rather than never", () => {
      expect((machine.options as { maxIterations?: number } | undefined)?.maxIterations).toBe(1000);
    });
  });
});

describe("the reader of tables", () => {
  it("reads rows of three cells in the first comment and skips their heads", () => {
    const source = "/**\n * | from | event | to |\n * |---|---|---|\n * | a | go if isFit | b |\n */\n/** | c | d | e | */";
    expect(headerOf(source)).toEqual([{ from: "a", event: "go if isFit", to: "b" }]);
  });
});
