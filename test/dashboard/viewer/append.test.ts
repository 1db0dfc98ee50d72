import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Film, NO_STATE } from "../../../machines/driver/film.ts";
import type { DeviceId, FailoverId, SeatId, SeatTerm } from "../../../machines/ports/ids.ts";
import { appended, type Frames } from "../../../src/dashboard/viewer/append.ts";
import { reelOf } from "../../../src/dashboard/viewer/reel.ts";
import { anySteps, filmWith } from "./films.ts";

const failover = (outcome: "running" | "inService"): Film["failovers"][number] => ({
  id: "1" as FailoverId,
  seat: "sales/sales-1" as SeatId,
  cause: "silent",
  from: "sales-1/a" as DeviceId,
  to: null,
  termBefore: 1 as SeatTerm,
  termAfter: null,
  outcome,
  ladder: null,
  lastEvidenceAt: null,
  detectedAt: 1_000_000,
  chosenAt: null,
  committedAt: null,
  inServiceAt: null,
  endedAt: null,
  steps: [],
  closed: null,
  faultAt: null,
  firstAckAt: null,
});
const none = { actors: [], events: [], states: [], marks: [], failovers: [], rankings: [], said: [] };

describe("a film that goes on while it is shown", () => {
  it("is, wherever it was cut, the film as a whole", () => {
    fc.assert(
      fc.property(anySteps, fc.nat(60), (steps, place) => {
        const whole = filmWith(steps);
        const rest: Frames = { ...none, to: whole.to, steps: filmWith(steps.slice(place)).steps };
        const together = appended(filmWith(steps.slice(0, place)), rest);
        expect(together).toEqual(whole);
        expect(reelOf(together)).toEqual(reelOf(whole));
      }),
    );
  });

  it("knows newcomers by their place behind the others", () => {
    const film = filmWith([{ after: 0, actor: 0, cause: -1, event: 0, state: 0 }]);
    const steps = { after: [5], actor: [film.actors.length], cause: [0], event: [film.events.length], state: [NO_STATE] };
    const actors = [{ address: "queue:sales/sales-1", kind: "queue" }];
    const more = appended(film, { ...none, to: film.to + 5, steps, actors, events: ["queue.open"] });
    expect(more.actors[more.steps.actor[1] ?? -1]?.address).toBe("queue:sales/sales-1");
    expect(more.events[more.steps.event[1] ?? -1]).toBe("queue.open");
  });

  it("has a change of holder once, as it stands now", () => {
    const film = filmWith([], { failovers: [failover("running")] });
    const more = appended(film, { ...none, to: film.to, steps: film.steps, failovers: [failover("inService")] });
    expect(more.failovers.map(({ outcome }) => outcome)).toEqual(["inService"]);
  });
});
