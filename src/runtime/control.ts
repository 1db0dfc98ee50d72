/** What a running supervisor does about each request of `control-protocol.ts`. */
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import type { LinkMethod } from "../../machines/ports/connection.ts";
import type { AuditDraft, FailoverRecord } from "../../machines/ports/records.ts";
import type { KeyRing } from "../http/keys.ts";
import { type AccountId, accountOf, type DeviceId, type MessageId, type SeatId } from "../../machines/ports/ids.ts";
import type { OutboxRow } from "../../machines/ports/store.ts";
import {
  type AccountsAnswer,
  ControlError,
  type ControlHandlers,
  type DeviceStatus,
  type DrainAnswer,
  type FailoverAnswer,
  resolveName,
} from "./control-protocol.ts";
import type { Alerts } from "../alerts/assemble.ts";
import { alertHandlers } from "../alerts/control.ts";
import { webhookHandlers } from "../webhooks/control.ts";
import type { WebhookDesk } from "../webhooks/desk.ts";
import type { AuditBook } from "../adapters/sqlite/audit-book.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { auditHandlers } from "./audit-desk.ts";
import type { Arrivals } from "./arrivals.ts";
import { cancelMessage } from "./cancelling.ts";
import { systemClock } from "./clock.ts";
import type { ContactStore } from "./contacts.ts";
import { carriedOut } from "./rebalance.ts";
import { lineNamed, performanceOf, rebalanceOf } from "./lines.ts";
import type { GroupDesk } from "./group-desk.ts";
import type { FleetDesk } from "./fleet-desk.ts";
import type { LinkDesk } from "./link-desk.ts";
import type { MediaDesk } from "./media-desk.ts";
import type { PerformanceLog } from "./performance-log.ts";
import { sendOnce } from "./sending.ts";
import type { Services } from "./services.ts";
import type { SlaDesk } from "./sla-desk.ts";
import { terminalHandlers } from "./terminal-desk.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Views } from "./views.ts";

export interface ControlParts {
  readonly supervisor: Supervisor;
  readonly views: Views;
  readonly media: MediaDesk;
  readonly groups: GroupDesk;
  readonly contacts: ContactStore;
  readonly arrivals: Pick<Arrivals, "page">;
  readonly performance?: PerformanceLog;
  readonly fleet: Pick<FleetDesk, "plan" | "apply" | "edit" | "tag">;
  readonly links: LinkDesk;
  readonly keys: KeyRing;
  readonly audit: AuditBook;
  readonly alerts: Pick<Alerts, "desk" | "store">;
  readonly sla: Pick<SlaDesk, "report">;
  readonly webhooks: WebhookDesk;
  readonly services: Services;
  readonly copyStore: (to: string) => Promise<void>;
  /** Number of the newest event. */
  readonly lastEvent: () => Promise<number>;
  readonly metrics: Pick<Metrics, "scrape" | "contentType">;
  /** Begins a clean shutdown. */
  readonly onStop: () => void;
  /** Who asks, for the audit. Left out: whoever owns the socket. */
  readonly by?: string;
}

/** A move that takes longer is still under way; whoever asked is told so. */
const MOVE_WITHIN = 25_000;
/** Until WhatsApp has removed a device, and its keys are forgotten. */
const UNLINKED_WITHIN = 15_000;
const POLL = 50;
const HISTORY_OF_SEAT = 20;
const AUDIT_OF_SEAT = 100;
/** Seats that a demand would not reach: their chart is between two decisions. */
const BUSY_PHASES = new Set(["moving", "asking", "starting", "switching"]);

