/** What a connection port does when nobody disturbs it. */
import { expect } from "vitest";
import type { ConnectionFact } from "../../machines/ports/connection.ts";
import { accountOf, type RequestId, seatTerm } from "../../machines/ports/ids.ts";
import { a, b, c, FIRST, SECOND, spare, type Stage } from "./connection-kit.ts";

export interface Case {
  readonly title: string;
  run(stage: Stage): Promise<void>;
}

const linking: readonly Case[] = [
  {
    title: "links by QR: one offer after the other until the phone scans one, then a restart, then it serves",
    async run(stage) {
      await stage.link(spare.byQr, "qr");
      expect(stage.said(spare.byQr)).toEqual(["offered qr", "linked", "closed restartRequired 515"]);
      const { jid, lid } = await stage.fact("linked");
      expect([jid, lid].map((address) => address.replace(/^[^:]*:\d+/, ""))).toEqual(["@s.whatsapp.net", "@lid"]);
      await stage.serve(spare.byQr);
      expect(stage.said(spare.byQr).slice(3)).toEqual(["opened", "serving"]);
    },
  },
  {
    title: "links by code: one code, which the phone is given",
    async run(stage) {
      await stage.link(spare.byCode, "code");
      expect(stage.said(spare.byCode)).toEqual(["offered code", "linked", "closed restartRequired 515"]);
      await stage.serve(spare.byCode);
    },
  },
  {
    title: "does not become a companion when its credentials can't be stored",
    async run(stage) {
      const before = stage.outside.companions(accountOf(spare.unscanned));
      const offer = await stage.offer(spare.unscanned, "qr");
      stage.outside.failCommits(true);
      // The phone may hear that it came to nothing, or not.
      await stage.outside.take(accountOf(spare.unscanned), offer).catch(() => undefined);
      await stage.fact("closed");
      expect(stage.said(spare.unscanned)).toEqual(["offered qr", "closed badPeer 400"]);
      stage.outside.failCommits(false);
      expect(await stage.fail(spare.unscanned)).toBe("closed unlinked");
      expect(stage.outside.companions(accountOf(spare.unscanned))).toBe(before);
    },
  },
  {
    title: "ends as unlinked when nobody takes any of the offers",
    async run(stage) {
      await stage.offer(spare.unscanned, "qr");
      await stage.rest(200_000);
      const offers = Array.from({ length: 6 }, () => "offered qr");
      expect(stage.said(spare.unscanned)).toEqual([...offers, "closed unlinked 408"]);
    },
  },
  {
    title: "shows one code and no other, until that ends as unlinked",
    async run(stage) {
      await stage.offer(spare.unscanned, "code");
      await stage.rest(200_000);
      expect(stage.said(spare.unscanned)).toEqual(["offered code", "closed unlinked 408"]);
    },
  },
  {
    title: "can't open a device that was never linked, and says so without a code",
    async run(stage) {
      expect(await stage.fail(spare.unscanned)).toBe("closed unlinked");
      expect(stage.of("evidence", spare.unscanned)).toEqual([]);
    },
  },
  {
    title: "gives up a device that waits to be linked when it is told to",
    async run(stage) {
      const offer = await stage.offer(spare.unscanned, "qr");
      await stage.terminate(spare.unscanned);
      expect(stage.said(spare.unscanned)).toEqual(["offered qr", "closed dropped"]);
      await stage.rest(200);
      await expect(stage.outside.take(FIRST, offer)).rejects.toThrow(/./);
    },
  },
];

