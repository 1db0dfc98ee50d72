/** Everything that a message passes in production: acceptance, queue, connection, proof, each of them durable (synchronous=FULL). */
import type { LineId } from "../../machines/ports/ids.ts";
import { lineId } from "../../machines/ports/ids.ts";
import { type Fleet, makeFleet } from "../fleet.ts";
import type { Bench, Client } from "./client.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One line a connection, so that each has conversations of its own with the same people. */
const lineOf = (connection: number): LineId => lineId(`line-${connection}`);

export const supervisorClient = (bench: Bench, lids: readonly string[]): Client => {
  const acks = new Map<string, () => void>();
  const early = new Set<string>();
  let fleet: Fleet | undefined;
  let received = (): void => undefined;

  return {
    connect: async (count) => {
      if (fleet) throw new Error("a fleet is declared once");
      fleet = await makeFleet(
        { ...bench.ready, call: bench.call },
        bench.directory,
        { lines: count, mastersPerLine: 1, devicesPerMaster: 1, servantsPerLine: 0 },
        (config) => ({ ...config, outboxLimit: () => 10_000_000 }),
      );
      fleet.supervisor.onFact((fact) => {
        if (fact.kind === "received") received();
        if (fact.kind !== "acked") return;
        const isAwaited = acks.get(fact.waId);
        if (isAwaited) isAwaited();
        else early.add(fact.waId);
        acks.delete(fact.waId);
      });
      await fleet.supervisor.start();
      while (!fleet.supervisor.isServing()) await sleep(50);
    },
    // Accepting is part of what is measured.
    prepare: () => Promise.resolve(),
    send: async (connection, contact) => {
      const lid = lids[contact];
      if (!fleet || lid === undefined) throw new Error("no such connection or contact");
      const answer = await fleet.supervisor.accept({
        line: lineOf(connection),
        to: { lid, pn: null },
        content: { kind: "text", text: "a message of ordinary length, as people write them" },
      });
      if (answer.kind !== "accepted") throw new Error(`not accepted: ${answer.kind}`);
      if (early.delete(answer.waId)) return;
      await new Promise<void>((resolve) => acks.set(answer.waId, resolve));
    },
    onReceived: (listener) => {
      received = listener;
    },
  };
};