export const controlHandlers = (parts: ControlParts): ControlHandlers => {
  const { supervisor, views, links, keys, onStop } = parts;
  const webhooks = webhookHandlers(parts.webhooks);
  const seatNamed = (name: string): SeatId => resolveName("seat", name, [...views.roster().seats.keys()]);
  return {
    status: () => views.status(),
    accounts: () => {
      const devices = [...views.roster().devices.keys()];
      return { accounts: views.accounts(), devices: devices.map((device) => views.device(device)) };
    },
    services: async ({ kind }) => ({ services: await parts.services.list(kind) }),
    why: async ({ seat: name }) => {
      const id = seatNamed(name);
      const [seat] = await views.seats([id]);
      if (!seat) throw new ControlError("E_UNKNOWN_SEAT", `there is no seat ${id}`);
      const { rows: failovers } = await views.ask("failover.list", { seat: id, limit: HISTORY_OF_SEAT });
      const { rows: audit } = await views.ask("audit.read", { subject: id, limit: AUDIT_OF_SEAT });
      const holder = seat.holder === null ? null : views.device(seat.holder);
      const speaker = holder === null ? undefined : views.accounts().find((account) => account.id === accountOf(holder.id));
      return { now: views.now(), seat, holder, speaker: speaker ?? null, failovers, audit };
    },
    failover: ({ seat, to }) => move(parts, seatNamed(seat), to, "failover"),
    switchover: ({ seat, to }) => move(parts, seatNamed(seat), to, "switchover"),
    failback: ({ seat: name }) => {
      const seat = seatNamed(name);
      return move(parts, seat, homeOf(views, seat), "switchover");
    },
    drain: ({ account, ...how }) => drain(parts, resolveName("account", account, [...views.roster().accounts.keys()]), how),
    send: ({ text, content, ...message }) => {
      if ((text === undefined) === (content === undefined))
        throw new ControlError("E_BAD_REQUEST", "send: give either a text or a content");
      return sendOnce(parts, { ...message, content: content ?? { kind: "text", text: text ?? "" } });
    },
    message: async ({ message }) => ({ now: views.now(), ...messageAnswer(await messageNamed(views, message)) }),
    held: async ({ limit }) => {
      const { rows, more } = await views.ask("outbox.list", { seat: null, states: ["held"], limit });
      return { now: views.now(), messages: rows.map(heldMessage), more };
    },
    release: async ({ message, send }) => {
      const wanted = message === null ? await heldRows(views) : [await heldNamed(views, message)];
      for (const [seat, { length: count }] of Map.groupBy(wanted, (row) => row.seat)) {
        const text = `held messages that ${send ? "are sent" : "are dropped"}: ${count}`;
        await note(parts, send ? "held.released" : "held.dropped", seat, text, { count, message });
      }
      for (const row of wanted) supervisor.node.releaseHeld(row.seat, row.id, send);
      return { released: wanted.map((row) => row.id) };
    },
    cancel: ({ message }) => cancelMessage(parts, message, `operator:${byOf(parts)}`),
    history: async ({ seat, limit }) => {
      const id = seat === undefined ? null : seatNamed(seat);
      const { rows } = await views.ask("failover.list", { seat: id, limit });
      return { now: views.now(), failovers: rows };
    },
    ...webhooks,
    webhookTest: async (request) => {
      const answer = await webhooks.webhookTest(request);
      const { webhook, failure } = answer;
      await note(parts, "webhook.tested", webhook, `a test was sent to ${webhook}`, { failure });
      return answer;
    },
    webhookRedrive: async (request) => {
      const answer = await webhooks.webhookRedrive(request);
      const { webhook, delivered } = answer;
      await note(parts, "webhook.redriven", webhook, `dead letters of ${webhook} were delivered again`, { delivered });
      return answer;
    },
    ...alertHandlers({ ...parts.alerts, views, by: () => byOf(parts) }),
    audit: async ({ subject, limit }) => {
      const { rows } = await views.ask("audit.read", {
        subject: subject === undefined ? null : subjectNamed(views, subject),
        limit,
      });
      return { now: views.now(), audit: rows };
    },
    events: async ({ after, limit }) => {
      const afterSeq = after ?? Math.max(0, (await parts.lastEvent()) - limit);
      const { rows } = await views.ask("events.read", { afterSeq, limit });
      return { last: rows.at(-1)?.seq ?? afterSeq, events: rows };
    },
    copyStore: async ({ to }) => {
      if (existsSync(to)) throw new ControlError("E_REFUSED", `${to} exists already: name another file`);
      await note(parts, "store.copied", "fleet", `the store is copied to ${to}`, { to });
      await parts.copyStore(to);
      return { to };
    },
    sla: ({ from, to, target }) => parts.sla.report({ from, to }, target),
    metrics: async () => ({ contentType: parts.metrics.contentType, text: await parts.metrics.scrape(await views.status()) }),
    ...auditHandlers({ audit: parts.audit, now: () => views.now(), by: () => byOf(parts) }),
    pause: () => {
      views.roster();
      supervisor.node.pause(byOf(parts));
      return { mode: views.mode() };
    },
    resume: () => {
      views.roster();
      supervisor.node.resume(byOf(parts));
      return { mode: views.mode() };
    },
    links: () => {
      views.roster();
      return { links: links.pending() };
    },
    link: async ({ device, phone, qr }) => {
      const id = resolveName("device", device, [...views.roster().devices.keys()]);
      const method: LinkMethod = phone === undefined ? { kind: "qr" } : { kind: qr === true ? "qr" : "code", phone };
      if (views.device(id).link !== "linked")
        await note(parts, "device.linkAsked", id, `${id} is to be linked`, { method: method.kind });
      return links.ask(id, method);
    },
    apply: ({ dryRun, ...order }) => (dryRun ? parts.fleet.plan() : parts.fleet.apply(orderOf(parts, order))),
    edit: ({ edit, dryRun, ...order }) => parts.fleet.edit(edit, { ...orderOf(parts, order), dryRun }),
    unlinkAccount: ({ account }) => unlinkAccount(parts, resolveName("account", account, [...views.roster().accounts.keys()])),
    unlink: ({ device }) => unlink(parts, resolveName("device", device, [...views.roster().devices.keys()])),
    restart: async ({ device }) => {
      const id = resolveName("device", device, [...views.roster().devices.keys()]);
      const answer = restart(parts, id);
      await note(parts, "device.restarted", id, `${id} is dialled anew`);
      return answer;
    },
    line: ({ line }) => lineNamed(parts, line),
    performance: ({ line, span }) => performanceOf(parts, line, span),
    rebalance: async ({ line, most, move: isOrder }) => {
      const plan = await rebalanceOf(parts, lineNamed(parts, line), most);
      return isOrder ? carriedOut(supervisor, plan, `operator:${byOf(parts)}`) : plan;
    },
    keys: () => ({ now: views.now(), keys: keys.list() }),
    keyCreate: ({ name, role, lines, expiresIn }) => {
      const known = [...views.roster().lines.keys()];
      const bound = lines === null ? null : [...new Set(lines.map((line) => resolveName("line", line, known)))];
      return keys.create({ name, role, lines: bound, expiresIn }, `operator:${byOf(parts)}`);
    },
    ...terminalHandlers({
      ...parts,
      seatNamed,
      lineNamed: (line) => lineNamed(parts, line).line,
      by: () => `operator:${byOf(parts)}`,
    }),
    keyRevoke: ({ key }) => keys.revoke(key, `operator:${byOf(parts)}`),
    stop: () => {
      // A store that does not answer keeps nobody from stopping.
      note(parts, "fleet.stopped", "fleet", "the supervisor is to stop").catch(() => undefined);
      // The answer first.
      setImmediate(onStop);
      return { stopping: true };
    },
  };
};

