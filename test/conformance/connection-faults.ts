/** What a connection port tells when one of the simulator's faults happens to it: a case or more for each that concerns links or WhatsApp. */
import { expect } from "vitest";
import type { CloseReason } from "../../machines/ports/connection.ts";
import { CLOSE_CODES } from "../../sim/faults/close.ts";
import type { Case } from "./connection-basics.ts";
import { a, b, c, FIRST, type LinkFaultKind, type LinkFaultOf, SECOND, spare, type Stage } from "./connection-kit.ts";

export interface FaultCase extends Case {
  readonly fault: LinkFaultKind;
}

const A = { device: a } as const;
const once = 0;
const open = "permanent";

/** Up, seated, and the facts of getting there forgotten. */
const inService = async (stage: Stage): Promise<void> => {
  await stage.serve(a, b);
  await stage.seat(a);
  await stage.quiet(a, b);
};
/** A later link works: the fault left nothing behind. */
const wellAgain = async (stage: Stage): Promise<void> => {
  await stage.serve(a);
  const message = await stage.send(a, "ana");
  await stage.fact("acked", ({ waId, device }) => waId === message.waId && device === a);
  await stage.isShown("ana", message);
};

const REASONS: Readonly<Record<LinkFaultOf<"close">["code"] | LinkFaultOf<"login-refused">["code"], CloseReason>> = {
  400: "badPeer",
  405: "outdated",
  408: "timedOut",
  409: "outdated",
  411: "mismatch",
  428: "dropped",
  500: "unavailable",
  501: "unavailable",
  503: "unavailable",
  515: "restartRequired",
};

const closesWith = (code: LinkFaultOf<"close">["code"]): FaultCase => ({
  fault: "close",
  title: `${code}: the link ends as ${REASONS[code]}, the twin's stays, a later one works`,
  async run(stage) {
    await inService(stage);
    await stage.inject({ kind: "close", target: A, for: once, code });
    await stage.fact("closed");
    expect(stage.said(a)).toEqual([`closed ${REASONS[code]} ${code}`]);
    // Whatever is a stanza is evidence, the last one too; a connection that drops is none.
    expect(stage.of("evidence", a)).toHaveLength(code === 428 ? 0 : 1);
    expect(stage.said(b)).toEqual([]);
    await wellAgain(stage);
  },
});

