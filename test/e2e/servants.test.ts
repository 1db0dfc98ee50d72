/** Servants at work on real devices: what they get, who does it when one is out, and what they do when their seat moves. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FleetInput, FleetSupervisor, OutgoingMessage } from "../../src/index.ts";
import type { DeviceStatus } from "../../src/runtime/control-protocol.ts";
import { LibraryRig, until } from "./library-rig.ts";

const PATIENCE = 180_000;
const NUMBERS = { "sales-1": "99900000001", "bulk-1": "99900000002", "bulk-2": "99900000003" } as const;
/** So slow that something always waits. */
const SERVANT: FleetInput["accounts"][string] = { role: "servant", devices: ["a"], pacing: { perSecond: 10, burst: 1 } };
/** Nobody has heard of them: more than five wait for longer than five seconds where one a second may go. */
const CROWD = people(30, 12);
const [READERS, QUIET] = [people(1, 4), people(5, 4)];
const [WRITER = "", VIEWER = "", STRANGER = ""] = people(10, 3);
const LATE = people(20, 1);
const NEWCOMERS = people(21, 8);

let rig: LibraryRig;
let supervisor: FleetSupervisor;
const relieved: unknown[] = [];
/** Of the crowd: where each one's conversation began. */
let placed: ReadonlyMap<string, string> = new Map();
const overflow = (): (readonly [person: string, seat: string])[] => [...placed].filter(([, seat]) => seat.includes("#"));

beforeAll(async () => {
  const fleet: Pick<FleetInput, "accounts" | "lines"> = {
    accounts: {
      "sales-1": { role: "master", devices: ["a", "b"], pacing: { perSecond: 1, burst: 1 } },
      "bulk-1": SERVANT,
      "bulk-2": SERVANT,
    },
    lines: {
      sales: {
        masters: ["sales-1"],
        servants: ["bulk-1", "bulk-2"],
        work: ["bulk", "groups", "media", "overflow"],
        whenNumberChanges: "resend",
      },
    },
  };
  rig = await LibraryRig.start(fleet, { tls: true });
  for (const person of [...READERS, ...QUIET, ...CROWD, WRITER, VIEWER, STRANGER, ...LATE, ...NEWCOMERS])
    rig.loopback.person(person);
  supervisor = rig.supervisor();
  supervisor.on("servant.relieved", ({ data }) => relieved.push(data));
  await supervisor.start();
  await rig.link(supervisor, ["sales-1/a", "sales-1/b", "bulk-1/a", "bulk-2/a"], NUMBERS);
  await until(async () => (await supervisor.ask("accounts", {})).devices.every(({ health }) => health === "healthy"));
}, PATIENCE);
afterAll(async () => rig.close(), PATIENCE);