const orderOf = (parts: ControlParts, order: { readonly force: boolean; readonly match: readonly string[] | null }) => ({
  ...order,
  move: (seat: SeatId, to: DeviceId) => moved(parts, seat, to),
  by: `operator:${byOf(parts)}`,
});

const byOf = ({ by }: ControlParts): string => by ?? operator();

/** Of a command that no chart writes down: who gave it. */
const note = async (
  parts: ControlParts,
  action: string,
  subject: string,
  text: string,
  evidence: AuditDraft["evidence"] = {},
): Promise<void> => {
  const { views } = parts;
  const entry = { at: views.now(), actor: `operator:${byOf(parts)}`, action, subject, text, evidence };
  await views.ask("audit.append", { entries: [entry] });
};

/** Only its owner can open the socket, so whoever asks is the one whom we run as. */
const operator = (): string => {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
};

const heldMessage = ({ id, seat, acceptedAt, attempts, reason }: OutboxRow) => ({
  id,
  seat,
  acceptedAt,
  attempts: attempts.length,
  reason,
});

const messageAnswer = (row: OutboxRow) => {
  const { id, line, seat, state, reason, priority, acceptedAt, expiresAt, attempts, content } = row;
  return { id, line, seat, kind: content.kind, state, reason, priority, acceptedAt, expiresAt, attempts };
};

const messageNamed = async (views: Views, id: string): Promise<OutboxRow> => {
  const { row } = await views.ask("outbox.get", { id: id as MessageId });
  if (row) return row;
  throw new ControlError("E_UNKNOWN_MESSAGE", `there is no message ${id}: give the id that \`send\` printed`);
};