const silences: readonly FaultCase[] = [
  {
    fault: "half-open-link",
    title: "nothing comes and nobody is told; what is sent passes the gate and is lost; a new link works at once",
    async run(stage) {
      await inService(stage);
      await stage.inject({ kind: "half-open-link", target: A, for: open });
      expect(await stage.probe(a, 300)).toBeNull();
      const lost = await stage.send(a, "ana");
      expect(lost.answer).toBe("sent");
      const inbound = stage.write("ana", FIRST);
      await stage.received(inbound);
      expect(stage.said(a)).toEqual([]);
      expect(stage.of("evidence", a)).toEqual([]);
      await wellAgain(stage);
      expect(stage.said(a)).toEqual(["closed dropped", "opened", "serving"]);
      expect(stage.told(lost)).toEqual(["a sent"]);
      expect(stage.outside.shown("ana")).not.toContain(lost.waId);
    },
  },
  {
    fault: "silent-path",
    title:
      "no new link comes up before its deadline; when the path is back one does, and what was written on the one given up is lost",
    async run(stage) {
      await inService(stage);
      const heal = await stage.inject({ kind: "silent-path", target: A, for: open, keeps: false });
      expect(await stage.probe(a, 300)).toBeNull();
      const lost = await stage.send(a, "ana");
      expect(lost.answer).toBe("sent");
      // The bytes follow an instant after that was said.
      await stage.rest(50);
      expect(await stage.fail(a, { connectTimeout: 500 })).toBe("closed timedOut 408");
      expect(stage.said(a)).toEqual(["closed dropped", "closed timedOut 408"]);
      expect(stage.of("evidence", a)).toEqual([]);
      expect(await stage.probe(b)).not.toBeNull();
      await heal();
      await wellAgain(stage);
      await stage.settle(a);
      expect(stage.told(lost)).toEqual(["a sent"]);
      expect(stage.outside.shown("ana")).not.toContain(lost.waId);
    },
  },
  {
    fault: "silent-path",
    title: "on a link that nobody gave up everything arrives late, in order, when the path is back",
    async run(stage) {
      await inService(stage);
      const heal = await stage.inject({ kind: "silent-path", target: A, for: open, keeps: false });
      const message = await stage.send(a, "ana");
      expect(await stage.probe(a, 300)).toBeNull();
      expect(stage.told(message)).toEqual(["a sent"]);
      await heal();
      await stage.fact("acked", ({ waId }) => waId === message.waId);
      await stage.isShown("ana", message);
      expect(await stage.probe(a)).not.toBeNull();
      expect(stage.said(a)).toEqual([]);
    },
  },
  {
    fault: "silent-path",
    title: "that keeps what was written delivers it afterwards, although the link was given up",
    async run(stage) {
      await inService(stage);
      const heal = await stage.inject({ kind: "silent-path", target: A, for: open, keeps: true });
      const message = await stage.send(a, "ana");
      await stage.rest(100);
      await stage.terminate(a);
      expect(stage.outside.shown("ana")).not.toContain(message.waId);
      await heal();
      await stage.isShown("ana", message);
      expect(stage.of("acked", a)).toEqual([]);
      await wellAgain(stage);
    },
  },
  {
    fault: "silent-path",
    title: "a dial that is still waiting comes up when the path is back",
    async run(stage) {
      const heal = await stage.inject({ kind: "silent-path", target: A, for: open, keeps: false });
      stage.open(a);
      await stage.rest(300);
      expect(stage.said(a)).toEqual([]);
      await heal();
      await stage.fact("serving");
      expect(stage.said(a)).toEqual(["opened", "serving"]);
    },
  },
  {
    fault: "one-way",
    title:
      "down: what we say is heard and shown, we hear nothing, and no new link comes up; what was said to us comes when it heals",
    async run(stage) {
      await inService(stage);
      const heal = await stage.inject({ kind: "one-way", target: A, for: open, dead: "down" });
      const message = await stage.send(a, "ana");
      await stage.isShown("ana", message);
      expect(await stage.probe(a, 300)).toBeNull();
      expect(stage.told(message).filter((told) => told.startsWith("a"))).toEqual(["a sent"]);
      await heal();
      await stage.fact("acked", ({ waId }) => waId === message.waId);
      expect(stage.said(a)).toEqual([]);
      const again = await stage.inject({ kind: "one-way", target: A, for: open, dead: "down" });
      expect(await stage.fail(a, { connectTimeout: 500 })).toBe("closed timedOut 408");
      await again();
      await wellAgain(stage);
    },
  },
  {
    fault: "one-way",
    title: "up: we hear what comes, nobody hears us, and no new link comes up; what we said arrives when it heals",
    async run(stage) {
      await inService(stage);
      const heal = await stage.inject({ kind: "one-way", target: A, for: open, dead: "up" });
      const message = await stage.send(a, "ana");
      expect(message.answer).toBe("sent");
      const inbound = stage.write("ana", FIRST);
      await stage.received(inbound);
      await stage.fact("evidence", ({ device }) => device === a);
      expect(await stage.probe(a, 300)).toBeNull();
      expect(stage.outside.shown("ana")).not.toContain(message.waId);
      await heal();
      await stage.isShown("ana", message);
      await stage.fact("acked", ({ waId }) => waId === message.waId);
      const again = await stage.inject({ kind: "one-way", target: A, for: open, dead: "up" });
      expect(await stage.fail(a, { connectTimeout: 500 })).toBe("closed timedOut 408");
      await again();
      await wellAgain(stage);
    },
  },
];

/** Of many round trips, the first that took so long; all are answered. */
const slowTrip = async (stage: Stage, least: number): Promise<number> => {
  for (let i = 0; i < 60; i++) {
    const trip = await stage.probe(a);
    if (trip === null || trip >= least) return trip ?? Number.NaN;
  }
  return 0;
};

