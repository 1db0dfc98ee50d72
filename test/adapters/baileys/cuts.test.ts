/** Links that end at any moment while people write: every message is in the inbox, once, whatever the store was busy with. */
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StoreAnswer, StoreCommand, StoreOp, StorePort } from "../../../machines/ports/store.ts";
import { type Loopback, startLoopback } from "../../../sim/loopback/index.ts";
import { device, Rig, sleep } from "./rig.ts";

const a = device("sales-1/a");
const MASTER = "4915550000001";
const target = { account: MASTER };
const PEOPLE = Array.from({ length: 8 }, (_, index) => `491555000090${index}`);
const WRITE_EVERY = 40;

type Cut = (loopback: Loopback, rig: Rig) => { heal(): void } | null;
const CUTS: Readonly<Record<string, Cut>> = {
  terminated: (_, { port }) => {
    port.perform({ op: "terminate", device: a });
    return null;
  },
  closed: ({ faults }) => faults.close(target, 428),
  reset: ({ faults }) => faults.close(target, 428, { how: "reset" }),
  unavailable: ({ faults }) => faults.close(target, 503),
  halfOpen: ({ faults }) => faults.halfOpenLink(target),
  silent: ({ faults }) => faults.silentPath(target),
  refused: ({ faults }) => faults.upgrade503(target),
};
const story = fc.array(
  fc.record({
    cut: fc.constantFrom(...Object.keys(CUTS)),
    /** Milliseconds for which it lasts, and from the next dial to the next cut: often in the middle of the replay. */
    lasts: fc.integer({ min: 0, max: 200 }),
    dialled: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 60, max: 250 })),
    /** The store answers so late. */
    late: fc.constantFrom(0, 0, 15, 60),
  }),
  { minLength: 8, maxLength: 8 },
);

describe("a link that is cut while people write", () => {
  let loopback: Loopback;
  let rig: Rig;
  let late = 0;
  const slowly = (store: StorePort): StorePort => ({
    ask: <K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void => {
      const wait = command.op === "keys.commit" ? late : 0;
      store.ask(command, wait > 0 ? (answer) => void setTimeout(() => reply(answer), wait) : reply);
    },
  });
  beforeAll(async () => {
    loopback = await startLoopback();
    loopback.account(MASTER);
    rig = await Rig.start({ loopback, devices: [a], wrap: slowly });
    await rig.link(a, MASTER);
  }, 60_000);
  afterAll(async () => {
    await rig.close();
    await loopback.close();
  });

  it("loses none of their messages, and stores none twice", { timeout: 120_000 }, async () => {
    const people = PEOPLE.map((number) => loopback.person(number));
    const written: string[] = [];
    const property = fc.asyncProperty(story, async (cuts) => {
      const writing = setInterval(
        () => written.push(people[written.length % people.length]?.send(MASTER, "hello") ?? ""),
        WRITE_EVERY,
      );
      for (const { cut, lasts, dialled, ...rest } of cuts) {
        late = rest.late;
        const fault = CUTS[cut]?.(loopback, rig);
        await sleep(lasts);
        fault?.heal();
        rig.open(a);
        await sleep(dialled);
      }
      clearInterval(writing);
      late = 0;
      await Promise.all(people.map((person) => person.settled()));
      await rig.serve(a);
      const stored = async (): Promise<string[]> => (await rig.inbox()).map(({ waId }) => waId);
      for (const end = Date.now() + 20_000; Date.now() < end && (await stored()).length < written.length; ) await sleep(20);
      expect((await stored()).toSorted()).toEqual(written.toSorted());
    });
    await fc.assert(property, { numRuns: 4, endOnFailure: true });
  });
});