const links: readonly Case[] = [
  {
    title: "opens, then serves, on the dial that was asked for, and each stanza is evidence",
    async run(stage) {
      const dial = stage.open(a);
      await stage.fact("serving");
      expect(stage.said(a)).toEqual(["opened", "serving"]);
      const told = [...stage.of("evidence"), ...stage.of("opened"), ...stage.of("serving")];
      expect(told.filter((fact) => fact.dial !== dial)).toEqual([]);
      expect(stage.facts[0]?.kind).toBe("evidence");
    },
  },
  {
    title: "says nothing from inside a command",
    async run(stage) {
      await stage.serve(a);
      const command = await stage.accept(b, "ana");
      const before = stage.facts.length;
      stage.perform(command);
      stage.perform({ op: "probe", device: b, probe: 900, deadline: 0 });
      stage.perform({ op: "terminate", device: a });
      stage.open(b);
      expect(stage.facts).toHaveLength(before);
      await stage.fact("serving", (fact) => fact.device === b);
      expect(await stage.answer(command)).toBe("unsent closed");
    },
  },
  {
    title: "drops a link at once when told to, says so once without a code, and is silent from then on",
    async run(stage) {
      await stage.serve(a);
      stage.perform({ op: "terminate", device: a });
      stage.perform({ op: "terminate", device: a });
      stage.write("ana", FIRST);
      await stage.rest(200);
      expect(stage.said(a)).toEqual(["opened", "serving", "closed dropped"]);
      expect(stage.facts.at(-1)?.kind).toBe("closed");
      await stage.serve(a);
    },
  },
  {
    title: "has WhatsApp remove a device from its account, which ends its link for good; one without a link says nothing",
    async run(stage) {
      stage.perform({ op: "unlink", device: b });
      await stage.link(spare.lost);
      await stage.serve(spare.lost);
      stage.facts.length = 0;
      stage.perform({ op: "unlink", device: spare.lost });
      await stage.fact("closed", (fact) => fact.device === spare.lost);
      expect(await stage.fail(spare.lost)).toBe("closed loggedOut 401");
      expect(stage.said(spare.lost)).toEqual(["closed loggedOut 401", "closed loggedOut 401"]);
      expect(stage.said(b)).toEqual([]);
      await stage.serve(b);
    },
  },
  {
    title: "lets go of the old link when the device is dialled anew",
    async run(stage) {
      await stage.serve(a);
      const first = stage.open(a);
      await stage.serve(a);
      expect(stage.said(a)).toEqual(["opened", "serving", "closed dropped", "closed dropped", "opened", "serving"]);
      const dials = stage.facts.flatMap((fact) => ("dial" in fact && fact.kind !== "evidence" ? [fact.dial - first] : []));
      expect(dials).toEqual([-1, -1, -1, 0, 1, 1]);
    },
  },
  {
    title: "keeps two devices of one account in service side by side; the end of one is none of the other's",
    async run(stage) {
      await stage.serve(a, b);
      await stage.terminate(a);
      expect(await stage.probe(b)).not.toBeNull();
      expect(stage.said(b)).toEqual(["opened", "serving"]);
    },
  },
  {
    title: "opens without a new linking after the node has ended and started again, and goes on talking",
    async run(stage) {
      await stage.serve(a);
      await stage.seat(a);
      const before = await stage.send(a, "ana");
      await stage.isShown("ana", before);
      await stage.restart();
      await stage.serve(a);
      await stage.seat(a);
      const after = await stage.send(a, "ana");
      await stage.isShown("ana", after);
      const inbound = stage.write("ana", FIRST);
      await stage.received(inbound);
    },
  },
  {
    title: "lets go of a link whose lease has ended as soon as it needs the store, and does not send",
    async run(stage) {
      await stage.serve(a);
      await stage.seat(a);
      await stage.lease();
      const { answer } = await stage.send(a, "ana");
      expect(answer).toBe("unsent closed");
      expect(stage.said(a)).toEqual(["opened", "serving", "closed dropped"]);
    },
  },
];

