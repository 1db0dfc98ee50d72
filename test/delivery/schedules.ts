/** Random schedules: lists of small steps, each of which does something only if there is something to do. */
import * as fc from "fast-check";
import type { AccountId } from "../../machines/ports/ids.ts";
import { DEVICES, type World } from "./world.ts";

const pick = fc.nat(30);

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("accept" as const), conversation: fc.nat(4), priority: fc.nat(9) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("acceptBriefly" as const), conversation: fc.nat(4), lasts: fc.nat(3000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("acceptQuietly" as const), conversation: fc.nat(4) }) },
  {
    weight: 14,
    arbitrary: fc.record({ do: fc.constant("store" as const), fate: fc.constantFrom("ok", "ok", "ok", "ok", "failed", "lost") }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant("connection" as const),
      pick,
      fate: fc.constantFrom("go", "go", "go", "go", "go", "go", "closed", "store", "lookup", "unpreparable"),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("whatsapp" as const),
      pick,
      says: fc.constantFrom("ack", "ack", "ack", "copy", "delivered", "read", "nothing", 463 as const, 479 as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("open" as const), device: fc.nat(2), again: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("linkLost" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("linkBack" as const), device: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drain" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reload" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("reroute" as const), finds: fc.constantFrom("seat", "nobody", "store") }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("restrict" as const), account: fc.constantFrom("a", "b"), restricted: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("warm" as const), conversation: fc.nat(4), account: fc.constantFrom("a", "b") }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("operator" as const), pick, word: fc.constantFrom("release", "fail") }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("advance" as const), by: fc.nat(2500) }) },
);
/** The same, with a roster that wants conversations for other seats. */
const yielding = fc.oneof(
  { weight: 8, arbitrary: step },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("yield" as const), conversation: fc.nat(4) }) },
);
export type ScheduleStep = typeof yielding extends fc.Arbitrary<infer T> ? T : never;

export const schedule = fc.array(step, { minLength: 20, maxLength: 160, size: "max" });

export const scheduleOfMoves = fc.array(yielding, { minLength: 20, maxLength: 160, size: "max" });

export const take = (world: World, action: ScheduleStep): void => {
  switch (action.do) {
    case "accept":
      world.accept(action.conversation, action.priority);
      return;
    case "acceptBriefly":
      world.accept(action.conversation, 5, action.lasts);
      return;
    case "acceptQuietly":
      world.accept(action.conversation, 5, null, false);
      return;
    case "store":
      return world.store(action.fate);
    case "connection":
      return world.connection(action.pick, action.fate);
    case "whatsapp":
      return world.whatsapp(action.pick, action.says as "ack");
    case "open":
      return world.open(DEVICES[action.device] ?? (DEVICES[0] as never), 1000, action.again);
    case "close":
      return world.close();
    case "linkLost":
      return world.linkLost();
    case "linkBack":
      return world.linkBack(DEVICES[action.device] as never);
    case "drain":
      return world.drain();
    case "crash":
      return world.crash();
    case "reload":
      return world.reload();
    case "reroute":
      return world.reroute(action.finds);
    case "restrict":
      return world.restrict(action.account as AccountId, action.restricted);
    case "warm":
      return world.warm(action.conversation, action.account as AccountId);
    case "yield":
      return world.yield(action.conversation);
    case "operator":
      return world.operator(action.pick, action.word);
    case "advance":
      return world.advance(action.by);
  }
};
