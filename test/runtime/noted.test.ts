/** Commands of people that no chart writes down are in the audit, with who gave them, before anything comes of them. */
import { describe, expect, it } from "vitest";
import type { AuditDraft } from "../../machines/ports/records.ts";
import { type ControlParts, controlHandlers } from "../../src/runtime/control.ts";
import type { ControlHandlers } from "../../src/runtime/control-protocol.ts";

describe("a command", () => {
  it.each<[string, (handlers: ControlHandlers) => unknown, readonly string[]]>([
    [
      "drain",
      (on) => on.drain({ account: "sales-1", undo: false, keep: true }),
      ["account.drained sales-1", "cordon sales-1/a true"],
    ],
    [
      "undrain",
      (on) => on.drain({ account: "sales-1", undo: true, keep: false }),
      ["account.undrained sales-1", "cordon sales-1/a false"],
    ],
    [
      "held release",
      (on) => on.release({ message: null, send: true }),
      ["held.released sales/sales-1 2", "held.released help/help-1 1", "m1 true", "m2 true", "m3 true"],
    ],
    ["held drop", (on) => on.release({ message: "m3", send: false }), ["held.dropped help/help-1 1", "m3 false"]],
    ["device link", (on) => on.link({ device: "sales-2/a" }), ["device.linkAsked sales-2/a", "link sales-2/a qr"]],
    ["device restart", (on) => on.restart({ device: "sales-1/a" }), ["redial sales-1/a", "device.restarted sales-1/a"]],
    ["webhook redrive", (on) => on.webhookRedrive({ webhook: "crm", limit: 5 }), ["redrive crm", "webhook.redriven crm"]],
    ["webhook test", (on) => on.webhookTest({ webhook: "crm" }), ["test crm", "webhook.tested crm"]],
    ["backup", (on) => on.copyStore({ to: "/nowhere/copy.db" }), ["store.copied fleet", "copy /nowhere/copy.db"]],
    ["stop", (on) => on.stop({}), ["fleet.stopped fleet", "stop"]],
    ["line rebalance", (on) => on.rebalance({ line: "sales", most: 5, move: true }), ["sales|c:1 moved by operator:ann"]],
  ])("%s is written down with who gave it", async (_, give, expected) => {
    const done: string[] = [];
    await give(controlHandlers(partsThatNote(done)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual(expected);
  });
});

const HELD = [
  { id: "m1", seat: "sales/sales-1" },
  { id: "m2", seat: "sales/sales-1" },
  { id: "m3", seat: "help/help-1" },
].map((row) => ({ ...row, state: "held" }));
const DEVICES = ["sales-1/a", "sales-2/a"];
const SEATS = ["sales/sales-1", "sales/sales-2"].map((seat) => ({ seat, weight: 1, isEligible: true, waiting: 0 }));

/** What is done and what is written down, in order. */
function partsThatNote(done: string[]): ControlParts {
  const write = ({ entries }: { readonly entries: readonly AuditDraft[] }): object => {
    for (const { actor, action, subject, evidence } of entries)
      done.push(actor === "operator:ann" ? [action, subject, evidence["count"]].join(" ").trim() : `by ${actor}`);
    return {};
  };
  const answers: Readonly<Record<string, (input: never) => object>> = {
    "audit.append": write,
    "outbox.list": () => ({ rows: HELD }),
    "conversation.get": () => ({ warm: [] }),
    "outbox.get": ({ id }: { readonly id: string }) => ({ row: HELD.find((row) => row.id === id) }),
  };
  const views = {
    now: () => 0,
    ask: async (op: string, input: never) => answers[op]?.(input),
    device: (id: string) => ({ link: id === "sales-1/a" ? "linked" : "unlinked", state: "backingOff", holds: [] }),
    roster: () => ({
      accounts: new Map([["sales-1", { devices: ["sales-1/a"] }]]),
      devices: new Map(DEVICES.map((id) => [id, {}])),
      holds: new Map(),
      lines: new Map([["sales", {}]]),
    }),
  };
  let tell: (event: object) => void = () => undefined;
  const node = {
    line: (line: string) => ({ line, strategy: "round-robin", seats: SEATS, posts: [] }),
    backlog: (seat: string) =>
      seat === "sales/sales-1" ? ["c:1", "c:2"].map((contact) => ({ conversation: `sales|${contact}`, waiting: 2 })) : [],
    mayGo: () => () => true,
    moveConversations: (moves: readonly { readonly conversation: string }[], by: string) => {
      for (const { conversation } of moves) {
        done.push(`${conversation} moved by ${by}`);
        tell({ type: "conversation.moved", subject: conversation, data: {} });
      }
    },
    cordon: (device: string, isCordoned: boolean) => done.push(`cordon ${device} ${isCordoned}`),
    releaseHeld: (_seat: string, message: string, send: boolean) => done.push(`${message} ${send}`),
    redial: (device: string) => done.push(`redial ${device}`),
  };
  const webhooks = {
    names: ["crm"],
    test: async (name: string) => {
      done.push(`test ${name}`);
      return null;
    },
    redrive: async (name: string) => {
      done.push(`redrive ${name}`);
      return { delivered: 1, gone: 0, failed: null };
    },
  };
  const links = { ask: (device: string, { kind }: { readonly kind: string }) => done.push(`link ${device} ${kind}`) };
  return {
    views,
    supervisor: {
      node,
      onEvent: (listener: (event: object) => void) => {
        tell = listener;
        return () => undefined;
      },
    },
    webhooks,
    links,
    copyStore: async (to: string) => void done.push(`copy ${to}`),
    onStop: () => done.push("stop"),
    by: "ann",
  } as unknown as ControlParts;
}
