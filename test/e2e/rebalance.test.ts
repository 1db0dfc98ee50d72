/** What waits on a line, shared out again by a running supervisor between two real devices: nothing is lost, doubled or out of order. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inside } from "../cli/inside.ts";
import { Rig, until } from "./rig.ts";

const PATIENCE = 180_000;
const SLOW = ", pacing: { perSecond: 0.5, burst: 1 }";
/** One master may hardly speak, so that half of what is sent waits for it. */
const FLEET = `fleet: acme
store: { file: ./acme.db }
accounts:
  sales-1: { role: master, devices: [a]${SLOW} }
  sales-2: { role: master, devices: [a] }
lines:
  sales: { masters: [sales-1, sales-2] }
`;
const PEOPLE = Array.from({ length: 12 }, (_, no) => `9991000${String(no).padStart(4, "0")}`);
const TEXTS = ["first", "second", "third"];

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.start(FLEET);
  await rig.up();
  for (const device of ["sales-1/a", "sales-2/a"]) await rig.link(device);
  await rig.serving();
  for (const person of PEOPLE) rig.loopback.person(person);
}, PATIENCE);
afterAll(async () => rig.close(), PATIENCE);

interface Answer {
  readonly moves: readonly {
    readonly conversation: string;
    readonly from: string;
    readonly to: string;
    readonly waiting: number;
  }[];
  readonly ends?: readonly { readonly conversation: string; readonly kind: string }[];
}
const rebalance = async (...more: readonly string[]): Promise<Answer> => {
  const { stdout, code } = await inside(["line", "rebalance", "sales", "--json", ...more], {}, rig.folder);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Answer;
};
const seenBy = (person: string) => rig.loopback.person(person).received;

describe("greenroom line rebalance", { timeout: PATIENCE }, () => {
  it("moves conversations of which nothing has left from a seat that lets them wait to one that does not", async () => {
    for (const text of TEXTS) for (const to of PEOPLE) await rig.ask("send", { line: "sales", to, text });
    // As soon as the other has sent what it had: until then the two have as much to do.
    await until(async () => (await rebalance("--dry-run")).moves.length > 0);
    const { moves, ends = [] } = await rebalance();
    expect(new Set(moves.map(({ from, to }) => `${from} ${to}`))).toEqual(new Set(["sales/sales-1 sales/sales-2"]));
    expect(ends.map(({ kind }) => kind)).toContain("moved");
    expect(ends.filter(({ kind }) => kind === "underWay")).toEqual([]);
    const audit = (await rig.ask("audit", { subject: "sales/sales-1" })).audit.filter(
      ({ action }) => action === "conversation.moved",
    );
    expect(new Set(audit.map(({ evidence }) => evidence["conversation"]))).toEqual(
      new Set(ends.flatMap(({ conversation, kind }) => (kind === "moved" ? [conversation] : []))),
    );
  });

  it("and everybody gets every message once, in order, from one number", async () => {
    // Its own share is seen as soon, once it may speak as it likes.
    writeFileSync(join(rig.folder, "fleet.yaml"), FLEET.replace(SLOW, ""));
    await rig.ask("apply", {});
    // On a machine so busy that a seat moves, another number may not send some of it by itself.
    await until(async () => {
      await rig.ask("release", { message: null, send: true });
      return PEOPLE.every((person) => seenBy(person).length >= TEXTS.length);
    });
    for (const person of PEOPLE) expect(seenBy(person).map(({ text }) => text)).toEqual(TEXTS);
    const { failovers } = await rig.ask("history", { limit: 1000 });
    const hasSeatMoved = failovers.some(({ cause }) => cause !== "startup");
    const isOneNumber = PEOPLE.every((person) => new Set(seenBy(person).map(({ fromNumber }) => fromNumber)).size === 1);
    expect(hasSeatMoved || isOneNumber).toBe(true);
    expect((await rig.ask("status", {})).seats.map(({ queue }) => queue.open)).toEqual([0, 0]);
  });
});
