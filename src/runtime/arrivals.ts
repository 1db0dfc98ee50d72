/** What people write, as messages in the order of the inbox, and when there is more. */
import { placeOf } from "../../machines/fleet/posts.ts";
import { accountOf } from "../../machines/ports/ids.ts";
import { bareAddress, type InboundRow } from "../../machines/ports/store.ts";
import { contentOf } from "../adapters/baileys/index.ts";
import type { FleetConfig } from "../config/index.ts";
import { Inbound } from "./inbound.ts";
import type { InboundMessage } from "./messages.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Views } from "./views.ts";

export interface ArrivalsOptions {
  readonly supervisor: Supervisor;
  readonly views: Views;
  /** Those of the fleet that runs: looked at whenever they are needed. */
  readonly lines: FleetConfig["lines"];
}
export interface ArrivalsPage {
  readonly messages: readonly InboundMessage[];
  /** The last row that was looked at: what the next page comes after. */
  readonly last: number;
}

export class Arrivals {
  readonly #views: Views;
  readonly #inbound: Inbound;
  readonly #listeners = new Set<() => void>();
  /** Addresses of the fleet's accounts. */
  readonly #ours = new Set<string>();
  #knowsOurs = false;

  constructor(options: ArrivalsOptions) {
    const { supervisor, views } = options;
    this.#views = views;
    this.#inbound = new Inbound({
      get lines() {
        return options.lines;
      },
      ask: (op, input) => views.ask(op, input),
      ours: () => this.#oursNow(),
      placeOf: (line, servant) => {
        const roster = supervisor.node.roster();
        return roster && placeOf(roster, line, servant);
      },
      speaker: (seat) => {
        const holder = supervisor.node.seat(seat)?.row.holder;
        return holder ? accountOf(holder) : undefined;
      },
      reload: (seat) => supervisor.node.driver.tell(`queue:${seat}`, { type: "queue.reload" }),
      contentOf,
    });
    supervisor.onFact((fact) => {
      if (fact.kind === "linked") for (const address of [fact.jid, fact.lid]) this.#ours.add(bareAddress(address));
      if (fact.kind !== "received") return;
      void this.#place(fact.seq);
      for (const listener of this.#listeners) listener();
    });
  }

  /** Called when there is more. Returns how to stop that. */
  onMore(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async rows(afterSeq: number, limit: number): Promise<readonly InboundRow[]> {
    return (await this.#views.ask("inbox.read", { afterSeq, limit })).rows;
  }
  /** null: nothing for a handler. See `Inbound`. */
  toMessage(row: InboundRow): Promise<InboundMessage | null> {
    return this.#inbound.toMessage(row);
  }
  async page(afterSeq: number, limit: number): Promise<ArrivalsPage> {
    const rows = await this.rows(afterSeq, limit);
    const messages: InboundMessage[] = [];
    for (const row of rows) {
      const message = await this.toMessage(row);
      if (message) messages.push(message);
    }
    return { messages, last: rows.at(-1)?.seq ?? afterSeq };
  }

  /** Whatever is sent to somebody who has written comes from the number that they know, whether or not anybody reads the inbox. */
  async #place(seq: number): Promise<void> {
    try {
      const [row] = await this.rows(seq - 1, 1);
      if (row?.seq === seq) await this.#inbound.place(row);
    } catch {
      // A store that does not answer, or that is closed: whoever reads the message places it.
    }
  }

  /** Those that the store knows, once; those that are linked meanwhile come by themselves. */
  async #oursNow(): Promise<ReadonlySet<string>> {
    if (!this.#knowsOurs) {
      const { devices } = await this.#views.ask("fleet.load", {});
      for (const address of devices.flatMap(({ jid, lid }) => [jid, lid])) if (address) this.#ours.add(bareAddress(address));
      this.#knowsOurs = true;
    }
    return this.#ours;
  }
}