const latenesses: readonly FaultCase[] = [
  {
    fault: "slow",
    title: "everything comes late, and all of it comes",
    async run(stage) {
      await inService(stage);
      await stage.inject({ kind: "slow", target: A, for: open, mean: 100 });
      expect(await slowTrip(stage, 100)).toBeGreaterThanOrEqual(100);
      const message = await stage.send(a, "ana");
      await stage.fact("acked", ({ waId }) => waId === message.waId);
      await stage.isShown("ana", message);
      await stage.serve(a);
      expect(stage.said(a)).toEqual(["closed dropped", "opened", "serving"]);
    },
  },
  {
    fault: "lossy",
    title: "what is lost on the way comes in steps, and all of it comes, in order",
    async run(stage) {
      await inService(stage);
      await stage.inject({ kind: "lossy", target: A, for: open, loss: 0.4 });
      expect(await slowTrip(stage, 200)).toBeGreaterThanOrEqual(200);
      const sent: string[] = [];
      for (let i = 0; i < 3; i++) sent.push((await stage.send(a, "ana")).waId);
      for (const id of sent) await stage.fact("acked", ({ waId }) => waId === id);
      await stage.until(() => sent.every((id) => stage.outside.shown("ana").includes(id)), "all three on Ana's phone");
      expect(stage.outside.shown("ana").filter((id) => sent.includes(id))).toEqual(sent);
      expect(stage.said(a)).toEqual([]);
    },
  },
  {
    fault: "late-events",
    title: "acks and receipts come late and hold up what follows on the link; nothing is lost",
    async run(stage) {
      await inService(stage);
      const from = stage.outside.now();
      await stage.inject({ kind: "late-events", target: A, for: open, by: 400, share: 1 });
      const message = await stage.send(a, "ana");
      await stage.isShown("ana", message);
      const { at } = await stage.fact("acked", ({ waId }) => waId === message.waId);
      expect(at - from).toBeGreaterThanOrEqual(400);
      await stage.fact("receipt", ({ waId, device }) => waId === message.waId && device === a);
      const told = stage.facts.filter((fact) => "device" in fact && fact.device === a && "waId" in fact).map(({ kind }) => kind);
      expect(told).toEqual(["acked", "receipt"]);
      expect(stage.said(a)).toEqual([]);
    },
  },
  {
    fault: "repeated",
    title: "acks, copies and receipts are told again; a message that comes again is stored, told and shown once",
    async run(stage) {
      await inService(stage);
      await stage.inject({ kind: "repeated", target: { account: FIRST }, for: open, share: 1, after: 50 });
      const message = await stage.send(a, "ana");
      await stage.isShown("ana", message);
      const inbound = stage.write("ana", FIRST);
      await stage.received(inbound);
      await stage.until(() => stage.of("acked", a).length === 2, "the ack for the second time");
      await stage.settle(b, a);
      const twice = ["a acked", "a delivered", "b copied", "b delivered"].flatMap((told) => [told, told]);
      expect(stage.told(message)).toEqual([...twice, "a sent"].sort());
      expect(await stage.rows(inbound)).toBe(1);
      expect(await stage.rows(message.waId)).toBe(1);
      expect(stage.of("received")).toHaveLength(2);
      expect(stage.outside.shown("ana").filter((id) => id === message.waId)).toHaveLength(1);
      expect([...stage.said(a), ...stage.said(b)]).toEqual([]);
    },
  },
  {
    fault: "offline-replay",
    title: "late: open, and in service only when what was missed has come",
    async run(stage) {
      await stage.serve(b);
      const missed = stage.write("ana", SECOND);
      await stage.inject({ kind: "offline-replay", target: { device: c }, for: open, late: 500 });
      stage.open(c);
      const { at: openedAt } = await stage.fact("opened", ({ device }) => device === c);
      const { at: servingAt } = await stage.fact("serving", ({ device }) => device === c);
      expect(servingAt - openedAt).toBeGreaterThanOrEqual(480);
      await stage.received(missed);
      expect(stage.said(c)).toEqual(["opened", "serving"]);
    },
  },
  {
    fault: "offline-replay",
    title: "missing: open and never in service on this link, though what is new comes; a later link brings what was missed",
    async run(stage) {
      const missed = stage.write("ana", SECOND);
      await stage.rest(300);
      const heal = await stage.inject({ kind: "offline-replay", target: { device: c }, for: open, late: null });
      stage.open(c);
      await stage.fact("opened");
      await stage.settle(c);
      const live = stage.write("ana", SECOND);
      await stage.received(live);
      await heal();
      await stage.settle(c);
      expect(stage.said(c)).toEqual(["opened"]);
      expect(await stage.rows(missed)).toBe(0);
      await stage.serve(c);
      await stage.received(missed);
    },
  },
];

const STATUSES = [403, 429, 502, 503] as const;
const LOGIN_CODES = [400, 405, 409, 500, 503] as const;

