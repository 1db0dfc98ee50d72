/** Changes as a person would write them into a fleet file. */
import { describe, expect, it } from "vitest";
import { EditFault, editFleet, fleetEdit, type FleetEditInput, parseFleet } from "../../src/config/index.ts";

const FILE = `\
# Who serves whom.
fleet: acme
accounts:
  sales-1: { role: master, devices: [a, b] } # the old number
  sales-2:
    role: master
    devices: [a]

  # writes in bulk
  bulk-1: {role: servant, devices: [a]}
lines:
  sales:   # the desk
    masters: [sales-1, sales-2]
    servants: [bulk-1]
    balance: { weights: { sales-1: 2, sales-2: 3 } }
    work: [bulk]
  help: { masters: [sales-2] }
about:
  sales-1: { name: Berlin }
  sales-1/b: { name: "Pixel in the drawer", labels: [spare] }
`;
const edit = (change: FleetEditInput, text = FILE): string => editFleet(text, fleetEdit.parse(change));
const fleetOf = (text: string) => {
  const loaded = parseFleet("/fleet.yaml", text, {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.fleet;
};
/** Lines that the change has added and taken away. */
const difference = (change: FleetEditInput): { added: string[]; removed: string[] } => {
  const [before, after] = [FILE.split("\n"), edit(change).split("\n")];
  fleetOf(after.join("\n"));
  const less = (one: string[], other: string[]): string[] =>
    one.filter((line) => !other.includes(line)).map((line) => line.trim());
  return { added: less(after, before), removed: less(before, after) };
};

describe("a change of a fleet file", () => {
  it.each<[string, FleetEditInput, string[], string[]]>([
    [
      "adds an account to its lines",
      { kind: "account.add", account: "sales-3", devices: ["a", "b"], lines: ["sales"], pacing: { perSecond: 0.5 } },
      [
        "sales-3: { role: master, devices: [ a, b ], pacing: { perSecond: 0.5, burst: 1 } }",
        "masters: [ sales-1, sales-2, sales-3 ]",
      ],
      ["masters: [sales-1, sales-2]"],
    ],
    [
      "removes an account wherever it stands",
      { kind: "account.remove", account: "sales-1" },
      ["masters: [ sales-2 ]", "balance: { weights: { sales-2: 3 } }"],
      [
        "sales-1: { role: master, devices: [a, b] } # the old number",
        "masters: [sales-1, sales-2]",
        "balance: { weights: { sales-1: 2, sales-2: 3 } }",
        "about:",
        "sales-1: { name: Berlin }",
        'sales-1/b: { name: "Pixel in the drawer", labels: [spare] }',
      ],
    ],
    [
      "gives an account another role on its lines, and a pace",
      { kind: "account.change", account: "sales-1", role: "servant", pacing: { perSecond: 2, burst: 3 } },
      [
        "sales-1: { role: servant, devices: [ a, b ], pacing: { perSecond: 2, burst: 3 } } # the old number",
        "masters: [ sales-2 ]",
        "servants: [ bulk-1, sales-1 ]",
        "balance: { weights: { sales-2: 3 } }",
      ],
      [
        "sales-1: { role: master, devices: [a, b] } # the old number",
        "masters: [sales-1, sales-2]",
        "servants: [bulk-1]",
        "balance: { weights: { sales-1: 2, sales-2: 3 } }",
      ],
    ],
    ["adds a device", { kind: "device.add", account: "sales-2", device: "b" }, ["devices: [ a, b ]"], ["devices: [a]"]],
    [
      "removes a device, and what it was called",
      { kind: "device.remove", device: "sales-1/b" },
      ["sales-1: { role: master, devices: [ a ] } # the old number"],
      [
        "sales-1: { role: master, devices: [a, b] } # the old number",
        'sales-1/b: { name: "Pixel in the drawer", labels: [spare] }',
      ],
    ],
    [
      "adds a line",
      { kind: "line.add", line: "new", masters: ["sales-1"], failback: "automatic" },
      ["new: { masters: [ sales-1 ], failback: automatic }"],
      [],
    ],
    ["removes a line", { kind: "line.remove", line: "help" }, [], ["help: { masters: [sales-2] }"]],
    [
      "changes a line's settings",
      { kind: "line.change", line: "sales", strategy: "least-loaded", masters: ["sales-2", "sales-1"] },
      ["masters: [ sales-2, sales-1 ]", "strategy: least-loaded"],
      ["masters: [sales-1, sales-2]"],
    ],
    [
      "adds a servant that is not there yet",
      { kind: "servant.add", account: "bulk-2", line: "help" },
      ["bulk-2: { role: servant, devices: [ a ] }", "help: { masters: [ sales-2 ], servants: [ bulk-2 ] }"],
      ["help: { masters: [sales-2] }"],
    ],
    [
      "takes the last servant off a line, and the work with it",
      { kind: "servant.remove", account: "bulk-1", line: "sales" },
      ["servants: []"],
      ["servants: [bulk-1]", "work: [bulk]"],
    ],
    [
      "names and labels",
      { kind: "describe", subject: "help", name: "Help: desk", labels: ["north", "a:b"] },
      ['help: { name: "Help: desk", labels: [ north, a:b ] }'],
      [],
    ],
    ["takes a name away", { kind: "describe", subject: "sales-1", name: null }, [], ["sales-1: { name: Berlin }"]],
  ])("%s, and leaves all else as it was written", (_, change, added, removed) => {
    expect(difference(change)).toEqual({ added, removed });
  });

  it.each<[FleetEditInput, RegExp]>([
    [{ kind: "account.add", account: "sales-1" }, /there is an account sales-1 already/],
    [{ kind: "account.remove", account: "sales-2" }, /sales-2 is the only master of help/],
    [{ kind: "account.remove", account: "nobody" }, /there is no account nobody\. There are: sales-1/],
    [{ kind: "device.add", account: "sales-1", device: "a" }, /has a device a already/],
    [{ kind: "device.remove", device: "sales-2/a" }, /is the only device of sales-2/],
    [{ kind: "device.remove", device: "sales-2/z" }, /has no device z\. It has: a/],
    [{ kind: "line.add", line: "help", masters: ["sales-1"] }, /there is a line help already/],
    [{ kind: "line.change", line: "none" }, /there is no line none/],
    [{ kind: "servant.remove", account: "bulk-1", line: "help" }, /bulk-1 is no servant of help/],
  ])("is refused where it makes no sense: %j", (change, why) => {
    expect(() => edit(change)).toThrow(EditFault);
    expect(() => edit(change)).toThrow(why);
  });

  it("keeps JSON what is JSON, and finds what anchors stand for only where it can", () => {
    const json = JSON.stringify({
      fleet: "acme",
      accounts: { x: { role: "master", devices: ["a"] } },
      lines: { l: { masters: ["x"] } },
    });
    expect(JSON.parse(edit({ kind: "describe", subject: "x", name: "Ex" }, json))).toMatchObject({
      about: { x: { name: "Ex" } },
    });
    const anchored = "fleet: a\naccounts: { x: &x { role: master, devices: [a] }, y: *x }\nlines: { l: { masters: [x] } }\n";
    expect(() => edit({ kind: "device.add", account: "y", device: "b" }, anchored)).toThrow(/can't be changed from here/);
  });
});