const heldRows = async (views: Views): Promise<readonly OutboxRow[]> =>
  (await views.ask("outbox.list", { seat: null, states: ["held"], limit: 1_000_000 })).rows;

const heldNamed = async (views: Views, id: string): Promise<OutboxRow> => {
  const { row } = await views.ask("outbox.get", { id: id as MessageId });
  if (row?.state === "held") return row;
  if (row) throw new ControlError("E_REFUSED", `${row.id} is ${row.state}: only a held message waits for a word`);
  // Throws, naming what is nearest.
  const rows = await heldRows(views);
  const wanted = resolveName<MessageId>(
    "message",
    id,
    rows.map((held) => held.id),
  );
  return rows.find((held) => held.id === wanted) as OutboxRow;
};

/** Dials a device anew. Throws E_REFUSED where that would cost a seat its holder, or there is nothing to dial. */
const restart = ({ supervisor, views }: ControlParts, device: DeviceId): DeviceStatus => {
  const { link, state, holds } = views.device(device);
  if (link !== "linked")
    throw new ControlError(
      "E_REFUSED",
      `${device} is not linked: there is nothing to dial. Link it: greenroom device link ${device}`,
    );
  if (holds.length > 0)
    throw new ControlError("E_REFUSED", `${device} speaks for ${holds.join(", ")}: switch over first, then restart it`);
  if (state === "serving" || state === "opened") supervisor.node.restart(device);
  else supervisor.node.redial(device);
  return views.device(device);
};

/**
 * WhatsApp's word that the device is removed ends its link and has its keys forgotten, as when the owner removes it on the phone. A
 * crash in between changes nothing of that: the next dial is told the same.
 */
