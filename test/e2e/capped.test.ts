/** New chats that are used up, as WhatsApp counts them: an account on real devices begins no more, before any of them is refused. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FleetSupervisor } from "../../src/index.ts";
import { LibraryRig, NUMBERS, until } from "./library-rig.ts";

const PATIENCE = 180_000;
const [FIRST = "", SECOND = ""] = [NUMBERS["sales-1"], NUMBERS["sales-2"]];
/** In the order in which they are written to. */
const PEOPLE = Array.from({ length: 20 }, (_, no) => `9991000${String(no).padStart(4, "0")}`);
const [WRITER, ...STRANGERS] = PEOPLE;

let rig: LibraryRig;
let supervisor: FleetSupervisor;

beforeAll(async () => {
  rig = await LibraryRig.start({
    accounts: {
      "sales-1": { role: "master", devices: ["a", "b"], pacing: { perSecond: 0.25, burst: 1 } },
      "sales-2": { role: "master", devices: ["a"] },
    },
    lines: { sales: { masters: ["sales-1", "sales-2"] } },
    timers: { deepCheck: "1s" },
  });
  for (const person of PEOPLE) rig.loopback.person(person);
  supervisor = rig.supervisor();
  await supervisor.start();
  await rig.link(supervisor);
}, PATIENCE);
afterAll(async () => rig.close(), PATIENCE);

describe("an account whose new chats are used up", { timeout: PATIENCE }, () => {
  it("begins them as long as there are any, and those that wait for it by then go to another", async () => {
    rig.loopback.account(FIRST).allowNewChats(2);
    const people = STRANGERS.slice(0, 10);
    const accepted = await Promise.all(people.map((to) => supervisor.send({ line: "sales", to, text: "hello" })));
    written = people.length;
    expect(accepted.filter(({ seat }) => seat === "sales/sales-1")).toHaveLength(5);
    await until(() => people.every((person) => seenBy(person).length === 1));
    expect(people.filter((person) => seenBy(person)[0]?.fromNumber === FIRST)).toHaveLength(2);
    expect(await standing()).toBe("capped");
    const { alerts } = await supervisor.status();
    expect(alerts.map(({ rule, text }) => `${rule}: ${text}`)).toContainEqual(
      expect.stringMatching(
        /^account\.restricted: WhatsApp lets sales-1 start no new chats until .*; new contacts go to other seats$/,
      ),
    );
  });

  it("begins none after that, but goes on with whom it knows and who writes to it", async () => {
    expect(await writeToNew(3)).toEqual([SECOND, SECOND, SECOND]);
    const known = STRANGERS.find((person) => seenBy(person)[0]?.fromNumber === FIRST) ?? "";
    expect(await write(known)).toBe(FIRST);
    const stop = supervisor.onMessage(async (_, reply) => void (await reply("as you say")));
    rig.loopback.person(WRITER ?? "").send(FIRST, "are you open?");
    await until(() => seenBy(WRITER ?? "").length === 1);
    expect(seenBy(WRITER ?? "")[0]?.fromNumber).toBe(FIRST);
    await stop();
  });

  it("is remembered to be so by the next process, and begins chats again when WhatsApp allows it", async () => {
    await supervisor.stop();
    supervisor = rig.supervisor();
    await supervisor.start();
    expect(await standing()).toBe("capped");
    await until(async () => (await supervisor.status()).seats.every(({ phase }) => phase === "serving"));
    expect(await writeToNew(2)).toEqual([SECOND, SECOND]);
    rig.loopback.account(FIRST).allowNewChats(5);
    await until(async () => (await standing()) === "good");
    expect((await writeToNew(2)).sort()).toEqual([FIRST, SECOND]);
  });

  it("was refused nothing all the while", async () => {
    await until(async () => (await supervisor.status()).seats.every(({ queue }) => queue.open === 0));
    const to = join(rig.folder, "copy.db");
    await supervisor.ask("copyStore", { to });
    const copy = new DatabaseSync(to, { readOnly: true });
    const outcomes = copy.prepare("select outcome, count(*) as count from attempt group by outcome").all();
    copy.close();
    expect(outcomes.map((row) => ({ ...row }))).toEqual([{ outcome: "acknowledged", count: 19 }]);
  });
});

// ---- helpers ----

let written = 0;
/** Whose numbers the next people who were never written to hear from. */
async function writeToNew(count: number): Promise<string[]> {
  const froms: string[] = [];
  for (const person of STRANGERS.slice(written, written + count)) froms.push(await write(person));
  written += count;
  return froms;
}
async function write(person: string): Promise<string> {
  const before = seenBy(person).length;
  await supervisor.send({ line: "sales", to: person, text: `hello ${before}` });
  await until(() => seenBy(person).length > before);
  return seenBy(person).at(-1)?.fromNumber ?? "nobody";
}
const seenBy = (person: string) => rig.loopback.person(person).received;
const standing = async (): Promise<string | undefined> =>
  (await supervisor.ask("accounts", {})).accounts.find(({ id }) => id === "sales-1")?.standing;
