/** Why a link ended, as WhatsApp's stanza says it. The table for people: docs/close-codes.md. */
import { DEFAULT_CONNECTION_CONFIG } from "@whiskeysockets/baileys";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CloseReason } from "../../../machines/ports/connection.ts";
import { type Loopback, startLoopback } from "../../../sim/loopback/index.ts";
import { device, Rig } from "./rig.ts";

const a = device("sales-1/a");
const MASTER = "4915550000001";
const target = { account: MASTER };

describe("the end of a link", () => {
  let loopback: Loopback;
  let rig: Rig;
  beforeAll(async () => {
    loopback = await startLoopback();
    loopback.account(MASTER);
    rig = await Rig.start({ loopback, devices: [a] });
    await rig.link(a, MASTER);
  }, 60_000);
  afterAll(async () => {
    await rig.close();
    await loopback.close();
  });

  const closed = (since: number) => rig.fact("closed", (fact) => fact.device === a, { since });
  const end = async (inject: () => void) => {
    await rig.serve(a);
    const since = rig.mark;
    inject();
    return closed(since);
  };

  const outcome = async (): Promise<string> => {
    rig.port.perform({ op: "terminate", device: a });
    const since = rig.mark;
    rig.open(a);
    const reasons = () =>
      rig.facts
        .slice(since)
        .flatMap((fact) =>
          fact.kind === "opened" ? ["opened"] : fact.kind === "closed" && fact.code !== null ? [fact.reason] : [],
        );
    await rig.until(() => reasons().length > 0, "a login, or its refusal");
    return reasons()[0] as string;
  };

  it("405 for our version: dials again with the newer one that WhatsApp names, and keeps to it", async () => {
    const [, , own] = DEFAULT_CONNECTION_CONFIG.version;
    const fault = loopback.faults.outdated("all", own + 5);
    const ends: string[] = [];
    // The newer version is looked for after the first refusal; a dial that comes before it is known is refused like the first.
    while (ends.at(-1) !== "opened" && ends.length < 50) ends.push(await outcome());
    expect(ends.at(0)).toBe("outdated");
    expect(ends.at(-1)).toBe("opened");
    fault.heal();
    loopback.faults.outdated("all", own + 5, { named: own });
    expect(await outcome()).toBe("opened");
    loopback.faults.healAll();
  });

  it.each<[number, CloseReason]>([
    [408, "timedOut"],
    [500, "unavailable"],
    [501, "unavailable"],
    [503, "unavailable"],
    [515, "restartRequired"],
  ])("a stream error with code %i: %s", async (code, reason) => {
    expect(await end(() => loopback.faults.close(target, code))).toMatchObject({ reason, code });
  });

  it("a stream error with a conflict: replaced", async () => {
    expect(await end(() => loopback.faults.close(target, 440))).toMatchObject({ reason: "replaced", code: 440 });
  });

  it("TCP that ends or is reset, and the end of the stream: dropped", async () => {
    expect(await end(() => loopback.faults.close(target, 428))).toMatchObject({ reason: "dropped", code: 428 });
    expect(await end(() => loopback.faults.close(target, 428, { how: "xmlstreamend" }))).toMatchObject({ reason: "dropped" });
    expect(await end(() => loopback.faults.close(target, 428, { how: "reset" }))).toMatchObject({ reason: "dropped", code: 428 });
  });

  it.each<[number, CloseReason]>([
    [400, "badPeer"],
    [403, "locked"],
    [405, "outdated"],
    [406, "banned"],
    [409, "outdated"],
    [411, "mismatch"],
    [418, "unavailable"],
  ])("%i while the link is up, and instead of a login: %s", async (code, reason) => {
    let fault = { heal: (): void => undefined };
    expect(await end(() => (fault = loopback.faults.close(target, code)))).toMatchObject({ reason, code });
    const since = rig.mark;
    rig.open(a);
    expect(await closed(since)).toMatchObject({ reason, code });
    fault.heal();
    await rig.serve(a);
  });

  it("a temporary ban tells when it ends", async () => {
    const before = Date.now();
    let fault = { heal: (): void => undefined };
    const { reason, code, until } = await end(() => (fault = loopback.faults.ban(MASTER, { code: 402, expireS: 3600 })));
    expect([reason, code]).toEqual(["banned", 402]);
    expect(until).toBeGreaterThanOrEqual(before + 3_600_000);
    fault.heal();
  });

  it("each is said once, however often the socket is ended", async () => {
    const { dial } = await end(() => {
      loopback.faults.close(target, 503);
      loopback.faults.close(target, 428);
    });
    rig.port.perform({ op: "terminate", device: a });
    await rig.serve(a);
    expect(rig.facts.filter((fact) => fact.kind === "closed" && fact.dial === dial)).toHaveLength(1);
  });

  it("an unlinked companion is logged out: while it is up by conflict, later by failure", async () => {
    expect(await end(() => loopback.faults.logout(target))).toMatchObject({ reason: "loggedOut", code: 401 });
    const since = rig.mark;
    rig.open(a);
    expect(await closed(since)).toMatchObject({ reason: "loggedOut", code: 401 });
  });
});