const questions: readonly Case[] = [
  {
    title: "answers a probe with its round trip; the answer is evidence, however soon after other, and comes before it",
    async run(stage) {
      await stage.serve(a);
      await stage.quiet(a);
      expect(await stage.probe(a)).toBeGreaterThanOrEqual(0);
      // Within one millisecond there is nothing new to say.
      await stage.rest(5);
      expect(await stage.probe(a)).toBeGreaterThanOrEqual(0);
      expect(stage.facts.map(({ kind }) => kind)).toEqual(["evidence", "probed", "evidence", "probed"]);
    },
  },
  {
    title: "answers a probe of a device without a link with null, at its deadline",
    async run(stage) {
      const from = stage.outside.now();
      expect(await stage.probe(a, 200)).toBeNull();
      expect(stage.outside.now() - from).toBeGreaterThanOrEqual(200);
    },
  },
  {
    title: "answers a probe whose link ends meanwhile with null, at its deadline and not before",
    async run(stage) {
      await stage.serve(a);
      await stage.inject({ kind: "half-open-link", target: { device: a }, for: "permanent" });
      const from = stage.outside.now();
      stage.perform({ op: "probe", device: a, probe: 901, deadline: 400 });
      stage.perform({ op: "terminate", device: a });
      expect((await stage.fact("probed")).rtt).toBeNull();
      expect(stage.outside.now() - from).toBeGreaterThanOrEqual(400);
      expect(stage.facts.map(({ kind }) => kind).slice(-2)).toEqual(["closed", "probed"]);
    },
  },
  {
    title: "answers a deep check that nobody answers with nothing: at its deadline, or when the link ends",
    async run(stage) {
      await stage.serve(a);
      await stage.inject({ kind: "half-open-link", target: { device: a }, for: "permanent" });
      const from = stage.outside.now();
      expect(await stage.check(a, 300)).toBeNull();
      expect(stage.outside.now() - from).toBeGreaterThanOrEqual(300);
      const since = stage.facts.length;
      stage.perform({ op: "check", device: a, reqId: "suite:check" as RequestId, deadline: 3_600_000 });
      stage.perform({ op: "terminate", device: a });
      expect((await stage.fact("checked", () => true, since)).finding).toBeNull();
    },
  },
  {
    title: "answers a deep check with standing, cap and the device's keys; with nothing if there is no link",
    async run(stage) {
      expect(await stage.check(a)).toBeNull();
      await stage.serve(a);
      const finding = await stage.check(a);
      expect(finding).toMatchObject({ standing: "good", until: null });
      expect(finding?.cap).toBeGreaterThan(0);
      expect(finding?.preKeys).toBeGreaterThan(4);
      expect(stage.standings()).toEqual([]);
    },
  },
  {
    title: "answers a deep check with capped once new chats are used up, until they are again; known ones go on meanwhile",
    async run(stage) {
      await stage.serve(a);
      await stage.seat(a);
      await stage.outside.allowNewChats(FIRST, 1);
      expect(await stage.check(a)).toMatchObject({ standing: "good", until: null, cap: 1 });
      const last = await stage.send(a, stage.stranger());
      await stage.fact("acked", ({ waId }) => waId === last.waId);
      const finding = await stage.check(a);
      expect(finding).toMatchObject({ standing: "capped", cap: 0 });
      expect(finding?.until).toBeGreaterThan(stage.outside.now());
      const known = await stage.send(a, "ana");
      await stage.fact("acked", ({ waId }) => waId === known.waId);
      await stage.outside.allowNewChats(FIRST, 40);
      expect(await stage.check(a)).toMatchObject({ standing: "good", until: null, cap: 40 });
      expect(stage.standings()).toEqual([]);
      expect(stage.of("refused")).toEqual([]);
    },
  },
];