const answersWith = (status: LinkFaultOf<"upgrade-503">["status"]): FaultCase => ({
  fault: "upgrade-503",
  title: `HTTP ${status}: the link drops, each new one is refused with the status at once; afterwards one works`,
  async run(stage) {
    await inService(stage);
    const heal = await stage.inject({ kind: "upgrade-503", target: A, for: open, status, closes: true });
    await stage.fact("closed");
    expect(await stage.fail(a)).toBe(`closed refused ${status}`);
    expect(await stage.fail(a)).toBe(`closed refused ${status}`);
    expect(stage.said(a)).toEqual(["closed dropped 428", `closed refused ${status}`, `closed refused ${status}`]);
    expect(stage.of("evidence", a)).toEqual([]);
    expect(stage.said(b)).toEqual([]);
    await heal();
    await wellAgain(stage);
  },
});
const refusesWith = (code: LinkFaultOf<"login-refused">["code"]): FaultCase => ({
  fault: "login-refused",
  title: `${code}: the link drops, each login ends as ${REASONS[code]}; afterwards one works`,
  async run(stage) {
    await inService(stage);
    const heal = await stage.inject({ kind: "login-refused", target: A, for: open, code, closes: true });
    await stage.fact("closed");
    expect(await stage.fail(a)).toBe(`closed ${REASONS[code]} ${code}`);
    expect(stage.said(a)).toEqual(["closed dropped 428", `closed ${REASONS[code]} ${code}`]);
    expect(stage.of("evidence", a)).toHaveLength(1);
    await heal();
    await wellAgain(stage);
  },
});

const refusals: readonly FaultCase[] = [
  ...STATUSES.map(answersWith),
  {
    fault: "upgrade-503",
    title: "HTTP 503 for new links only leaves the one that is up alone",
    async run(stage) {
      await inService(stage);
      await stage.inject({ kind: "upgrade-503", target: A, for: open, status: 503, closes: false });
      expect(await stage.probe(a)).not.toBeNull();
      expect(await stage.fail(a)).toBe("closed refused 503");
      expect(stage.said(a)).toEqual(["closed dropped", "closed refused 503"]);
    },
  },
  ...LOGIN_CODES.map(refusesWith),
  {
    fault: "login-refused",
    title: "a login that is refused leaves the link that is up alone, unless that was closed as well",
    async run(stage) {
      await inService(stage);
      await stage.inject({ kind: "login-refused", target: A, for: open, code: 503, closes: false });
      expect(await stage.probe(a)).not.toBeNull();
      expect(stage.said(a)).toEqual([]);
      expect(await stage.fail(a)).toBe("closed unavailable 503");
    },
  },
  {
    fault: "outage",
    title: "refusing, of one region: its links end as unavailable, new ones are refused with 503; other regions are not touched",
    async run(stage) {
      await inService(stage);
      await stage.serve(c);
      const heal = await stage.inject({ kind: "outage", target: { region: "eu" }, for: open, manner: "refusing" });
      await stage.fact("closed", ({ device }) => device === a);
      await stage.fact("closed", ({ device }) => device === b);
      expect(await stage.fail(a)).toBe("closed refused 503");
      expect([stage.said(a), stage.said(b)]).toEqual([
        ["closed unavailable 503", "closed refused 503"],
        ["closed unavailable 503"],
      ]);
      expect(await stage.probe(c)).not.toBeNull();
      await stage.serve(c);
      expect(stage.said(c)).toEqual(["opened", "serving", "closed dropped", "opened", "serving"]);
      await heal();
      await wellAgain(stage);
    },
  },
  {
    fault: "outage",
    title:
      "silent, of everything: nobody hears anything, nobody is told, new links don't come up; afterwards links that were kept go on",
    async run(stage) {
      await inService(stage);
      await stage.serve(c);
      const heal = await stage.inject({ kind: "outage", target: { all: true }, for: open, manner: "silent" });
      const probes = await Promise.all([stage.probe(a, 300), stage.probe(b, 300), stage.probe(c, 300)]);
      expect(probes).toEqual([null, null, null]);
      expect(await stage.fail(c, { connectTimeout: 500 })).toBe("closed timedOut 408");
      await heal();
      expect(await stage.probe(a)).not.toBeNull();
      expect([...stage.said(a), ...stage.said(b)]).toEqual([]);
      await stage.serve(c);
    },
  },
];

