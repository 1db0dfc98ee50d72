import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkup } from "../../machines/account/checkup.ts";
import { hash } from "../../machines/account/jitter.ts";
import type { Finding } from "../../machines/ports/connection.ts";
import { accountId, deviceId, type Millis } from "../../machines/ports/ids.ts";
import { Host } from "./host.ts";

const account = accountId("sales-1");
const CHECKUP = `checkup:${account}` as const;
const STANDING = `standing:${account}` as const;
const [A, B] = ["a", "b"].map((name) => deviceId(account, name)) as [ReturnType<typeof deviceId>, ReturnType<typeof deviceId>];
const EVERY: Millis = 30_000;
/** Where in the period the account has its place. */
const PLACE = hash(account) % EVERY;
/** The port answers in 5 s, or is given up a second later. */
const GIVEN_UP: Millis = 6000;
const GOOD = { standing: "good", until: null, cap: null, preKeys: null } as const;

describe("the deep check of an account", () => {
  it("is made at the account's own place in each period, by the devices that serve, in turns", () => {
    const host = staged();
    const from = host.now;
    host.advance(4 * EVERY);
    expect(checks(host).map(({ at, device }) => ({ at, device }))).toEqual(
      [A, B, A, B].map((device, turn) => ({ at: from + PLACE + turn * EVERY, device })),
    );
    expect(checks(host)[0]).toMatchObject({ deadline: 5000 });
    expect(new Set(checks(host).map(({ reqId }) => reqId)).size).toBe(4);
  });

  it("takes devices in the order of their names, whoever of them served first", () => {
    const host = staged([]);
    serving(host, B, true);
    serving(host, A, true);
    serving(host, A, true);
    host.advance(3 * EVERY);
    expect(checks(host).map(({ device }) => device)).toEqual([A, B, A]);
  });

  it("is not made while no device serves, nor made up for afterwards", () => {
    const host = staged([]);
    serving(host, A, true);
    serving(host, A, false);
    host.advance(3 * EVERY + PLACE + 1);
    expect(checks(host)).toEqual([]);
    serving(host, A, true);
    expect(checks(host)).toEqual([]);
    host.advance(EVERY - 1);
    expect(checks(host).map(({ at }) => at)).toEqual([host.now]);
  });

  it("does not make up for turns that the node slept through, and keeps its place", () => {
    const start = 1_000_000;
    const from = checkup.start({ account, devices: [A], every: EVERY, standing: "good", until: null }, start);
    expect(from.wakeAt).toBe(start + PLACE);
    const up = checkup.receive(from.state, { type: "device.serving", device: A, serving: true, at: start });
    const late = checkup.receive(up.state, { type: "wake", at: start + PLACE + 3 * EVERY });
    expect(late.effects).toHaveLength(1);
    expect(late.state.nextAt).toBe(start + PLACE + 4 * EVERY);
    const later = checkup.receive(up.state, { type: "wake", at: start + PLACE + 3 * EVERY - 1 });
    expect(later.state.nextAt).toBe(start + PLACE + 3 * EVERY);
    expect([late.wakeAt, later.wakeAt]).toEqual([start + PLACE + 3 * EVERY + GIVEN_UP, start + PLACE + 3 * EVERY]);
  });

  it("is made at once when it is asked for, but not while one is under way, nor within a second of the last", () => {
    const host = staged();
    host.tell(CHECKUP, { type: "check.request" });
    expect(checks(host)).toHaveLength(1);
    host.advance(1500);
    host.tell(CHECKUP, { type: "check.request" });
    expect(checks(host)).toHaveLength(1);
    answer(host, GOOD);
    host.tell(CHECKUP, { type: "check.request" });
    expect(checks(host)).toHaveLength(2);
    answer(host, GOOD);
    host.advance(999);
    host.tell(CHECKUP, { type: "check.request" });
    expect(checks(host)).toHaveLength(2);
    host.advance(1);
    host.tell(CHECKUP, { type: "check.request" });
    expect(checks(host)).toHaveLength(3);
  });

  it("waits for its turn when that comes while one is under way", () => {
    const host = staged();
    host.advance(PLACE - 100);
    host.tell(CHECKUP, { type: "check.request" });
    host.advance(GIVEN_UP);
    expect(checks(host)).toHaveLength(1);
    host.advance(EVERY);
    expect(checks(host)).toHaveLength(2);
  });

  it("counts as missing when nobody answers: two in a row are an alert, and the next answer ends it", () => {
    const host = staged();
    host.advance(PLACE + GIVEN_UP);
    expect(host.of("raise")).toEqual([]);
    host.advance(EVERY - 1);
    expect(host.of("raise")).toEqual([]);
    host.advance(1);
    expect(host.of("raise")).toMatchObject([
      { key: `account.checkup:${account}`, rule: "account.checkup", subject: account, level: "warning" },
    ]);
    host.advance(2 * EVERY);
    expect(host.of("raise")).toHaveLength(1);
    host.advance(EVERY - GIVEN_UP);
    answer(host, GOOD);
    expect(host.of("resolve").map(({ key }) => key)).toEqual([`account.checkup:${account}`]);
    host.advance(EVERY);
    answer(host, GOOD);
    expect(host.of("resolve")).toHaveLength(1);
  });

  it("counts as missing when WhatsApp does not say anything, and anew after each answer", () => {
    const host = staged();
    host.advance(PLACE);
    answer(host, null);
    host.advance(EVERY);
    answer(host, GOOD);
    expect(host.of("resolve")).toEqual([]);
    host.advance(EVERY);
    answer(host, null);
    expect(host.of("raise")).toEqual([]);
    host.advance(EVERY);
    answer(host, null);
    expect(host.of("raise")).toHaveLength(1);
    host.advance(EVERY);
    answer(host, GOOD);
    expect(host.of("resolve")).toHaveLength(1);
  });

  it("hears only the answer to what it asked", () => {
    const host = staged();
    host.tell(CHECKUP, { type: "checked", device: A, reqId: "another", finding: { ...GOOD, standing: "banned" } });
    host.advance(PLACE);
    host.tell(CHECKUP, { type: "checked", device: A, reqId: "another", finding: { ...GOOD, standing: "banned" } });
    expect(host.told(STANDING)).toEqual([]);
    host.advance(GIVEN_UP + EVERY);
    expect(host.of("raise")).toHaveLength(1);
  });

  it("tells the standing's chart what is news, and nothing else", () => {
    const host = staged();
    host.advance(PLACE);
    answer(host, GOOD);
    expect(host.told(STANDING)).toEqual([]);
    for (const finding of [
      { ...GOOD, standing: "restricted" },
      { ...GOOD, until: 7 },
    ] as const) {
      host.advance(EVERY);
      answer(host, finding);
      const { standing, until } = finding;
      expect(host.told(STANDING).at(-1)).toMatchObject({ type: "standing.reported", standing, until });
    }
    host.tell(CHECKUP, { type: "standing.noted", standing: "good", until: 7 });
    host.advance(EVERY);
    answer(host, { ...GOOD, until: 7 });
    expect(host.told(STANDING)).toHaveLength(2);
  });

  it("alerts once when a tenth of the new chats is left, of the most that were seen, and resolves that once there are more", () => {
    const host = staged();
    host.advance(PLACE);
    const said = [200, 21, 20, 19, 0, 21, 500, 50, null].map((cap) => {
      const before = host.log.length;
      answer(host, { ...GOOD, cap });
      const news = host.log.slice(before).map(({ effect }) => effect);
      host.advance(EVERY);
      return news.flatMap((effect) => (effect.op === "raise" || effect.op === "resolve" ? [`${effect.op} ${effect.key}`] : []));
    });
    const key = `account.cap:${account}`;
    expect(said).toEqual([[], [], [`raise ${key}`], [], [], [`resolve ${key}`], [], [`raise ${key}`], [`resolve ${key}`]]);
  });

  it("is made at once when a restriction or cap is over that it did not itself see to be over, if few new chats were left", () => {
    for (const [standing, cap, made] of [
      ["restricted", 0, 1],
      ["capped", 0, 1],
      ["restricted", 20, 0],
    ] as const) {
      const host = staged();
      host.advance(PLACE);
      answer(host, { ...GOOD, cap: 20 });
      host.advance(EVERY);
      answer(host, { ...GOOD, standing, until: host.now + 1000, cap });
      host.tell(CHECKUP, { type: "standing.noted", standing, until: host.now + 1000 });
      host.advance(1000);
      const before = checks(host).length;
      host.tell(CHECKUP, { type: "standing.noted", standing: "good", until: null });
      expect(checks(host)).toHaveLength(before + made);
    }
    const host = staged();
    host.advance(PLACE);
    answer(host, { ...GOOD, cap: 20 });
    host.tell(CHECKUP, { type: "standing.noted", standing: "restricted", until: null });
    host.advance(EVERY);
    answer(host, { ...GOOD, cap: 1 });
    host.tell(CHECKUP, { type: "standing.noted", standing: "good", until: null });
    expect(checks(host)).toHaveLength(2);
  });

  it("alerts once when two looks in a row find a device short of keys, whatever its twin has, and resolves that once it has some", () => {
    const host = staged();
    host.advance(PLACE);
    // The devices take turns: A, B, A, B ...
    const counts = [4, 812, null, 812, 3, 4, 812, 3, 0, 812, 5, 4];
    const said = counts.map((preKeys) => {
      const before = host.log.length;
      answer(host, { ...GOOD, preKeys });
      const news = host.log.slice(before).map(({ effect }) => effect);
      host.advance(EVERY);
      return news.flatMap((effect) => (effect.op === "raise" || effect.op === "resolve" ? [`${effect.op} ${effect.key}`] : []));
    });
    const [a, b] = [`device.keys:${A}`, `device.keys:${B}`];
    expect(said).toEqual([[], [], [], [], [`raise ${a}`], [], [`resolve ${a}`], [`raise ${b}`], [], [`resolve ${b}`], [], []]);
  });

  it("is under way at most once at a time, on a device that serves, whatever happens", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("serve" as const), device: fc.constantFrom(A, B), serving: fc.boolean() }),
      fc.record({ do: fc.constant("request" as const) }),
      fc.record({ do: fc.constant("answer" as const), isFound: fc.boolean() }),
      fc.record({ do: fc.constant("wait" as const), span: fc.integer({ min: 1, max: 20_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const host = staged([]);
        const up = new Set<string>();
        const broken: string[] = [];
        let askedAt: Millis | null = null;
        host.onEffect = (effect) => {
          if (effect.op !== "connection") return;
          const { device } = effect.command;
          if (askedAt !== null && host.now < askedAt + GIVEN_UP) broken.push(`two under way at ${host.now}`);
          if (!up.has(device)) broken.push(`${device} does not serve`);
          askedAt = host.now;
        };
        for (const each of steps) {
          if (each.do === "serve") {
            if (each.serving) up.add(each.device);
            else up.delete(each.device);
            serving(host, each.device, each.serving);
          } else if (each.do === "request") host.tell(CHECKUP, { type: "check.request" });
          else if (each.do === "wait") host.advance(each.span);
          else if (askedAt !== null) {
            askedAt = null;
            answer(host, each.isFound ? GOOD : null);
          }
        }
        expect(broken).toEqual([]);
      }),
    );
  });
});

// ---- helpers ----

function staged(up: readonly string[] = [A, B]): Host {
  const host = new Host();
  host.reducer(CHECKUP, checkup, { account, devices: [A, B], every: EVERY, standing: "good", until: null });
  for (const device of up) serving(host, device, true);
  return host;
}
function serving(host: Host, device: string, isServing: boolean): void {
  host.tell(CHECKUP, { type: "device.serving", device, serving: isServing });
}
function checks(host: Host) {
  return host.of("connection").flatMap(({ command, at }) => (command.op === "check" ? [{ ...command, at }] : []));
}
/** To the newest question. */
function answer(host: Host, finding: Finding | null): void {
  const { device, reqId } = checks(host).at(-1) ?? {};
  host.tell(CHECKUP, { type: "checked", device, reqId, finding });
}
