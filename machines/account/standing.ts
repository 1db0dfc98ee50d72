/**
 * What WhatsApp thinks of an account, as far as it has said.
 *
 * Reported by devices (bans, notifications) and by the deep check, which is made at once after a refusal. A restriction, a cap that
 * is used up or a ban with a known end is over then; if it is not, the next deep check or refusal says so again.
 * Invariants: each change is written down, told to the roster and the deep check, and alerted; the same report twice changes
 * nothing.
 *
 * | from       | event                              | to         |
 * | any        | standing.reported if isKnown       | same       |
 * | any        | standing.reported if isOver        | same       |
 * | any        | standing.reported if isBan         | banned     |
 * | any        | standing.reported if isRestriction | restricted |
 * | any        | standing.reported if isCap         | capped     |
 * | any        | standing.reported                  | good       |
 * | starting   | always if isBan                    | banned     |
 * | starting   | always if isRestriction            | restricted |
 * | starting   | always if isCap                    | capped     |
 * | starting   | always                             | good       |
 * | capped     | after termLeft if isServedOut      | good       |
 * | capped     | after termLeft                     | capped     |
 * | restricted | after termLeft if isServedOut      | good       |
 * | restricted | after termLeft                     | restricted |
 * | banned     | after termLeft if isServedOut      | good       |
 * | banned     | after termLeft                     | banned     |
 */
import { assign, emit, setup } from "xstate";
import type { AccountId, Millis } from "../ports/ids.ts";
import type { Standing } from "../ports/store.ts";
import { type Effect, type Emitted, effects, type StandingEvent, tell } from "../protocol.ts";

export interface StandingInput {
  readonly account: AccountId;
  readonly at: Millis;
  /** As written down. */
  readonly standing: Standing;
  readonly until: Millis | null;
}
export interface StandingContext extends StandingInput {
  readonly now: Millis;
  /** When the timer of the state began. */
  readonly armedAt: Millis;
}
type Reported = Extract<StandingEvent, { type: "standing.reported" }>;

/** Timers of the platform take no longer spans than 24 days; an end that nobody named is looked at as rarely. */
const LONGEST: Millis = 86_400_000;

const left = ({ context: { until, armedAt } }: { context: StandingContext }): Millis =>
  until === null ? LONGEST : Math.min(LONGEST, Math.max(0, until - armedAt));

const resolve = (rule: "account.restricted" | "account.banned", { account, standing }: StandingContext): Effect => ({
  op: "resolve",
  key: `${rule}:${account}`,
  text: `${account} is in ${standing === "good" ? "good" : "another"} standing`,
});
const why = ({ standing }: StandingContext): string => (standing === "capped" ? ": it has begun as many as it may" : "");
const end = ({ until }: StandingContext): string => (until === null ? "" : ` until ${new Date(until).toISOString()}`);

/** Of a standing that ends: good when its term is over, and looked at again where that is further away than a timer may be long. */
const untilServedOut = <S extends Standing>(standing: S) =>
  ({
    termLeft: [
      {
        guard: { type: "isServedOut", params: ({ context }: { context: StandingContext }) => context },
        target: "good",
        actions: ["passTimer", "clear", "record"],
      },
      { target: standing, reenter: true, actions: "passTimer" },
    ],
  }) as const;

export const standingMachine = setup({
  types: {
    events: {} as Reported,
    input: {} as StandingInput,
    context: {} as StandingContext,
    emitted: {} as Emitted,
  },
  guards: {
    isKnown: (_, { was, is }: { was: StandingContext; is: Reported }) => was.standing === is.standing && was.until === is.until,
    /** WhatsApp tells a device that was away what it had told meanwhile, in order. */
    isOver: (_, { until, at }: Reported) => until !== null && until <= at,
    isBan: (_, { standing }: { standing: Standing }) => standing === "banned",
    isRestriction: (_, { standing }: { standing: Standing }) => standing === "restricted",
    isCap: (_, { standing }: { standing: Standing }) => standing === "capped",
    isServedOut: (_, { until, armedAt }: StandingContext) => until !== null && until - armedAt <= LONGEST,
  },
  actions: {
    clock: assign(({ event }) => ({ now: event.at })),
    note: assign(({ event }) => ({ now: event.at, standing: event.standing, until: event.until })),
    arm: assign(({ context }) => ({ armedAt: context.now })),
    // Counted from when it began: the same report, heard meanwhile, has moved `now`.
    passTimer: assign(({ context }) => ({ now: context.armedAt + left({ context }) })),
    clear: assign({ standing: "good", until: null }),
    record: emit(({ context }) => {
      const { account, standing, until, now } = context;
      return effects(
        {
          op: "write",
          ask: {
            op: "account.update",
            account,
            standing,
            until,
            audit: {
              at: now,
              actor: "supervisor",
              action: "account.standing",
              subject: account,
              text: `${account} is ${standing === "good" ? "in good standing" : `${standing}${end(context)}`}`,
              evidence: { standing, until },
            },
          },
        },
        tell("roster", { type: "account.standing", account, standing }),
        tell(`checkup:${account}`, { type: "standing.noted", standing, until }),
      );
    }),
    raiseRestricted: emit(({ context }) =>
      effects({
        op: "raise",
        key: `account.restricted:${context.account}`,
        rule: "account.restricted",
        subject: context.account,
        level: "warning",
        text: `WhatsApp lets ${context.account} start no new chats${end(context)}${why(context)}. Chats that it has go on; new contacts go to other seats`,
      }),
    ),
    raiseBanned: emit(({ context }) =>
      effects({
        op: "raise",
        key: `account.banned:${context.account}`,
        rule: "account.banned",
        subject: context.account,
        level: "critical",
        text: `WhatsApp has banned ${context.account}${end(context)}. Look at the phone; no device of it is used`,
      }),
    ),
    resolveRestricted: emit(({ context }) => effects(resolve("account.restricted", context))),
    resolveBanned: emit(({ context }) => effects(resolve("account.banned", context))),
  },
  delays: { termLeft: left },
}).createMachine({
  id: "standing",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({ ...input, now: input.at, armedAt: input.at }),
  initial: "starting",
  on: {
    "standing.reported": [
      { guard: { type: "isKnown", params: ({ context, event }) => ({ was: context, is: event }) }, actions: "clock" },
      { guard: { type: "isOver", params: ({ event }) => event }, actions: "clock" },
      { guard: { type: "isBan", params: ({ event }) => event }, target: ".banned", actions: ["note", "record"] },
      { guard: { type: "isRestriction", params: ({ event }) => event }, target: ".restricted", actions: ["note", "record"] },
      { guard: { type: "isCap", params: ({ event }) => event }, target: ".capped", actions: ["note", "record"] },
      { target: ".good", actions: ["note", "record"] },
    ],
  },
  states: {
    starting: {
      always: [
        { guard: { type: "isBan", params: ({ context }) => context }, target: "banned" },
        { guard: { type: "isRestriction", params: ({ context }) => context }, target: "restricted" },
        { guard: { type: "isCap", params: ({ context }) => context }, target: "capped" },
        { target: "good" },
      ],
    },
    good: { entry: ["resolveRestricted", "resolveBanned"] },
    capped: {
      entry: ["arm", "resolveBanned", "raiseRestricted"],
      after: untilServedOut("capped"),
    },
    restricted: {
      entry: ["arm", "resolveBanned", "raiseRestricted"],
      after: untilServedOut("restricted"),
    },
    banned: {
      entry: ["arm", "resolveRestricted", "raiseBanned"],
      after: untilServedOut("banned"),
    },
  },
});