const losses: readonly FaultCase[] = [
  {
    fault: "ack-lost",
    title: "the message is shown, copied and receipted, only its ack never comes; probes are answered",
    async run(stage) {
      await inService(stage);
      const heal = await stage.inject({ kind: "ack-lost", target: A, for: open, mute: false });
      const message = await stage.send(a, "ana");
      await stage.isShown("ana", message);
      await stage.settle(b, a);
      expect(stage.told(message)).toEqual(["a delivered", "a sent", "b copied", "b delivered"]);
      await heal();
      const next = await stage.send(a, "ana");
      await stage.fact("acked", ({ waId }) => waId === next.waId);
      expect(stage.said(a)).toEqual([]);
    },
  },
  {
    fault: "ack-lost",
    title: "mute: its receipts and copies don't come either, until a later login brings them; the twin has heard all the time",
    async run(stage) {
      await inService(stage);
      const heal = await stage.inject({ kind: "ack-lost", target: A, for: open, mute: true });
      const message = await stage.send(a, "ana");
      await stage.isShown("ana", message);
      await stage.settle(b, a);
      expect(stage.told(message)).toEqual(["a sent", "b copied", "b delivered"]);
      await heal();
      await stage.serve(a);
      await stage.settle(a);
      expect(stage.told(message)).toEqual(["a delivered", "a sent", "b copied", "b delivered"]);
    },
  },
  {
    fault: "send-swallowed",
    title: "what is sent passes the gate and vanishes: no ack, no copy, not shown; everything else works, the twin's sends too",
    async run(stage) {
      await inService(stage);
      const heal = await stage.inject({ kind: "send-swallowed", target: A, for: open, share: 1 });
      const lost = await stage.send(a, "ana");
      expect(lost.answer).toBe("sent");
      const inbound = stage.write("ana", FIRST);
      await stage.received(inbound);
      await stage.settle(b, a);
      expect(stage.told(lost)).toEqual(["a sent"]);
      await stage.seat(b);
      const other = await stage.send(b, "ana");
      await stage.isShown("ana", other);
      await heal();
      await stage.seat(a);
      await wellAgain(stage);
      expect(stage.outside.shown("ana")).not.toContain(lost.waId);
    },
  },
];