const unlink = async ({ supervisor, views, ...rest }: ControlParts, device: DeviceId): Promise<DeviceStatus> => {
  const { link, state, holds } = views.device(device);
  if (link !== "linked") throw new ControlError("E_REFUSED", `${device} is not linked: there is nothing to remove`);
  if (holds.length > 0)
    throw new ControlError("E_REFUSED", `${device} speaks for ${holds.join(", ")}: switch over first, then unlink it`);
  if (state !== "serving")
    throw new ControlError(
      "E_REFUSED",
      `${device} is ${state}, so WhatsApp can't be told: remove it on the phone, or ask again once it serves`,
    );
  await note({ supervisor, views, ...rest }, "device.unlink", device, `${device} is to be removed from its account`);
  supervisor.node.unlink(device);
  const end = systemClock.now() + UNLINKED_WITHIN;
  while (systemClock.now() < end) {
    const status = views.device(device);
    if (status.link !== "linked" && status.state === "unlinked") return status;
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
  throw new ControlError(
    "E_UNREACHABLE",
    `WhatsApp has not answered: look at ${device} with "greenroom accounts", then ask again`,
  );
};

const unlinkAccount = async (parts: ControlParts, account: AccountId): Promise<AccountsAnswer> => {
  const { views } = parts;
  const devices = views.roster().accounts.get(account)?.devices ?? [];
  const linked = devices.map((id) => views.device(id)).filter(({ link }) => link === "linked");
  const speaking = linked.find(({ holds }) => holds.length > 0);
  if (speaking)
    throw new ControlError(
      "E_REFUSED",
      `${speaking.id} speaks for ${speaking.holds.join(", ")}: drain ${account} first, then unlink it`,
    );
  for (const { id } of linked) await unlink(parts, id);
  return {
    accounts: views.accounts().filter(({ id }) => id === account),
    devices: devices.map((id) => views.device(id)),
  };
};

const subjectNamed = (views: Views, name: string): string => {
  const { seats, accounts, devices, lines } = views.roster();
  return resolveName<string>("subject", name, [...seats.keys(), ...accounts.keys(), ...devices.keys(), ...lines.keys(), "fleet"]);
};

/** A device of the seat's own account that is well, or its first one: then the switchover says what is wrong with it. */
const homeOf = (views: Views, seat: SeatId): DeviceId => {
  const { seats, accounts, devices } = views.roster();
  const account = seats.get(seat)?.account;
  const own = (account && accounts.get(account)?.devices) ?? [];
  const home = own.find((id) => devices.get(id)?.state === "healthy") ?? own[0];
  if (home === undefined)
    throw new ControlError("E_REFUSED", `${account ?? seat} is no longer in the fleet: ${seat} has no home to go back to`);
  const holder = seats.get(seat)?.holder;
  if (holder && accountOf(holder) === account) throw new ControlError("E_REFUSED", `${seat} is at home: ${holder} speaks for it`);
  return home;
};

/** First no seat may come to it, then those that it holds go. */
const drain = async (
  parts: ControlParts,
  account: AccountId,
  { undo, keep }: { readonly undo: boolean; readonly keep: boolean },
): Promise<DrainAnswer> => {
  const { supervisor, views } = parts;
  const devices = views.roster().accounts.get(account)?.devices ?? [];
  const words = undo ? "may hold seats again" : `is to hold no more seats${keep ? "; it keeps those that it has" : ""}`;
  await note(parts, undo ? "account.undrained" : "account.drained", account, `${account} ${words}`);
  for (const device of devices) supervisor.node.cordon(device, !undo);
  const answer = { account, cordoned: !undo, moved: [] as FailoverRecord[], stays: [] as { seat: SeatId; why: string }[] };
  if (undo || keep) return answer;
  const held = devices.flatMap((device) => views.roster().holds.get(device) ?? []);
  // One after the other: a stand-in that takes several seats does so at its own pace.
  for (const seat of held) {
    try {
      const ended = await move(parts, seat, undefined, "switchover");
      if (!ended.inTime) answer.stays.push({ seat, why: "it is still being moved" });
      else if (ended.record.outcome === "inService") answer.moved.push(ended.record);
      else answer.stays.push({ seat, why: whyNotMoved(ended.record) });
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      answer.stays.push({ seat, why: error.message });
    }
  }
  return answer;
};

const whyNotMoved = ({ seat, from, to, outcome }: FailoverRecord): string => {
  if (outcome === "rolledBack") return `${to ?? "the stand-in"} did not come into service, and ${from ?? "nobody"} speaks again`;
  if (outcome === "exhausted") return "nobody was able to take it";
  return `its move has ended as ${outcome}: look at it with "why ${seat}"`;
};

/** An operator's move, from the demand to its end. */
const move = async (
  parts: ControlParts,
  seat: SeatId,
  to: string | undefined,
  how: "failover" | "switchover",
): Promise<FailoverAnswer> => {
  const { supervisor, views } = parts;
  const target = to === undefined ? null : resolveName("device", to, views.mastersOf(seat));
  const known = new Set((await failoversOf(views, seat)).map(({ id }) => id));
  // In the turn of the order: another one may have come while the store was asked.
  const view = supervisor.node.seat(seat);
  if (target !== null && view?.row.holder === target)
    throw new ControlError("E_REFUSED", `${target} speaks for ${seat} already: there is nothing to move`);
  if (view && BUSY_PHASES.has(view.state))
    throw new ControlError("E_REFUSED", `${seat} is ${view.state} at present: look at it with "why ${seat}", then ask again`);
  let refused: string | null = null;
  const stopListening = supervisor.onEvent(({ type, subject, data }) => {
    if (type === "switchover.refused" && subject === seat) refused = String(data["why"]);
  });
  try {
    if (how === "failover") supervisor.node.demandFailover(seat, target, byOf(parts));
    else supervisor.node.switchOver(seat, target, byOf(parts));
    const end = systemClock.now() + MOVE_WITHIN;
    while (systemClock.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, POLL));
      if (refused !== null) throw new ControlError("E_REFUSED", `${seat} was not moved: ${String(refused)}`);
      const record = (await failoversOf(views, seat)).find(({ id, endedAt }) => !known.has(id) && endedAt !== null);
      if (record) return { inTime: true, record };
    }
    return { inTime: false, seat };
  } finally {
    stopListening();
  }
};

/** Throws where the move is refused, or is not over in time. */
const moved = async (parts: ControlParts, seat: SeatId, to: DeviceId): Promise<void> => {
  const answer = await move(parts, seat, to, "switchover");
  if (!answer.inTime || parts.views.roster().seats.get(seat)?.holder !== to)
    throw new ControlError("E_REFUSED", `${seat} has not moved to ${to} yet: look at it with "why ${seat}", then ask again`);
};

const failoversOf = async (views: Views, seat: SeatId): Promise<readonly FailoverRecord[]> =>
  (await views.ask("failover.list", { seat, limit: HISTORY_OF_SEAT })).rows;