describe("servants on real devices", { timeout: PATIENCE }, () => {
  it("send what begins as bulk, with media or in a group from their own numbers; all else the seat's holder does", async () => {
    const group = rig.loopback.account(NUMBERS["sales-1"]).createGroup("Friends", [NUMBERS["bulk-1"], NUMBERS["bulk-2"], WRITER]);
    await bulk([...READERS, ...QUIET], "0");
    await send(group, { text: "to all" });
    const picture = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), randomBytes(1000)]);
    await send(VIEWER, { content: { kind: "image", bytes: picture, caption: "look" } });
    await send(WRITER, { text: "to one" });
    await until(
      () => [...READERS, ...QUIET, VIEWER].every((person) => seenBy(person).length === 1) && seenBy(WRITER).length === 2,
    );
    const froms = [...READERS, ...QUIET].map((person) => sendersTo(person));
    expect(froms.filter((from) => from === "bulk-1")).toHaveLength(4);
    expect(froms.filter((from) => from === "bulk-2")).toHaveLength(4);
    expect(sendersTo(VIEWER)).toMatch(/^bulk-[12]$/);
    const byText = new Map(seenBy(WRITER).map(({ text, fromNumber }) => [text, accountOf(fromNumber)]));
    expect(byText.get("to one")).toBe("sales-1");
    expect(byText.get("to all")).toMatch(/^bulk-[12]$/);
  });

  it("send what would wait too long at their seat; what would not, the holder sends", async () => {
    const accepted = await Promise.all(CROWD.map((to) => send(to, { text: "the doors are open" })));
    placed = new Map(CROWD.map((person, no) => [person, accepted[no]?.seat ?? ""]));
    const [kept, overflown] = [[...placed.values()].filter((seat) => !seat.includes("#")), overflow()];
    expect(new Set(kept)).toEqual(new Set(["sales/sales-1"]));
    // The first goes at once.
    expect(kept.length).toBeGreaterThanOrEqual(5);
    expect(overflown.length).toBeGreaterThanOrEqual(3);
    await until(() => overflown.every(([person]) => seenBy(person).length === 1));
    for (const [person, seat] of overflown) expect(`sales/sales-1#${sendersTo(person)}`).toBe(seat);
  });

  it("hear the answers, and what is said to those comes from the number that was written to", async () => {
    const stop = supervisor.onMessage(async ({ seat }, reply) => void (await reply(`heard at ${seat}`)));
    const servant = sendersTo(VIEWER) as keyof typeof NUMBERS;
    rig.loopback.person(VIEWER).send(NUMBERS[servant], "nice");
    await until(() => isLast(VIEWER, `heard at sales/sales-1#${servant}`));
    expect(sendersTo(VIEWER)).toBe(servant);
    // To whom nobody has written, as well.
    rig.loopback.person(STRANGER).send(NUMBERS["bulk-2"], "are you open?");
    await until(() => isLast(STRANGER, "heard at sales/sales-1#bulk-2"));
    expect(sendersTo(STRANGER)).toBe("bulk-2");
    await stop();
  });

  it("that are logged out leave what waits there to another one, and each of their chats as soon as it is written to", async () => {
    const before = new Map([...READERS, ...QUIET].map((person) => [person, sendersTo(person)]));
    const orphans = QUIET.filter((person) => before.get(person) === "bulk-1");
    for (const text of ["1", "2", "3"]) await bulk(READERS, text);
    rig.loopback.faults.close({ account: NUMBERS["bulk-1"] }, 401);
    await until(() => READERS.every((person) => isLast(person, "3")));
    for (const text of ["1", "2"]) await bulk(orphans, text);
    await until(() => orphans.every((person) => isLast(person, "2")));
    for (const person of orphans) expect(sendersTo(person)).toMatch(/bulk-2$/);
    // On a busy machine the one that is logged out may have sent some of the third ones before.
    for (const person of READERS) expect(withoutRepeats(person)).toEqual(["0", "1", "2", "3"]);
    await bulk(LATE, "new");
    await until(() => LATE.every((person) => isLast(person, "new")));
    expect(LATE.map(sendersTo)).toEqual(["bulk-2"]);
    expect(relieved).toEqual([{ servant: "bulk-1", to: "sales/sales-1#bulk-2", moved: expect.any(Number) }]);
    const { audit } = await supervisor.ask("audit", { subject: "bulk-1" });
    expect(audit.map(({ action }) => action)).toContain("servant.relieved");
  });

  it("follow their seat when it fails over: nothing is lost or out of order, and what they send then is of its new term", async () => {
    for (const text of ["4", "5", "6"]) await bulk(READERS, text);
    const { seats } = await supervisor.status();
    rig.loopback.faults.close({ account: NUMBERS["sales-1"], device: numberOf(seats[0]?.holder) }, 401);
    await until(async () =>
      (await supervisor.status()).seats.every(({ holder, phase }) => holder !== seats[0]?.holder && phase === "serving"),
    );
    const [seat] = (await supervisor.status()).seats;
    await bulk(READERS, "7");
    await send(WRITER, { text: "still here" });
    await until(() => READERS.every((person) => isLast(person, "7")) && isLast(WRITER, "still here"));
    const texts = ["0", "1", "2", "3", "4", "5", "6", "7"];
    for (const person of READERS) expect(withoutRepeats(person)).toEqual(texts);
    for (const person of READERS) expect(sendersTo(person)).toMatch(/bulk-2$/);
    expect(await lastAttempts(READERS.length + 1)).toEqual([
      ...READERS.map(() => ({ device: "bulk-2/a", term: seat?.term })),
      { device: seat?.holder, term: seat?.term },
    ]);
  });

  it("and get work again once they are linked anew", async () => {
    await rig.link(supervisor, ["bulk-1/a"], NUMBERS);
    // On probation, but at work.
    const isBack = ({ id, health }: DeviceStatus): boolean => id === "bulk-1/a" && ["recovering", "healthy"].includes(health);
    await until(async () => (await supervisor.ask("accounts", {})).devices.some(isBack));
    // Whose turn it is, and whether the post is open by now, depends on how fast all of that went.
    for (const person of NEWCOMERS) {
      await bulk([person], "again");
      await until(() => isLast(person, "again"));
      if (sendersTo(person) === "bulk-1") break;
    }
    expect(NEWCOMERS.map(sendersTo)).toContain("bulk-1");
    await bulk(LATE, "again");
    await bulk(READERS, "8");
    await until(() => LATE.every((person) => isLast(person, "again")) && READERS.every((person) => isLast(person, "8")));
    expect(LATE.map(sendersTo)).toEqual(["bulk-2"]);
    for (const person of READERS) expect(withoutRepeats(person).at(-1)).toBe("8");
    expect((await supervisor.status()).seats.map(({ queue }) => queue.open)).toEqual([0]);
    const kept = [...placed].filter(([, seat]) => !seat.includes("#"));
    expect(kept.map(([person]) => sendersTo(person))).toEqual(kept.map(() => "sales-1"));
  });
});