const judgements: readonly FaultCase[] = [
  {
    fault: "restricted",
    title: "announced: said on every device at once; new chats are refused with 463, known ones go on; its end is said too",
    async run(stage) {
      await inService(stage);
      const heal = await stage.inject({ kind: "restricted", target: { account: FIRST }, for: open, announced: true });
      await stage.until(() => stage.of("standing").length === 2, "both twins to be told");
      const cold = await stage.send(a, stage.stranger());
      await stage.fact("refused", ({ waId }) => waId === cold.waId);
      await stage.settle(b);
      expect(stage.told(cold)).toEqual(["a refused 463", "a sent"]);
      const warm = await stage.send(a, "ana");
      await stage.fact("acked", ({ waId }) => waId === warm.waId);
      expect(await stage.check(a)).toMatchObject({ standing: "restricted" });
      await heal();
      await stage.until(() => stage.of("standing").length === 4, "both twins to be told the end");
      expect(stage.standings().map((told) => told.replace(" until then", ""))).toEqual(["sales-1 restricted", "sales-1 good"]);
      expect(await stage.check(a)).toMatchObject({ standing: "good", until: null });
      expect([...stage.said(a), ...stage.said(b)]).toEqual([]);
    },
  },
  {
    fault: "restricted",
    title: "unannounced: only the refusal and a deep check tell; somebody who writes first may be answered",
    async run(stage) {
      await inService(stage);
      const heal = await stage.inject({ kind: "restricted", target: { account: FIRST }, for: open, announced: false });
      const name = stage.stranger();
      const cold = await stage.send(a, name);
      await stage.fact("refused", ({ waId, code }) => waId === cold.waId && code === 463);
      const finding = await stage.check(a);
      expect(finding).toMatchObject({ standing: "restricted" });
      // How many new chats the account may start is another question at WhatsApp than whether it may start any now.
      expect(finding?.cap).toBeGreaterThan(0);
      const inbound = stage.write(name, FIRST);
      await stage.received(inbound);
      const answer = await stage.send(a, name);
      await stage.fact("acked", ({ waId }) => waId === answer.waId);
      await heal();
      expect(await stage.check(a)).toMatchObject({ standing: "good" });
      await stage.settle(a);
      expect(stage.standings()).toEqual([]);
    },
  },
  {
    fault: "restricted",
    title: "announced while a device was away: it is told when it comes back",
    async run(stage) {
      await stage.inject({ kind: "restricted", target: { account: SECOND }, for: open, announced: true });
      await stage.rest(100);
      await stage.serve(c);
      await stage.settle(c);
      expect(stage.standings().map((told) => told.replace(" until then", ""))).toEqual(["sales-2 restricted"]);
    },
  },
  {
    fault: "banned",
    title: "402: both twins' links end and logins fail, each with the time at which the ban ends",
    async run(stage) {
      await inService(stage);
      const heal = await stage.inject({ kind: "banned", target: { account: FIRST }, for: 60_000, code: 402 });
      await stage.until(() => stage.of("closed").length === 2, "both links to end");
      expect(await stage.fail(a)).toBe("closed banned 402 until then");
      expect(stage.said(b)).toEqual(["closed banned 402 until then"]);
      const untils = stage.of("closed").map(({ until, at }) => Math.round(((until ?? 0) - at) / 10_000));
      expect(untils).toEqual([6, 6, 6]);
      await heal();
      await wellAgain(stage);
    },
  },
  {
    fault: "banned",
    title: "406: both twins' links end and logins fail, without an end",
    async run(stage) {
      await inService(stage);
      const heal = await stage.inject({ kind: "banned", target: { account: FIRST }, for: open, code: 406 });
      await stage.until(() => stage.of("closed").length === 2, "both links to end");
      expect(await stage.fail(b)).toBe("closed banned 406");
      expect([stage.said(a), stage.said(b)]).toEqual([["closed banned 406"], ["closed banned 406", "closed banned 406"]]);
      await heal();
      await wellAgain(stage);
    },
  },
  {
    fault: "phone-gone",
    title: "both twins' links end and logins fail as locked, until the phone is back",
    async run(stage) {
      await inService(stage);
      const heal = await stage.inject({ kind: "phone-gone", target: { account: FIRST }, for: open });
      await stage.until(() => stage.of("closed").length === 2, "both links to end");
      expect(await stage.fail(b)).toBe("closed locked 403");
      expect([stage.said(a), stage.said(b)]).toEqual([["closed locked 403"], ["closed locked 403", "closed locked 403"]]);
      await heal();
      await wellAgain(stage);
    },
  },
  {
    fault: "logged-out",
    title: "the link ends and its credentials are dead: each login fails in the same way; linked anew it works",
    async run(stage) {
      await stage.link(spare.lost);
      await stage.serve(spare.lost, a);
      stage.facts.length = 0;
      await stage.inject({ kind: "logged-out", target: { device: spare.lost }, for: open });
      await stage.fact("closed");
      expect(await stage.fail(spare.lost)).toBe("closed loggedOut 401");
      expect(stage.said(spare.lost)).toEqual(["closed loggedOut 401", "closed loggedOut 401"]);
      expect(stage.said(a)).toEqual([]);
      await stage.link(spare.lost);
      await stage.serve(spare.lost);
    },
  },
  {
    fault: "replaced",
    title: "the link ends as replaced, and nothing else changes: a new one works",
    async run(stage) {
      await inService(stage);
      await stage.inject({ kind: "replaced", target: A, for: once, returns: 0 });
      await stage.fact("closed");
      expect(stage.said(a)).toEqual(["closed replaced 440"]);
      await wellAgain(stage);
      expect(stage.said(a)).toEqual(["closed replaced 440", "opened", "serving"]);
    },
  },
  {
    fault: "replaced",
    title: "whoever has the same credentials comes back after us, so often, and no more",
    async run(stage) {
      await inService(stage);
      await stage.inject({ kind: "replaced", target: A, for: open, returns: 1 });
      await stage.fact("closed");
      const since = stage.facts.length;
      stage.open(a);
      await stage.fact("closed", ({ device }) => device === a, since);
      await wellAgain(stage);
      await stage.rest(600);
      expect(stage.said(a)).toEqual(["closed replaced 440", "opened", "serving", "closed replaced 440", "opened", "serving"]);
    },
  },
];

export const faultCases: readonly FaultCase[] = [
  ...CLOSE_CODES.map(closesWith),
  ...silences,
  ...latenesses,
  ...refusals,
  ...losses,
  ...judgements,
];
