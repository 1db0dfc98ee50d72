/** To which line and seat an inbound message belongs: on the embedded store. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  accountId,
  conversationId,
  deviceId,
  type LeaseTerm,
  lineId,
  nodeId,
  postOf,
  type RequestId,
  type SeatId,
  seatId,
  type WaId,
} from "../../machines/ports/ids.ts";
import type { InboundRow, StoreAnswer, StoreOp, StoreOps } from "../../machines/ports/store.ts";
import { openSqliteStore, type SqliteStore } from "../../src/adapters/sqlite/store.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { Inbound, type InboundOptions } from "../../src/runtime/inbound.ts";
import type { Answered } from "../../src/runtime/views.ts";

const [ONE, TWO, HAND] = [accountId("m-1"), accountId("m-2"), accountId("s-1")];
const [SALES, HELP] = [lineId("sales"), lineId("help")];
const ANNA = "999100@s.whatsapp.net";
const LINES = [
  { id: SALES, masters: [ONE, TWO], servants: [HAND] },
  { id: HELP, masters: [TWO], servants: [] },
];

let folder: string;
let store: SqliteStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "greenroom-inbound-"));
  store = openSqliteStore({ file: join(folder, "test.db"), key: new Uint8Array(32).fill(7), clock: systemClock });
  const accounts = [ONE, TWO, HAND].map((id) => ({
    id,
    role: id === HAND ? ("servant" as const) : ("master" as const),
    devices: [deviceId(id, "a")],
  }));
  await ask("fleet.declare", { fleet: { accounts, lines: LINES.map((line) => ({ ...line, strategy: "round-robin" })) } });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("an inbound message", () => {
  it("begins its conversation on the seat of the account that was written to, for good", async () => {
    const inbound = reader();
    const first = await inbound.toMessage(row({ account: TWO }));
    expect(first).toMatchObject({ line: SALES, seat: seatId(SALES, TWO), account: TWO, chat: ANNA, text: "hi" });
    const { seat } = await ask("conversation.get", {
      conversation: first?.conversation ?? conversationId(SALES, "c:0" as never),
    });
    expect(seat).toBe(seatId(SALES, TWO));
    expect(await inbound.toMessage(row({ account: ONE, seq: 2 }))).toMatchObject({ seat: seatId(SALES, TWO), account: ONE });
  });

  it("belongs to the line that speaks to the person, where its account speaks on several", async () => {
    const { row: anna } = await ask("contact.resolve", { lid: null, pn: ANNA });
    await ask("conversation.assign", { conversation: conversationId(HELP, anna.id), seat: seatId(HELP, TWO) });
    expect(await reader().toMessage(row({ account: TWO }))).toMatchObject({ line: HELP, seat: seatId(HELP, TWO) });
    // Both lines do: the one whose seat the account speaks for at present.
    await ask("conversation.assign", { conversation: conversationId(SALES, anna.id), seat: seatId(SALES, ONE) });
    expect(await reader().toMessage(row({ account: TWO }))).toMatchObject({ line: HELP });
    expect(await reader({ [seatId(SALES, ONE)]: TWO }).toMessage(row({ account: TWO }))).toMatchObject({ line: SALES });
  });

  it("to a servant belongs to the line that it works for, and begins its conversation where the servant belongs, for good", async () => {
    const post = postOf(seatId(SALES, TWO), HAND);
    const first = await reader({}, post).toMessage(row({ account: HAND }));
    expect(first).toMatchObject({ line: SALES, seat: post, account: HAND });
    expect(await ask("conversation.get", { conversation: first?.conversation as never })).toMatchObject({ seat: post });
    expect(await reader().toMessage(row({ account: HAND, seq: 2 }))).toMatchObject({ seat: post });
    expect(await reader({}, post).toMessage(row({ account: ONE, seq: 3 }))).toMatchObject({ seat: post, account: ONE });
  });

  it("to a servant belongs to the first seat of its line, while nobody knows where it belongs", async () => {
    expect(await reader().toMessage(row({ account: HAND }))).toMatchObject({ line: SALES, seat: seatId(SALES, ONE) });
  });

  it("is none for a handler if we wrote it, or if no line has the account any more", async () => {
    expect(await reader().toMessage(row({ fromMe: true }))).toBeNull();
    expect(await reader().toMessage(row({ account: accountId("gone") }))).toBeNull();
  });

  it("is none for a handler if another account of the fleet wrote it: a bot would answer itself for ever", async () => {
    for (const sender of ["1001@lid", "999001:7@s.whatsapp.net"]) {
      expect(await reader().toMessage(row({ chat: "1203@g.us", sender }))).toBeNull();
      expect(await reader().toMessage(row({ chat: sender, sender }))).toBeNull();
    }
  });

  it("in a group counts once, whichever accounts of the line are members, whoever reads, and through a restart", async () => {
    const chat = "1203@g.us";
    const copies = [
      await kept(row({ account: ONE, chat })),
      await kept(row({ account: TWO, chat, sender: "77@lid" })),
      await kept(row({ account: HAND, chat })),
    ];
    const inbound = reader();
    for (let time = 0; time < 2; time++) {
      const seen = await Promise.all(copies.map((copy) => inbound.toMessage(copy)));
      expect(seen.map((message) => message?.seq ?? null)).toEqual([1, null, null]);
    }
    for (const copy of copies.slice(1)) expect(await reader().toMessage(copy)).toBeNull();
    expect(await inbound.toMessage(await kept(row({ account: TWO, chat, waId: "3A9" as WaId })))).toMatchObject({ seq: 4 });
  });

  it("of a new contact gets one seat, though two come at once through two accounts", async () => {
    const inbound = reader();
    const both = await Promise.all([inbound.toMessage(row({ account: ONE })), inbound.toMessage(row({ account: TWO, seq: 2 }))]);
    expect(both.map((message) => message?.seat)).toEqual([seatId(SALES, ONE), seatId(SALES, ONE)]);
  });
});

const reader = (speakers: Readonly<Record<string, InboundRow["account"]>> = {}, place?: SeatId): Inbound => {
  const options: InboundOptions = {
    lines: LINES,
    ask,
    ours: async () => new Set(["999001@s.whatsapp.net", "1001@lid"]),
    placeOf: (line, servant) => (line === SALES && servant === HAND ? place : undefined),
    speaker: (seat: SeatId) => speakers[seat],
    reload: () => undefined,
    contentOf: () => ({ kind: "text", text: "hi", replyTo: null, media: null, location: null, contacts: [] }),
  };
  return new Inbound(options);
};

/** As its device keeps it. */
const kept = async (draft: InboundRow): Promise<InboundRow> => {
  const { device } = draft;
  const { granted } = await ask("lease.acquire", { devices: [device], node: nodeId("local"), ttl: 60_000 });
  const leaseTerm = granted[0]?.term ?? (0 as LeaseTerm);
  const answer = await ask("keys.commit", { device, leaseTerm, keys: [], creds: null, inbound: [draft], attempt: null });
  if (answer.kind !== "committed" || !answer.inbound[0]) throw new Error(answer.kind);
  return answer.inbound[0];
};

const row = (given: Partial<InboundRow>): InboundRow => {
  const account = given.account ?? ONE;
  return {
    seq: 1,
    account,
    device: deviceId(account, "a"),
    waId: "3A1" as WaId,
    chat: ANNA,
    sender: ANNA,
    fromMe: false,
    proto: new Uint8Array(),
    sentAt: 1,
    receivedAt: 2,
    ...given,
  };
};

let requests = 0;
const ask = <K extends StoreOp>(op: K, input: StoreOps[K]["in"]): Promise<Answered<K>> =>
  new Promise((resolve, reject) => {
    store.ask<K>({ op, reqId: `r${++requests}` as RequestId, ...input } as never, (answer: StoreAnswer<K>) => {
      if (answer.kind === "failed") reject(new Error("the store failed"));
      else resolve(answer as Answered<K>);
    });
  });
