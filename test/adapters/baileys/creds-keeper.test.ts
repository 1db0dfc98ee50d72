import { initAuthCreds } from "@whiskeysockets/baileys";
import { beforeEach, describe, expect, it } from "vitest";
import { Deadlines } from "../../../src/adapters/baileys/deadlines.ts";
import { CredsKeeper } from "../../../src/adapters/baileys/keys/creds-keeper.ts";
import { decodeCreds } from "../../../src/adapters/baileys/keys/codec.ts";

const keep = () => {
  let now = 1000;
  let timers: { at: number; fire: () => void }[] = [];
  const deadlines = new Deadlines({
    now: () => now,
    setTimeout: (fire, after) => {
      const timer = { at: now + after, fire };
      timers.push(timer);
      return timer;
    },
    clearTimeout: (timer) => (timers = timers.filter((each) => each !== timer)),
  });
  const turn = (by: number): void => {
    now += by;
    for (const timer of timers.filter(({ at }) => at <= now)) {
      timers = timers.filter((each) => each !== timer);
      timer.fire();
    }
  };
  const creds = { ...initAuthCreds(), me: { id: "1:1@s.whatsapp.net" } };
  const saved: unknown[] = [];
  const keeper = new CredsKeeper({ creds, now: () => now, deadlines, save: (bytes) => saved.push(decodeCreds(bytes)) });
  return { creds, keeper, saved, turn };
};

describe("the credentials of a device", () => {
  let bench: ReturnType<typeof keep>;
  beforeEach(() => (bench = keep()));

  it("are saved in the turn in which they change", () => {
    bench.creds.nextPreKeyId = 31;
    bench.keeper.changed();
    expect(bench.saved).toMatchObject([{ nextPreKeyId: 31 }]);
  });

  it("are not saved when nothing has changed", () => {
    bench.keeper.changed();
    bench.creds.nextPreKeyId = 31;
    bench.keeper.changed();
    bench.keeper.changed();
    bench.turn(5000);
    expect(bench.saved).toHaveLength(1);
  });

  it("are saved once and a little later for what every login tells anew", () => {
    bench.creds.routingInfo = Buffer.from([1]);
    bench.keeper.changed();
    bench.creds.lastPropHash = "hash";
    bench.keeper.changed();
    expect(bench.saved).toEqual([]);
    bench.turn(1000);
    expect(bench.saved).toMatchObject([{ routingInfo: Buffer.from([1]), lastPropHash: "hash" }]);
    bench.keeper.changed();
    bench.turn(5000);
    expect(bench.saved).toHaveLength(1);
  });

  it("take what waits along when they are saved at once", () => {
    bench.creds.routingInfo = Buffer.from([1]);
    bench.keeper.changed();
    bench.creds.nextPreKeyId = 31;
    bench.keeper.changed();
    bench.turn(5000);
    expect(bench.saved).toMatchObject([{ routingInfo: Buffer.from([1]), nextPreKeyId: 31 }]);
  });

  it("are left alone once their link is gone", () => {
    bench.creds.routingInfo = Buffer.from([1]);
    bench.keeper.changed();
    bench.keeper.close();
    bench.creds.nextPreKeyId = 31;
    bench.keeper.changed();
    bench.turn(5000);
    expect(bench.saved).toEqual([]);
  });
});
