/** The actors of one device together, in a small world in which links break, fall silent and can't be dialled. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { connectionMachine } from "../../machines/account/connection.ts";
import { detector, type DetectorState } from "../../machines/account/detector.ts";
import { dialler } from "../../machines/account/dialler.ts";
import { healthMachine, type HealthContext } from "../../machines/account/health.ts";
import { leaseMachine } from "../../machines/account/lease.ts";
import { DEFAULT_TIMERS } from "../../machines/account/timers.ts";
import { timingsOf } from "../../machines/account/timings.ts";
import type { CloseReason, ConnectionCommand } from "../../machines/ports/connection.ts";
import { accountId, deviceId, type Millis, nodeId } from "../../machines/ports/ids.ts";
import { Host } from "./host.ts";

const device = deviceId(accountId("sales"), "a");
const CONNECTION = `connection:${device}` as const;
const DETECTOR = `detector:${device}` as const;
const HEALTH = `health:${device}` as const;
const LEASE = `lease:${device}` as const;
const RTT = 60;
const REACTION = 50;

/** `halfOpen`: links that are up fall silent, new ones work. `deadPath`: new ones hang too. `refusing`: nobody listens. */
type Mode = "well" | "halfOpen" | "deadPath" | "refusing";

describe("a device in a bad world", () => {
  it("is dialled again within 50 ms of an end, and failed at once", () => {
    const world = new World();
    world.host.advance(40_000);
    const at = world.host.now;
    world.drop("dropped");
    expect(world.host.value(HEALTH)).toBe("failed");
    world.host.advance(49);
    expect(world.opens.at(-1)).toBe(at);
  });

  it("heals a half-open link by one re-dial before it counts as failed", () => {
    const world = new World();
    world.host.advance(10_100);
    world.set("halfOpen");
    world.host.advance(10_000);
    expect(world.states).toEqual(["healthy", "suspect", "repairing", "healthy"]);
    expect(world.opens).toHaveLength(2);
  });

  it("is failed 4.5 s after its last stanza on a dead path, and back in service when the path is", () => {
    const world = new World();
    world.host.advance(10_000);
    world.set("deadPath");
    world.host.advance(4500);
    expect(world.host.value(HEALTH)).toBe("failed");
    expect(world.host.told("roster").at(-1)).toMatchObject({ cause: "silent", at: world.heardAt + 4500 });
    world.host.advance(20_000);
    world.set("well");
    world.host.advance(70_000);
    expect(world.host.value(HEALTH)).toBe("healthy");
  });

  const step = fc.record({
    after: fc.integer({ min: 0, max: 12_000 }),
    what: fc.oneof(
      fc.constantFrom<Mode>("well", "halfOpen", "deadPath", "refusing"),
      fc.constantFrom<CloseReason>("dropped", "unavailable", "restartRequired"),
      fc.constantFrom("send", "sendUnanswered"),
    ),
  });
  const scriptArb = fc.array(step, { maxLength: 25 });

  it("is never called well for longer than its deadline after it was last heard", () => {
    fc.assert(
      fc.property(scriptArb, (script) => {
        const world = new World();
        world.play(script);
        expect(world.lies).toEqual([]);
      }),
    );
  });

  it("keeps the same book of accusations in the detector and in health", () => {
    fc.assert(
      fc.property(scriptArb, (script) => {
        const world = new World();
        world.play(script);
        expect(world.disagreements).toEqual([]);
      }),
    );
  });

  it("has at most one link that it did not terminate, and dials with growing numbers", () => {
    fc.assert(
      fc.property(scriptArb, (script) => {
        const world = new World();
        world.play(script);
        expect(world.doubles).toBe(0);
        expect(world.dials).toEqual(world.dials.map((_, index) => index + 1));
      }),
    );
  });

  it("is healthy again once the world is well and stays so", () => {
    fc.assert(
      fc.property(scriptArb, (script) => {
        const world = new World();
        world.play(script);
        world.set("well");
        world.host.advance(200_000);
        expect([world.host.value(CONNECTION), world.host.value(HEALTH)]).toEqual(["serving", "healthy"]);
      }),
    );
  });
});