const sends: readonly Case[] = [
  {
    title: "a send passes the gate, is acknowledged, copied to the twin, shown and receipted",
    async run(stage) {
      await stage.serve(a, b);
      await stage.seat(a);
      const message = await stage.send(a, "ana");
      expect(message.answer).toBe("sent");
      await stage.isShown("ana", message);
      await stage.settle(a, b);
      // A twin is brought the receipts of the account as well.
      expect(stage.told(message)).toEqual(["a acked", "a delivered", "a sent", "b copied", "b delivered"]);
      const kinds = stage.facts.filter((fact) => "device" in fact && fact.device === a).map(({ kind }) => kind);
      expect(kinds.indexOf("sent")).toBeLessThan(kinds.indexOf("acked"));
      expect(await stage.rows(message.waId)).toBe(1);
    },
  },
  {
    title: "tells that a message was read, after it was delivered",
    async run(stage) {
      stage.person("rita", true);
      await stage.serve(a);
      await stage.seat(a);
      const message = await stage.send(a, "rita");
      await stage.fact("receipt", ({ waId, receipt }) => waId === message.waId && receipt === "read");
      const receipts = stage.of("receipt").filter(({ waId }) => waId === message.waId);
      expect(receipts.map(({ receipt }) => receipt)).toEqual(["delivered", "read"]);
    },
  },
  {
    title:
      "the gate lets nothing pass without a grant, under another term, or after the seat was taken away, even in the same turn",
    async run(stage) {
      await stage.serve(a);
      expect((await stage.send(a, "ana")).answer).toBe("unsent stale");
      const { seat, term } = await stage.seat(a);
      const old = await stage.accept(a, "ana");
      await stage.seat(a);
      stage.perform({ ...old, term });
      expect(await stage.answer(old)).toBe("unsent stale");
      const fresh = await stage.accept(a, "ana");
      stage.perform(fresh);
      stage.perform({ op: "revoke", device: a, seat });
      expect(await stage.answer(fresh)).toBe("unsent stale");
      const again = await stage.accept(a, "ana");
      stage.perform({ op: "grant", device: a, seat, term: again.term });
      stage.perform({ ...again, term: seatTerm(term) });
      expect(await stage.answer(again)).toBe("unsent stale");
      await stage.settle(a);
      expect(stage.outside.shown("ana").some((id) => [old, fresh, again].some(({ waId }) => waId === id))).toBe(false);
    },
  },
  {
    title: "a send without a link, or whose link ends while it is prepared, was certainly not written",
    async run(stage) {
      const early = await stage.send(a, "ana");
      await stage.serve(a);
      await stage.seat(a);
      const late = await stage.accept(a, "ana");
      stage.perform(late);
      stage.perform({ op: "terminate", device: a });
      expect([early.answer, await stage.answer(late)]).toEqual(["unsent closed", "unsent closed"]);
    },
  },
  {
    title:
      "a send can't be prepared if it is to a contact without an address, a number that is not on WhatsApp or a group that is gone, or is no message",
    async run(stage) {
      await stage.serve(a);
      await stage.seat(a);
      expect((await stage.send(a, null)).answer).toBe("unsent unpreparable");
      expect((await stage.send(a, stage.outside.nobody)).answer).toBe("unsent unpreparable");
      const gone = await stage.send(a, stage.outside.noGroup);
      expect(await stage.fact("unsent", ({ message }) => message === gone.message)).toMatchObject({
        why: "unpreparable",
        code: 404,
      });
      const raw = { kind: "raw", proto: new Uint8Array() } as const;
      expect((await stage.send(a, "ana", raw)).answer).toBe("unsent unpreparable");
    },
  },
  {
    title: "a message that is not the seat's to send any more does not leave, and the link stays",
    async run(stage) {
      await stage.serve(a);
      await stage.seat(a);
      const over = await stage.accept(a, "ana");
      await stage.ask("outbox.record", { changes: [{ id: over.message, state: "failed", reason: "a test" }] });
      stage.perform(over);
      expect(await stage.answer(over)).toBe("unsent stale");
      const message = await stage.send(a, "ana");
      await stage.isShown("ana", message);
      expect(stage.said(a)).toEqual(["opened", "serving"]);
    },
  },
  {
    title: "a send whose recipient nobody looks up for us is given back when we have waited for ten seconds",
    async run(stage) {
      await stage.serve(a);
      await stage.seat(a);
      await stage.inject({ kind: "half-open-link", target: { device: a }, for: "permanent" });
      const from = stage.outside.now();
      expect((await stage.send(a, stage.stranger())).answer).toBe("unsent lookup");
      expect(stage.outside.now() - from).toBeGreaterThanOrEqual(9_900);
      expect(stage.said(a)).toEqual(["opened", "serving"]);
    },
  },
  {
    title: "a send whose keys can't be committed does not leave, and the link stays",
    async run(stage) {
      await stage.serve(a);
      await stage.seat(a);
      await stage.settle(a);
      stage.outside.failCommits(true);
      const message = await stage.send(a, "ana");
      expect(message.answer).toBe("unsent store");
      stage.outside.failCommits(false);
      const next = await stage.send(a, "ana");
      await stage.isShown("ana", next);
      expect(stage.said(a)).toEqual(["opened", "serving"]);
      expect(stage.outside.shown("ana")).not.toContain(message.waId);
    },
  },
  {
    title: "the same message sent again by the twin is acknowledged again, and shown once",
    async run(stage) {
      await stage.serve(a, b);
      await stage.seat(a);
      const first = await stage.send(a, "ana");
      await stage.fact("acked", ({ device, waId }) => device === a && waId === first.waId);
      const { term } = await stage.seat(b);
      stage.perform({ ...first, device: b, term, attempt: 2 });
      await stage.fact("acked", ({ device, waId }) => device === b && waId === first.waId);
      await stage.settle(b);
      expect(stage.outside.shown("ana").filter((id) => id === first.waId)).toHaveLength(1);
    },
  },
];