// ---- helpers ----

function people(from: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, no) => `9991000${String(from + no).padStart(4, "0")}`);
}
const accountOf = (number: string): string => Object.entries(NUMBERS).find(([, own]) => own === number)?.[0] ?? number;
/** Devices have numbers in the order in which they were linked. */
const numberOf = (device: string | null | undefined): number =>
  rig.loopback.account(NUMBERS["sales-1"]).devices()[device === "sales-1/a" ? 0 : 1] ?? 0;
const send = (to: string, message: { text: string } | Pick<Extract<OutgoingMessage, { content: unknown }>, "content">) =>
  supervisor.send({ line: "sales", to, ...message });
const bulk = async (to: readonly string[], text: string): Promise<void> => {
  for (const person of to) await supervisor.send({ line: "sales", to: person, text, priority: 0 });
};

const seenBy = (person: string) => rig.loopback.person(person).received;
const isLast = (person: string, text: string): boolean => seenBy(person).at(-1)?.text === text;
/** Whose numbers a person has heard from, in that order. */
const sendersTo = (person: string): string =>
  [...new Set(seenBy(person).map(({ fromNumber }) => accountOf(fromNumber)))].join(" ");
/** What another number sent again because nobody knew whether it had arrived counts once. */
const withoutRepeats = (person: string): readonly string[] =>
  seenBy(person)
    .map(({ text }) => text)
    .filter((text, place, all) => text !== all[place - 1]);

/** Of the messages that were accepted last, in that order: who sent each in the end, and under which term. */
const lastAttempts = async (count: number): Promise<readonly unknown[]> => {
  const to = join(rig.folder, "copy.db");
  await supervisor.ask("copyStore", { to });
  const copy = new DatabaseSync(to, { readOnly: true });
  const rows = copy
    .prepare(
      `select device, seat_term as term from attempt one where number = (select max(number) from attempt where outbox = one.outbox)
       order by outbox desc limit ?`,
    )
    .all(count);
  copy.close();
  return rows.toReversed().map((row) => ({ ...row }));
};
