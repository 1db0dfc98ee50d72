/**
 * One device on the real adapter and a store in a file, driven by its parent, until it kills itself at the point that it was given:
 * `child-device.ts FILE URL`. What stands between Baileys, store and socket is wrapped from here; the adapter knows nothing.
 */
import { proto } from "@whiskeysockets/baileys";
import type { AttemptRow, StoreCommand, StorePort } from "../../../machines/ports/store.ts";
import { LOOPBACK_ROOT_PUBLIC_KEY, type Loopback } from "../../../sim/loopback/index.ts";
import { device, type Fact, Rig } from "./rig.ts";

/** What the process has just done when it ends. */
export type Point = "encrypted" | "committed" | "written" | "decrypted" | "stored";
export type Order =
  | { readonly do: "accept"; readonly to: string; readonly text: string }
  | { readonly do: "send" }
  | { readonly do: "resend" }
  | { readonly do: "inbox" }
  | { readonly do: "arm"; readonly point: Point }
  | { readonly do: "die" };
export type Reply =
  | { readonly kind: "serving" }
  | { readonly kind: "armed" }
  | { readonly kind: "accepted"; readonly waId: string }
  | { readonly kind: "sent" }
  | { readonly kind: "resent"; readonly rows: readonly { readonly waId: string; readonly earlier: readonly AttemptRow[] }[] }
  | { readonly kind: "inbox"; readonly rows: readonly { readonly waId: string; readonly text: string }[] };

const A = device("sales-1/a");
const [, , file = "", url = ""] = process.argv;
let point: Point | undefined;

const die = (): void => void process.kill(process.pid, "SIGKILL");
const tell = (reply: Reply): void => void process.send?.(reply);

/** Dies before the store is asked, or once it has done its part and before anybody hears of it. */
const dying = (store: StorePort): StorePort => ({
  ask: (command, reply) => {
    const commit = command.op === "keys.commit" ? (command as unknown as StoreCommand<"keys.commit">) : undefined;
    const outbound = commit !== undefined && commit.attempt !== null;
    const inbound = commit !== undefined && commit.inbound.length > 0;
    if ((outbound && point === "encrypted") || (inbound && point === "decrypted")) return die();
    if ((outbound && point === "committed") || (inbound && point === "stored")) return store.ask(command, die);
    store.ask(command, reply);
  },
});

const server = { url, rootPublicKey: LOOPBACK_ROOT_PUBLIC_KEY } as unknown as Loopback;
const rig = await Rig.start({ file, loopback: server, wrap: dying });
await rig.serve(A);
const { seat, term } = await rig.seat(A);

type Send = Awaited<ReturnType<Rig["accept"]>>;
let waiting: Send | undefined;

/** Sends and records WhatsApp's answer, as a sender would. */
const send = async (command: Send): Promise<void> => {
  const since = rig.mark;
  rig.port.perform(command);
  const answer = await rig.answer(command, since);
  if (answer.kind === "sent" && point === "written") die();
  if (answer.kind === "unsent") throw new Error(`unsent: ${answer.why} ${answer.detail}`);
  await rig.fact("acked", (fact: Fact<"acked">) => fact.waId === command.waId, { since });
  const attempt = { number: command.attempt, outcome: "acknowledged", detail: "ack" } as const;
  await rig.ask("outbox.record", { changes: [{ id: command.message, state: "acknowledged", reason: null, attempt }] });
};

const resend = async (): Promise<void> => {
  const open = await rig.ask("outbox.open", { seat, afterSeq: 0, limit: 100 });
  if (open.kind !== "rows") throw new Error("no rows");
  for (const row of open.rows) {
    const { id: message, waId, contact, content, attempts } = row;
    await send({ op: "send", device: A, seat, term, message, waId, contact, content, attempt: attempts.length + 1 });
  }
  tell({ kind: "resent", rows: open.rows.map(({ waId, attempts }) => ({ waId, earlier: attempts })) });
};

const obey = async (order: Order): Promise<void> => {
  switch (order.do) {
    case "accept":
      waiting = await rig.accept(A, await rig.contact(order.to), order.text);
      return tell({ kind: "accepted", waId: waiting.waId });
    case "send":
      if (waiting) await send(waiting);
      return tell({ kind: "sent" });
    case "resend":
      return resend();
    case "inbox": {
      const rows = (await rig.inbox()).map((row) => ({
        waId: row.waId,
        text: proto.Message.decode(row.proto).conversation ?? "",
      }));
      return tell({ kind: "inbox", rows });
    }
    case "arm":
      point = order.point;
      return tell({ kind: "armed" });
    case "die":
      return die();
    default:
      order satisfies never;
  }
};
process.on("message", (order: Order) => void obey(order));
tell({ kind: "serving" });
