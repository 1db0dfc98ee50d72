/** The suite's arm on the simulated WhatsApp, on virtual time: waiting is running the clock. */
import type { ConnectionFact } from "../../machines/ports/connection.ts";
import { nodeId } from "../../machines/ports/ids.ts";
import type { Adapter } from "../../sim/world/adapter.ts";
import { createFaultyStore } from "../../sim/world/faulty-store.ts";
import { silentHabits } from "../../sim/world/people.ts";
import { createMemoryStore } from "../../sim/world/store.ts";
import type { Tuning } from "../../sim/world/tuning.ts";
import { createWorld } from "../../sim/world/whatsapp.ts";
import { ACCOUNTS, type Arm, type Outside, withFailingCommits } from "./connection-kit.ts";

/** Nothing but what the case does. */
const calm: Partial<Tuning> = { stallsPerHour: 0, chatterMean: 0 };
const NODE = nodeId("n1");
const EPOCH = 1_767_225_600_000;

const start = async (): Promise<Outside> => {
  const world = createWorld({ seed: 1, startAt: EPOCH, tuning: calm });
  const { clock, service, board, ledger } = world;
  const store = createMemoryStore({ clock, latency: 2 });
  for (const { id, region, devices } of ACCOUNTS) service.addAccount(id, region, devices, false);
  let tell: (fact: ConnectionFact) => void = () => undefined;
  let failing = false;
  let port: Adapter;
  const boot = (): void => {
    const node = clock.node(NODE);
    const seen = withFailingCommits(
      store,
      () => failing,
      (then) => void clock.setTimeout(then, 1),
    );
    port = world.connections(node, createFaultyStore(seen, node, clock, board));
    port.onFact((fact) => tell(fact));
  };
  boot();
  return {
    store,
    perform: (command) => port.perform(command),
    onFact: (listener) => {
      tell = listener;
    },
    now: () => clock.now(),
    lull: 5_000,
    pass: async (holds, within) => clock.runUntil(holds, clock.now() + within),
    take: async (_account, { text }) => {
      if (!service.take(text)) throw new Error(`"${text}" is no offer that can be taken`);
    },
    companions: (account) => service.devicesOf(account).filter((device) => service.isLinked(device)).length,
    person: (name, reads) => {
      const lid = `${name}@lid`;
      if (!service.hasPerson(lid)) service.addPerson(lid, { ...silentHabits, readAfter: reads ? () => 500 : null });
      return { lid, pn: null };
    },
    nobody: { lid: "nobody@lid", pn: null },
    noGroup: { lid: null, pn: "120363999999999@g.us" },
    write: (person, account, text) => service.write(`${person}@lid`, account, text),
    shown: (person) =>
      ledger.events.flatMap((event) => (event.kind === "shown" && event.person === `${person}@lid` ? [event.waId] : [])),
    allowNewChats: async (account, left) => service.allowNewChats(account, left),
    inject: async (fault) => {
      const index = board.inject(fault);
      return async () => board.lift(index);
    },
    failCommits: (on) => {
      failing = on;
    },
    restart: async () => {
      port.die(true);
      clock.node(NODE).stop();
      store.restart();
      boot();
    },
    close: async () => undefined,
  };
};

export const model: Arm = { name: "the simulated WhatsApp", shared: false, skips: {}, start };