const inbound: readonly Case[] = [
  {
    title: "what a person writes becomes one durable row, whichever twin brings it first, and is told once",
    async run(stage) {
      await stage.serve(a, b);
      const waId = stage.write("ana", FIRST);
      await stage.received(waId);
      await stage.settle(a, b);
      expect(await stage.rows(waId)).toBe(1);
      const [row] = (await stage.inbox()).filter((each) => each.waId === waId);
      expect(stage.of("received").filter(({ seq }) => seq === row?.seq)).toHaveLength(1);
      expect(row).toMatchObject({ account: FIRST, fromMe: false });
    },
  },
  {
    title: "what came while the device was away is replayed before it serves, in order",
    async run(stage) {
      await stage.serve(b);
      const ids = [stage.write("ana", FIRST), stage.write("ana", FIRST), stage.write("ana", FIRST)];
      for (const id of ids) await stage.received(id);
      const other = ["uwe", "uwe"].map((name) => stage.write(name, SECOND));
      await stage.rest(500);
      await stage.serve(c);
      for (const id of other) await stage.received(id);
      const rows = (await stage.inbox()).filter(({ waId }) => [...ids, ...other].includes(waId));
      expect(rows.map(({ waId }) => waId)).toEqual([...ids, ...other]);
    },
  },
  {
    title: "what can't be stored is not receipted: the link is let go, and the next one brings it again",
    async run(stage) {
      await stage.serve(a);
      stage.outside.failCommits(true);
      const waId = stage.write("ana", FIRST);
      await stage.fact("closed");
      expect(stage.said(a)).toEqual(["opened", "serving", "closed dropped"]);
      stage.outside.failCommits(false);
      await stage.serve(a);
      await stage.received(waId);
      expect(await stage.rows(waId)).toBe(1);
    },
  },
];

export const basics: readonly Case[] = [...linking, ...links, ...questions, ...sends, ...inbound];

/** Every command and every kind of fact that there is: the types keep these lists whole. */
export const OPS = {
  open: true,
  link: true,
  terminate: true,
  unlink: true,
  probe: true,
  grant: true,
  revoke: true,
  send: true,
  check: true,
} as const satisfies Record<Parameters<Stage["perform"]>[0]["op"], true>;
export const FACTS = {
  linkOffer: true,
  linked: true,
  opened: true,
  serving: true,
  closed: true,
  evidence: true,
  probed: true,
  sent: true,
  unsent: true,
  acked: true,
  refused: true,
  copied: true,
  receipt: true,
  received: true,
  standing: true,
  checked: true,
} as const satisfies Record<ConnectionFact["kind"], true>;
