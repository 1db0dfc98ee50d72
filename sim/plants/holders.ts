/** Planted bugs in who holds a seat: candidates, failover, switchover, the brake. */
import type { CandidatesReply } from "../../machines/protocol.ts";
import { inChart, inEffects, inReducer, nothing, type Plant } from "./plant.ts";

export const HOLDERS: readonly Plant[] = [
  {
    name: "commit-unaudited",
    says: "a change of holder is written under another action",
    caughtBy: "changes-are-audited",
    parts: () => ({
      actors: inEffects("failover", "commit", (effect) =>
        effect.op === "store" && effect.ask.op === "seat.change"
          ? [{ ...effect, ask: { ...effect.ask, audit: { ...effect.ask.audit, action: "seat.noted" } } }]
          : [effect],
      ),
    }),
  },
  {
    name: "rollback-elsewhere",
    says: "a rollback leaves the seat with the candidate that failed",
    caughtBy: "changes-are-audited",
    parts: () => ({
      actors: inEffects("failover", "rollBack", (effect) =>
        effect.op === "store" && effect.ask.op === "seat.change" && effect.ask.failover
          ? [{ ...effect, ask: { ...effect.ask, holder: effect.ask.failover.to } }]
          : [effect],
      ),
    }),
  },
  {
    name: "commit-put-off",
    says: "a failover waits half a minute too long before it takes anybody",
    caughtBy: "timed-firstAck",
    parts: () => ({
      actors: inEffects("seat", "startFailover", (effect) => {
        if (effect.op !== "start" || effect.kind !== "failover") return [effect];
        const { twinAt, numberAt, ...input } = effect.input;
        return [{ ...effect, input: { ...input, twinAt: twinAt + 30_000, numberAt: numberAt + 30_000 } }];
      }),
    }),
  },
  {
    name: "verify-endless",
    says: "a new holder that does not answer is waited for without an end",
    caughtBy: "seats-are-held",
    parts: () => ({
      actors: inChart("failover", {
        guards: { isNewHolder: ({ event }: { event: { type: string } }) => event.type === "probe.seen" },
        delays: { verifyDeadline: 86_400_000 },
      }),
    }),
  },
  {
    name: "drain-skipped",
    says: "a switchover does not wait for what is under way",
    caughtBy: "switchovers-go-unseen",
    profile: "work",
    parts: () => ({
      actors: inEffects("switchover", "drain", (effect) =>
        effect.op === "tell" && effect.event.type === "drain.request"
          ? [
              {
                ...effect,
                to: effect.to.replace("sender:", "switchover:") as typeof effect.to,
                event: { type: "sender.drained" },
              },
            ]
          : [effect],
      ),
    }),
  },
  {
    name: "way-back-forgotten",
    says: "a seat whose new holder does not answer goes on to the next device, and never back",
    caughtBy: "switchovers-lead-back",
    profile: "work",
    kinds: ["operator", "silent-path", "one-way", "slow"],
    parts: () => ({ actors: inChart("failover", { guards: { mayRollBack: () => false } }) }),
  },
  {
    name: "refusals-ignored",
    says: "who was turned down is taken first when an operator asks for another holder",
    caughtBy: "candidates-are-heard",
    profile: "work",
    kinds: ["operator", "silent-path", "half-open-link", "one-way"],
    parts: () => ({ actors: refusalsIgnored() }),
  },
  {
    name: "stale-candidates",
    says: "the roster hears of failures, not of doubts, and takes a candidate however long ago it was heard",
    caughtBy: "candidates-are-heard",
    parts: () => ({
      actors: inReducer("roster", {
        input: (input) => ({ ...input, candidateFresh: 600_000 }),
        events: (event) =>
          event.type === "device.health" && (event.state === "suspect" || event.state === "repairing") ? [] : [event],
      }),
    }),
  },
  {
    name: "restriction-unheard",
    says: "the roster does not hear that an account is restricted, and takes it for a candidate like any other",
    caughtBy: "candidates-may-speak",
    kinds: ["restricted", "logged-out", "phone-gone"],
    parts: () => ({
      actors: inReducer("roster", {
        events: (event) => (event.type === "account.standing" && event.standing === "restricted" ? [] : [event]),
      }),
    }),
  },
  {
    name: "roster-forgets",
    says: "the roster does not hear of devices that are well again",
    caughtBy: "seats-are-held",
    parts: () => ({ actors: rosterForgets() }),
  },
  {
    name: "never-granted",
    says: "the orchestrator lets no seat move by itself",
    caughtBy: "seats-are-held",
    parts: () => ({ actors: inChart("orchestrator", { actions: { grant: nothing } }) }),
  },
  {
    name: "denied-forgotten",
    says: "a seat that the brake sent away is not remembered by it",
    caughtBy: "seats-are-held",
    parts: () => ({ actors: inChart("orchestrator", { actions: { enqueue: nothing } }) }),
  },
];

function refusalsIgnored() {
  let isOrdered = false;
  return inReducer("roster", {
    events: (event) => {
      // A failover that an operator wants looks again, at whom it was given.
      if (event.type === "candidates.request") isOrdered = event.replyTo.startsWith("switchover:") || event.named !== null;
      return [event];
    },
    effects: (effects) =>
      effects.map((effect) => {
        if (!isOrdered || effect.op !== "tell" || effect.event.type !== "candidates.ranked") return effect;
        const reply = effect.event as Omit<CandidatesReply, "at">;
        // As if heard at any time: a switchover takes only who has shown life since it asked.
        const seen = { ladder: "account" as const, lastSeenAt: Number.POSITIVE_INFINITY };
        const turnedDown = reply.rejected.map(({ device, why }) => ({ device, ...seen, why }));
        return { ...effect, event: { ...reply, ranked: [...turnedDown, ...reply.ranked] } };
      }),
  });
}

function rosterForgets() {
  const failed = new Set<string>();
  return inReducer("roster", {
    events: (event) => {
      if (event.type !== "device.health") return [event];
      if (event.state === "failed") failed.add(event.device);
      return failed.has(event.device) && (event.state === "recovering" || event.state === "healthy") ? [] : [event];
    },
  });
}