describe("a device of which an operator orders", () => {
  const restart = (world: World): void => {
    world.host.tell(HEALTH, { type: "end.ordered", reason: "dropped" });
    world.host.tell(CONNECTION, { type: "redial.request" });
  };
  const unlink = (world: World): void => world.host.tell(CONNECTION, { type: "unlink.request" });
  const alerts = ({ host }: World): readonly string[] => host.of("raise").map(({ rule }) => rule);
  const open = ({ host }: World): readonly string[] => {
    const keys = new Set<string>();
    for (const { effect } of host.log) {
      if (effect.op === "raise") keys.add(effect.key);
      if (effect.op === "resolve") keys.delete(effect.key);
    }
    return [...keys];
  };

  it("a restart, raises no alert, and is in service again", () => {
    const world = new World();
    world.host.advance(20_000);
    restart(world);
    world.host.advance(60_000);
    expect(world.states).toEqual(["healthy", "failed", "recovering", "healthy"]);
    expect(world.host.told("roster").find(({ state }) => state === "failed")).toMatchObject({ cause: "operator" });
    expect(alerts(world)).toEqual([]);
    expect(world.dials).toEqual([1, 2]);
  });

  it.each<Mode>(["refusing", "deadPath"])(
    "a restart, raises one if it does not come back (%s), and none is left when it does",
    (mode) => {
      const world = new World();
      world.host.advance(20_000);
      world.set(mode);
      restart(world);
      world.host.advance(60_000);
      expect(alerts(world)).toContain("device.unreachable");
      world.set("well");
      world.host.advance(200_000);
      expect(open(world)).toEqual([]);
    },
  );

  it("a restart, raises one for what ends a moment later by itself", () => {
    const world = new World();
    world.host.advance(20_000);
    restart(world);
    world.host.advance(2000);
    world.drop("dropped");
    expect(alerts(world)).toEqual(["device.failed"]);
  });

  it("to be unlinked, raises no alert, leaves none open, and is unlinked", () => {
    const world = new World();
    world.host.advance(20_000);
    // The link breaks and comes back: it is on probation, with an alert that is open.
    world.drop("dropped");
    world.host.advance(2000);
    expect(open(world)).toEqual([`device.failed:${device}`]);
    const before = alerts(world).length;
    unlink(world);
    world.drop("loggedOut");
    world.host.tell(CONNECTION, { type: "store.wiped", answer: {} });
    expect(alerts(world)).toHaveLength(before);
    expect(open(world)).toEqual([]);
    expect(world.host.value(CONNECTION)).toBe("unlinked");
    expect(world.host.of("connection").map(({ command }) => command.op)).toContain("unlink");
    expect(world.host.of("write")).toMatchObject([{ ask: { op: "device.update", link: "unlinked" } }]);
    expect(
      world.host
        .told("roster")
        .filter(({ type }) => type === "device.health")
        .at(-1),
    ).toMatchObject({
      state: "failed",
      cause: "operator",
      isFinal: true,
    });
  });

  it("to be unlinked, is unlinked without an alert about that where only the next dial is told", () => {
    const world = new World();
    world.host.advance(20_000);
    unlink(world);
    world.drop("dropped");
    world.host.advance(300);
    world.drop("loggedOut");
    expect(alerts(world)).toEqual(["device.failed"]);
    expect(open(world)).toEqual([]);
  });

  it.each<[string, (world: World) => void]>([
    ["logs itself out, and nothing was ordered", () => undefined],
    ["logs itself out long after an order that WhatsApp did not hear", (world) => (unlink(world), world.host.advance(31_000))],
    ["logs itself out as it is restarted", restart],
    [
      "logs itself out after it was unlinked, linked, and served",
      (world) => {
        unlink(world);
        world.drop("dropped");
        world.host.advance(5000);
      },
    ],
  ])("nothing of the kind: it %s", (_, before) => {
    const world = new World();
    world.host.advance(20_000);
    before(world);
    world.drop("loggedOut");
    expect(open(world)).toEqual(expect.arrayContaining([`device.loggedOut:${device}`, `device.failed:${device}`]));
    world.host.tell(CONNECTION, { type: "store.wiped", answer: {} });
    expect(world.host.value(CONNECTION)).toBe("loggedOut");
  });

  it("to be unlinked, and is banned instead: people are told", () => {
    const world = new World();
    world.host.advance(20_000);
    unlink(world);
    world.drop("banned");
    expect([...alerts(world)].sort()).toEqual(["device.banned", "device.failed"]);
  });
});

// ---- the world -------------------------------------------------------------------------------------------------------

class World {
  readonly host = new Host();
  mode: Mode = "well";
  heardAt: Millis;
  readonly opens: Millis[] = [];
  readonly dials: number[] = [];
  readonly lies: string[] = [];
  readonly disagreements: string[] = [];
  doubles = 0;
  #dial = 0;
  #isUp = false;
  /** This link fell silent and stays so. */
  #isMute = false;
  #messages = 0;
  /** Dialling or up, and not terminated. */
  #isOpen = false;

  constructor() {
    const { host } = this;
    const timings = timingsOf(DEFAULT_TIMERS);
    const at = host.now;
    this.heardAt = at;
    host.onEffect = (effect) => {
      if (effect.op === "connection") this.#perform(effect.command);
      if (effect.op === "tell" || effect.op === "connection") this.#look();
    };
    host.reducer("dialler", dialler, { perSecond: 25 });
    host.tell("dialler", { type: "dial.rank", device, rank: 0 });
    host.reducer(DETECTOR, detector, { device, watch: "holder", timers: timings.detector });
    host.chart(HEALTH, healthMachine, { device, at, timers: timings.health });
    host.chart(LEASE, leaseMachine, { device, node: nodeId("n1"), at, ttl: 4000, renewEvery: null });
    const timers = { connectTimeout: timings.connectTimeout };
    host.chart(CONNECTION, connectionMachine, {
      device,
      at,
      link: "linked",
      standing: "good",
      standingUntil: null,
      seed: 5,
      timers,
    });
    host.tell(CONNECTION, { type: "start" });
    host.tell(LEASE, { type: "store.leases", answer: { op: "lease.acquire", granted: [{ device, term: 1 }], held: [] } });
    host.advance(1000);
  }

