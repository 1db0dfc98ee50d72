/**
 * kill -9 at each point between a message and its ciphertext, in both directions. Whatever is lost with the process, the ratchet
 * never goes back: the next message can be read, an inbound one is in the inbox once, an outbound one at the phone once.
 */
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Loopback, type Person, startLoopback } from "../../../sim/loopback/index.ts";
import { pause, until } from "../../sim/loopback/client.ts";
import type { Order, Reply } from "./child-device.ts";
import { device, Rig } from "./rig.ts";

const MASTER = "4915550000001";
const CUSTOMER = "4915550000901";
const PATIENCE = 20_000;

describe("kill -9", () => {
  let loopback: Loopback;
  let customer: Person;
  const folder = mkdtempSync(join(tmpdir(), "greenroom-kill-"));
  const file = join(folder, "store.db");
  /** The one that inherited from the last victim, and the next victim itself. */
  let child: Child;

  beforeAll(async () => {
    loopback = await startLoopback();
    customer = loopback.person(CUSTOMER);
    const rig = await Rig.start({ loopback, file });
    loopback.account(MASTER);
    await rig.link(device("sales-1/a"), MASTER);
    await rig.close();
    // Both have read each other, so that a ciphertext is one step of one ratchet and starts no session.
    child = await start();
    await converse("hello");
  }, 2 * PATIENCE);
  afterAll(async () => {
    await child.die();
    await loopback.close();
    rmSync(folder, { recursive: true });
  });

  const start = async (): Promise<Child> => {
    const started = new Child(file, loopback.url);
    await started.next("serving");
    return started;
  };
  const converse = async (text: string): Promise<void> => {
    const { waId } = await child.ask({ do: "accept", to: customer.jid, text }, "accepted");
    await child.ask({ do: "send" }, "sent");
    await until(() => customer.received.some(({ id }) => id === waId), PATIENCE);
    const answer = customer.send(MASTER, `answer to ${text}`);
    await inInbox(answer);
  };
  const inInbox = async (id: string): Promise<readonly { waId: string; text: string }[]> => {
    for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; await pause(20)) {
      const { rows } = await child.ask({ do: "inbox" }, "inbox");
      const found = rows.filter(({ waId }) => waId === id);
      if (found.length > 0) return found;
    }
    throw new Error(`the inbox never held ${id}`);
  };

  it.each([
    ["between the encryption and the commit of its keys", "encrypted", [], []],
    ["between the commit of the keys and the write", "committed", ["pending"], []],
    ["after the write, before the ack", "written", ["pending"], ["received"]],
  ] as const)(
    "%s: the message arrives once, and so does the next",
    async (_when, point, attempts, before) => {
      await child.ask({ do: "arm", point }, "armed");
      const { waId } = await child.ask({ do: "accept", to: customer.jid, text: point }, "accepted");
      child.tell({ do: "send" });
      expect(await child.gone).toBe("SIGKILL");
      const arrivals = (): string[] => customer.arrivals.filter(({ id }) => id === waId).map(({ outcome }) => outcome);
      await until(() => arrivals().length === before.length, PATIENCE);
      expect(arrivals()).toEqual(before);

      child = await start();
      const { rows } = await child.ask({ do: "resend" }, "resent");
      expect(rows.map((row) => [row.waId, row.earlier.map(({ outcome }) => outcome)])).toEqual([[waId, attempts]]);
      await until(() => arrivals().length === before.length + 1, PATIENCE);
      expect(customer.received.filter(({ id }) => id === waId).map(({ text }) => text)).toEqual([point]);
      await converse(`after ${point}`);
      expect(customer.arrivals.filter(({ outcome }) => outcome === "undecryptable")).toEqual([]);
    },
    4 * PATIENCE,
  );

  it.each([
    ["between the decryption and the commit of the inbox row with the keys", "decrypted"],
    ["between that commit and the receipt", "stored"],
    ["after the receipt", null],
  ] as const)(
    "%s: the message is in the inbox once, and so is the next",
    async (_when, point) => {
      if (point) await child.ask({ do: "arm", point }, "armed");
      const id = customer.send(MASTER, "are you there?");
      const confirmations = (): number => customer.receipts.filter((receipt) => receipt.id === id).length;
      if (!point) {
        await until(() => confirmations() > 0, PATIENCE);
        child.tell({ do: "die" });
      }
      expect(await child.gone).toBe("SIGKILL");
      expect(confirmations()).toBe(point ? 0 : 1);

      child = await start();
      expect(await inInbox(id)).toEqual([{ waId: id, text: "are you there?" }]);
      await inInbox(customer.send(MASTER, "and now?"));
      await converse("yes");
      expect(await inInbox(id)).toHaveLength(1);
      // What is stored is known for a copy: its sender is not bothered.
      expect(customer.askedAgain).toEqual([]);
    },
    4 * PATIENCE,
  );
});

class Child {
  readonly #process;
  readonly #replies: Reply[] = [];
  /** The signal that ended it. */
  readonly gone: Promise<NodeJS.Signals | null>;

  constructor(...args: [file: string, url: string]) {
    this.#process = fork(join(import.meta.dirname, "child-device.ts"), args, {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    this.#process.on("message", (reply: Reply) => this.#replies.push(reply));
    this.gone = new Promise((resolve) => {
      this.#process.once("exit", (_code, signal) => resolve(signal));
    });
  }

  tell(order: Order): void {
    this.#process.send(order);
  }

  async ask<K extends Reply["kind"]>(order: Order, kind: K): Promise<Extract<Reply, { kind: K }>> {
    this.tell(order);
    return this.next(kind);
  }

  async next<K extends Reply["kind"]>(kind: K): Promise<Extract<Reply, { kind: K }>> {
    const isIt = (reply: Reply): reply is Extract<Reply, { kind: K }> => reply.kind === kind;
    const reply = await until(() => this.#replies.find(isIt), PATIENCE);
    this.#replies.splice(this.#replies.indexOf(reply), 1);
    return reply;
  }

  async die(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.gone;
  }
}