  get states(): readonly unknown[] {
    return this.host.told("roster").flatMap(({ type, state }) => (type === "device.health" ? [state] : []));
  }
  play(script: readonly { after: Millis; what: string }[]): void {
    for (const { after, what } of script) {
      // In small steps, to look at every moment.
      for (let passed = 0; passed < after; passed += 100) {
        this.host.advance(Math.min(100, after - passed));
        this.#look();
      }
      if (what === "send" || what === "sendUnanswered") this.#send(what === "send");
      else if (["well", "halfOpen", "deadPath", "refusing"].includes(what)) this.set(what as Mode);
      else this.drop(what as CloseReason);
    }
  }
  set(mode: Mode): void {
    this.mode = mode;
    if (mode === "halfOpen" || mode === "deadPath") this.#isMute = true;
  }
  drop(reason: CloseReason): void {
    if (this.#isOpen) this.#close(reason);
  }

  #perform(command: ConnectionCommand): void {
    const { host } = this;
    if (command.op === "open") {
      if (this.#isOpen) this.doubles++;
      this.opens.push(host.now);
      this.dials.push(command.dial);
      this.#isOpen = true;
      this.#isUp = false;
      const { mode } = this;
      const dial = command.dial;
      this.#dial = dial;
      const still = (then: () => void) => () => this.#dial === dial && this.#isOpen && then();
      if (mode === "refusing")
        host.after(
          still(() => this.#close("refused")),
          RTT,
        );
      else if (mode === "deadPath")
        host.after(
          still(() => this.#close("timedOut")),
          command.connectTimeout,
        );
      else {
        host.after(
          still(() => this.#open()),
          4 * RTT,
        );
        host.after(
          still(() => this.#isUp && this.#serve()),
          6 * RTT,
        );
      }
    }
    if (command.op === "terminate" && this.#isOpen) {
      const dial = this.#dial;
      this.#isOpen = false;
      this.#isUp = false;
      host.after(() => this.#tellLink({ type: "connection.closed", dial, reason: "dropped", code: null, until: null }), 1);
    }
    if (command.op === "probe" && this.#isUp && !this.#isMute) {
      const dial = this.#dial;
      host.after(() => this.#dial === dial && this.#hear(() => host.tell(DETECTOR, { type: "evidence" })), RTT);
    }
  }
  #open(): void {
    this.#isUp = true;
    this.#isMute = false;
    this.#hear(() => this.#tellLink({ type: "connection.opened", dial: this.#dial }));
  }
  #serve(): void {
    if (!this.#isMute) this.#hear(() => this.#tellLink({ type: "connection.serving", dial: this.#dial }));
  }
  #hear(tell: () => void): void {
    if (!this.#isUp || this.#isMute) return;
    this.heardAt = this.host.now;
    this.host.tell(DETECTOR, { type: "evidence" });
    tell();
  }
  #close(reason: CloseReason): void {
    this.#isOpen = false;
    this.#isUp = false;
    this.#tellLink({ type: "connection.closed", dial: this.#dial, reason, code: null, until: null });
  }
  #tellLink(event: { type: string; [key: string]: unknown }): void {
    for (const to of [CONNECTION, DETECTOR, HEALTH]) this.host.tell(to, event);
    // Between the three the books may differ; afterwards they must not.
    const { reported } = this.host.context(DETECTOR) as DetectorState;
    const { accused } = this.host.context(HEALTH) as HealthContext;
    if (reported !== accused) this.disagreements.push(`${this.host.now} after ${event.type}: ${reported}, ${accused}`);
  }
  #send(isAnswered: boolean): void {
    if (!this.#isUp) return;
    const message = `m${++this.#messages}`;
    this.host.tell(DETECTOR, { type: "attempt.sent", message });
    if (isAnswered)
      this.host.after(() => this.#hear(() => this.host.tell(DETECTOR, { type: "attempt.answered", message, byAck: true })), RTT);
    else this.host.after(() => this.host.tell(DETECTOR, { type: "attempt.dropped", message }), 15_000);
  }
  #look(): void {
    const silence = this.host.now - this.heardAt;
    const health = this.host.value(HEALTH);
    if (silence > DEFAULT_TIMERS.failed + REACTION && ["healthy", "suspect", "repairing", "recovering"].includes(health))
      this.lies.push(`${health} after ${silence} ms of silence at ${this.host.now}`);
  }
}
