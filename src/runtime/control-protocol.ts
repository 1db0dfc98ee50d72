/**
 * What a terminal may ask of a running supervisor, over a Unix socket that only its owner may open.
 *
 * One JSON document a line. Request: `{"id": 1, "op": "why", "seat": "sales/sales-1"}`. Answer: `{"id": 1, "ok": true, "answer": …}`
 * or `{"id": 1, "ok": false, "error": {"code": "E_UNKNOWN_SEAT", "message": …}}`. Answers come in the order of the requests.
 * Times are milliseconds since the epoch on the fleet's clock; `…Ms` are spans.
 */
import { z } from "zod";
import type { PhoneSeen } from "../../machines/account/phone.ts";
import type { LineView } from "../../machines/delivery/balance/index.ts";
import type { Move } from "../../machines/delivery/balance/rebalance.ts";
import type { AccountId, DeviceId, LineId, MessageId, Millis, SeatId, SeatTerm } from "../../machines/ports/ids.ts";
import type { AlertRow, AuditRow, FailoverRecord, FleetEventRow } from "../../machines/ports/records.ts";
import type { ContactRow, LinkState, OutboxRow, Role, Standing } from "../../machines/ports/store.ts";
import type { HealthState } from "../../machines/protocol.ts";
import type { SlaReport } from "../sla/report.ts";
import type { AuditPage } from "../adapters/sqlite/audit-book.ts";
import type { Verdict } from "../adapters/sqlite/audit-chain.ts";
import { type AlertAnswers, ALERT_REQUESTS } from "../alerts/requests.ts";
import { type WebhookAnswers, WEBHOOK_REQUESTS } from "../webhooks/requests.ts";
import { type About, didYouMean, fleetEdit, listed } from "../config/index.ts";
import type { GroupInfo, Invitation, MemberChange } from "../adapters/baileys/group-calls.ts";
import type { ContactsPage } from "./contacts.ts";
import type { Upload } from "./media-desk.ts";
import type { ApplyAnswer, Drift } from "./fleet-desk.ts";
import type { OutgoingContent } from "./outgoing.ts";
import type { PerformanceAnswer } from "./performance.ts";
import { SERVICE_KINDS, type ServiceView } from "./services.ts";
import { type KeyRow, ROLES } from "../http/store.ts";

// ---- requests ----------------------------------------------------------------------------------------------------------

const name = z.string().min(1).max(200);
const limit = z.int().min(1).max(1000).default(50);
/** With the country's code, without signs. */
export const PHONE = /^[1-9]\d{6,14}$/;

const KEY_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Ten years. */
const LONGEST_KEY: Millis = 3650 * 86_400_000;

const GROUP = z.string().regex(/^[\d-]{5,40}@g\.us$/, { error: "expected a group's address, …@g.us" });
/** Only if the fleet file still has one of these tags, which an answer named before; otherwise E_CHANGED. */
const TAGS = z.array(z.string().max(100)).max(20).readonly().nullable().default(null);
/** What is left out stays. */
export const groupSettings = z.strictObject({
  subject: z.string().min(1).max(100).optional(),
  description: z.string().min(1).max(2048).nullable().optional().describe("null: none."),
  announce: z.boolean().optional().describe("Only admins write."),
  locked: z.boolean().optional().describe("Only admins change subject, description and picture."),
});
const MEMBERS = z.array(z.string().min(1).max(100)).min(1).max(100);

/** What each operation takes. Names are checked against the fleet by whoever answers. */
export const REQUESTS = {
  status: z.strictObject({}),
  why: z.strictObject({ seat: name }),
  /** Moves the seat now, to `to` or to whom the roster ranks first. Answered when the move has ended. */
  failover: z.strictObject({ seat: name, to: name.optional() }),
  /** Moves the seat once nothing is under way. Refused with the reason if the target can't deliver; the holder then goes on. */
  switchover: z.strictObject({ seat: name, to: name.optional() }),
  /** A switchover to a device of the seat's own account. */
  failback: z.strictObject({ seat: name }),
  /** Takes an account's devices out of service, each seat that they hold by a switchover first. `undo`: they may hold seats again. */
  /** `keep`: those that they hold stay. */
  drain: z.strictObject({ account: name, undo: z.boolean().default(false), keep: z.boolean().default(false) }),
  accounts: z.strictObject({}),
  /** Every actor, adapter and plugin, with state and version; `kind` null: all. */
  services: z.strictObject({ kind: z.enum(SERVICE_KINDS).nullable().default(null) }),
  /**
   * `to`: digits of a phone number, or a WhatsApp address. Answered once the message is durable. Sent again with the same `key` it
   * is the same message. `content`: whatever may be sent (runtime/outgoing.ts). It may name a file, which is read by the supervisor:
   * not for those who may not read what it may.
   */
  send: z.strictObject({
    line: name,
    to: z.string().min(1).max(100),
    text: z.string().min(1).max(65_536).optional(),
    content: z.custom<OutgoingContent>((value) => typeof value === "object" && value !== null).optional(),
    key: z.string().min(1).max(200).optional(),
    priority: z.int().min(0).max(9).optional(),
    region: name.optional(),
    /** Milliseconds. */
    expiresIn: z
      .int()
      .min(1)
      .max(30 * 86_400_000)
      .optional(),
  }),
  /** Where one message is, and each attempt to send it: without its text, and without who it is for. */
  message: z.strictObject({ message: name }),
  /** Messages that wait for an operator's word. */
  held: z.strictObject({ limit }),
  /** That word: send it (perhaps a second time), or give it up. `message` null: all that are held. */
  release: z.strictObject({ message: name.nullable(), send: z.boolean() }),
  /** Calls a message back. Refused, with the reason, once an attempt of it may have left. */
  cancel: z.strictObject({ message: name }),
  /** Newest first; of all seats unless one is named. */
  history: z.strictObject({ seat: name.optional(), limit }),
  ...ALERT_REQUESTS,
  ...WEBHOOK_REQUESTS,
  /** Newest first; about one seat, account, device or the fleet if one is named. */
  audit: z.strictObject({ subject: name.optional(), limit }),
  /** What happened after the event `after`, oldest first; null: the newest ones. */
  events: z.strictObject({ after: z.int().min(0).nullable().default(null), limit }),
  /** How available the seats were from one time to another. `target`: 0 to 1. */
  sla: z
    .strictObject({ from: z.int().min(0), to: z.int().min(0), target: z.number().gt(0).lt(1).default(0.9999) })
    .refine(({ from, to }) => from < to, { error: "the period ends before it begins" }),
  /** A consistent copy of the store, as a new file at that path: for `greenroom backup`, which encrypts it. */
  copyStore: z.strictObject({ to: z.string().min(2).max(4096).startsWith("/") }),
  /** What Prometheus would scrape. */
  metrics: z.strictObject({}),
  /** Whether the whole audit is as it was written. */
  auditVerify: z.strictObject({}),
  /** All entries, oldest first, with their hashes; `after`: the last one that is known already. */
  auditPage: z.strictObject({ after: z.int().min(0).default(0), limit: z.int().min(1).max(1000).default(500) }),
  /** Removes what was written before a time. Refused if the audit is broken. */
  auditPrune: z.strictObject({ before: z.int().min(0) }),
  /** Automatic failover off and on again. */
  pause: z.strictObject({}),
  resume: z.strictObject({}),
  /** Devices that are not linked, with the code to be scanned or entered, where there is one. */
  links: z.strictObject({}),
  /**
   * Begins linking a device, unless that is under way. Answered when there is something to scan or to enter. `phone`, the digits of
   * the account's number: with a pairing code instead of a QR code.
   */
  link: z.strictObject({ device: name, phone: z.string().regex(PHONE).optional(), qr: z.boolean().optional() }),
  /**
   * Takes up what the fleet file says now, as far as that needs no restart; the answer names all that differs. `dryRun`: only the
   * answer. `force`: also where a seat would have nobody to speak for it.
   */
  apply: z.strictObject({ dryRun: z.boolean().default(false), force: z.boolean().default(false), match: TAGS }),
  /** Writes a change into the fleet file and takes it up, as `apply` does. */
  edit: z.strictObject({ edit: fleetEdit, dryRun: z.boolean().default(false), force: z.boolean().default(false), match: TAGS }),
  /** `unlink`, for each device of an account that is linked. Refused before the first if one speaks for a seat. */
  unlinkAccount: z.strictObject({ account: name }),
  /** Removes a device from its account, at WhatsApp and here: its keys are forgotten. Refused while it speaks for a seat. */
  unlink: z.strictObject({ device: name }),
  /** Dials a device anew, at once. Refused while it speaks for a seat. */
  restart: z.strictObject({ device: name }),
  /** How a line shares out new conversations, and how its seats do. */
  line: z.strictObject({ line: name }),
  /** What its seats sent in the last while (`span`, default an hour), minute by minute and taken together. */
  performance: z.strictObject({ line: name, span: z.int().min(60_000).max(604_800_000).default(3_600_000) }),
  /** Which conversations, `most` at the most, a rebalance of what waits on a line would move. With `move` they are moved. */
  rebalance: z.strictObject({ line: name, most: z.int().min(1).max(1000).default(20), move: z.boolean().optional() }),
  /** Keys of the HTTP API; never their secrets. */
  keys: z.strictObject({}),
  /** `lines` null: of the whole fleet. `expiresIn` null: does not expire. The answer is the only place where the secret is shown. */
  keyCreate: z.strictObject({
    name: z.string().regex(KEY_NAME, { error: 'expected a name: 1 to 64 letters, digits, ".", "_" or "-"' }),
    role: z.enum(ROLES),
    lines: z.array(name).min(1).max(1000).nullable().default(null),
    expiresIn: z.int().min(1000).max(LONGEST_KEY).nullable().default(null),
  }),
  /** `key`: its id. */
  keyRevoke: z.strictObject({ key: name }),
  /** Groups of the account that speaks for a seat, as WhatsApp has them. */
  groups: z.strictObject({ seat: name }),
  group: z.strictObject({ seat: name, group: GROUP }),
  groupCreate: z.strictObject({ seat: name, subject: z.string().min(1).max(100), members: MEMBERS }),
  /** Each member has an answer of its own. */
  groupChange: z.strictObject({
    seat: name,
    group: GROUP,
    action: z.enum(["add", "remove", "promote", "demote"]),
    members: MEMBERS,
  }),
  groupSet: z.strictObject({ seat: name, group: GROUP, settings: groupSettings }),
  groupLeave: z.strictObject({ seat: name, group: GROUP }),
  /** The link by which people join; `renew`: a new one, and the old one lets nobody in any more. */
  groupInvitation: z.strictObject({ seat: name, group: GROUP, renew: z.boolean().default(false) }),
  /** `invitation`: a link or its code. The group that it leads to; nobody joins it. */
  groupInvited: z.strictObject({ seat: name, invitation: z.string().min(6).max(200) }),
  groupJoin: z.strictObject({ seat: name, invitation: z.string().min(6).max(200) }),
  /** Whom a line speaks to; `after`: the `next` of the page before. */
  contacts: z.strictObject({ line: name, after: z.string().max(300).nullable().default(null), limit }),
  /** By its id, a LID or a number. */
  contact: z.strictObject({ contact: z.string().min(1).max(100) }),
  /** Reads a file, for messages to name; what comes back is its id. */
  mediaUpload: z.strictObject({ file: z.string().min(2).max(4096).startsWith("/") }),
  /** Writes what came with a message (its number in the inbox), or was uploaded (its id), as a new file. */
  mediaDownload: z.strictObject({
    media: z
      .string()
      .regex(/^(?:[1-9]\d{0,15}|[0-9a-f]{64})$/, { error: "expected the number of a message, or the id of an upload" }),
    to: z.string().min(2).max(4096).startsWith("/"),
  }),
  /** A clean shutdown. Answered when it has begun. */
  stop: z.strictObject({}),
} as const;

/** Those that name files of the supervisor's machine, or end it: not for who asks from another one. */
export const LOCAL_OPS: ReadonlySet<ControlOp> = new Set(["copyStore", "mediaUpload", "mediaDownload", "stop"]);

export type ControlOp = keyof typeof REQUESTS;
/** As written by a client, with what may be left out. */
export type ControlRequest<K extends ControlOp> = z.input<(typeof REQUESTS)[K]>;

// ---- answers -----------------------------------------------------------------------------------------------------------

export interface SeatStatus {
  readonly id: SeatId;
  readonly line: LineId;
  readonly holder: DeviceId | null;
  readonly term: SeatTerm;
  /** State of the seat's chart: serving, threatened, moving, stranded, … */
  readonly phase: string;
  readonly queue: { readonly open: number; readonly oldestMs: Millis | null; readonly held: number };
  /** The last decision about it, in a sentence. */
  readonly last: { readonly at: Millis; readonly text: string } | null;
}
export interface AccountStatus extends About {
  readonly id: AccountId;
  readonly role: Role;
  readonly standing: Standing;
  readonly standingUntil: Millis | null;
  readonly phone: PhoneSeen;
}
export interface DeviceStatus extends About {
  readonly id: DeviceId;
  /** Whether it is linked to its account. */
  readonly link: LinkState;
  /** State of the connection's chart: serving, connecting, backingOff, … */
  readonly state: string;
  readonly health: HealthState;
  /** How long ago anything was heard from it. */
  readonly lastEvidenceMs: Millis | null;
  /** It takes no seat: somebody has drained or cordoned its account. */
  readonly cordoned: boolean;
  readonly holds: readonly SeatId[];
}
export interface LineStatus extends About {
  readonly id: LineId;
  readonly masters: readonly AccountId[];
  readonly servants: readonly AccountId[];
  readonly seats: readonly SeatId[];
}
export interface StatusAnswer {
  readonly fleet: string;
  readonly pid: number;
  readonly now: Millis;
  readonly startedAt: Millis;
  /** State of the orchestrator: automatic, braked, outage, paused. */
  readonly mode: string;
  readonly lines: readonly LineStatus[];
  readonly seats: readonly SeatStatus[];
  readonly accounts: readonly AccountStatus[];
  readonly devices: readonly DeviceStatus[];
  /** Open ones. */
  readonly alerts: readonly AlertRow[];
  /** Where the fleet file says something else. */
  readonly drift: Drift;
}
export interface WhyAnswer {
  readonly now: Millis;
  readonly seat: SeatStatus;
  readonly holder: DeviceStatus | null;
  /** Whose device that is. */
  readonly speaker: Pick<AccountStatus, "id" | "standing" | "standingUntil"> | null;
  /** Of this seat, newest first. */
  readonly failovers: readonly FailoverRecord[];
  /** About this seat, newest first. */
  readonly audit: readonly AuditRow[];
}
/** `inTime` false: the move has not ended within the time that the supervisor waits. */
export type FailoverAnswer =
  | { readonly inTime: true; readonly record: FailoverRecord }
  | { readonly inTime: false; readonly seat: SeatId };
/** `stays`: seats that nobody else could take, with the reason; they are still spoken for by the account. */
export interface DrainAnswer {
  readonly account: AccountId;
  readonly cordoned: boolean;
  readonly moved: readonly FailoverRecord[];
  readonly stays: readonly { readonly seat: SeatId; readonly why: string }[];
}
export interface AccountsAnswer {
  readonly accounts: readonly AccountStatus[];
  readonly devices: readonly DeviceStatus[];
}
export interface SendAnswer {
  readonly id: string;
  readonly seat: SeatId;
  readonly duplicate: boolean;
}
export interface MessageAnswer
  extends Pick<OutboxRow, "id" | "line" | "seat" | "state" | "reason" | "priority" | "acceptedAt" | "expiresAt" | "attempts"> {
  readonly now: Millis;
  /** "text", "image", … */
  readonly kind: string;
}
export interface HeldMessage {
  readonly id: string;
  readonly seat: SeatId;
  readonly acceptedAt: Millis;
  readonly attempts: number;
  readonly reason: string | null;
}
export interface HeldAnswer {
  readonly now: Millis;
  readonly messages: readonly HeldMessage[];
  /** There are older ones than `limit` let through. */
  readonly more: boolean;
}
export interface ReleaseAnswer {
  readonly released: readonly string[];
}
export interface CancelAnswer {
  readonly id: MessageId;
  /** That would have sent it. */
  readonly seat: SeatId;
}
export interface HistoryAnswer {
  readonly now: Millis;
  readonly failovers: readonly FailoverRecord[];
}
export interface AuditAnswer {
  readonly now: Millis;
  readonly audit: readonly AuditRow[];
}
/** State of the orchestrator afterwards. */
export interface ModeAnswer {
  readonly mode: string;
}
export interface LinkOffer {
  readonly kind: "qr" | "code";
  /** What the QR code says, or the pairing code. */
  readonly text: string;
  readonly at: Millis;
  /** The pairing code beside a QR code, where one was asked for. */
  readonly code?: string;
}
export interface PendingLink {
  readonly device: DeviceId;
  /** State of the connection's chart: unlinked, linking, loggedOut, … */
  readonly state: string;
  /** Changes every few seconds; null: not asked for. */
  readonly offer: LinkOffer | null;
}
export interface LinksAnswer {
  readonly links: readonly PendingLink[];
}
export interface LinkAnswer {
  readonly device: DeviceId;
  readonly linked: boolean;
  readonly offer: LinkOffer | null;
}
/** What became of a conversation that was to go to another seat. `underWay`: that was not heard in time. */
export type MoveEnd =
  | { readonly conversation: string; readonly kind: "moved" }
  | { readonly conversation: string; readonly kind: "underWay" }
  | { readonly conversation: string; readonly kind: "stayed"; readonly why: string };
export interface RebalanceAnswer {
  readonly line: LineId;
  readonly moves: readonly Move[];
  /** One for each move; left out: nothing was to be moved. */
  readonly ends?: readonly MoveEnd[];
  /** Messages that wait, for each unit of weight. */
  readonly seats: readonly { readonly seat: SeatId; readonly before: number; readonly after: number }[];
}
export interface KeysAnswer {
  readonly now: Millis;
  readonly keys: readonly KeyRow[];
}
export interface KeyCreated {
  readonly key: KeyRow;
  readonly secret: string;
}
export interface EventsAnswer {
  /** What to ask after next time. */
  readonly last: number;
  readonly events: readonly FleetEventRow[];
}
export interface StopAnswer {
  readonly stopping: true;
}

export interface ControlAnswers extends AlertAnswers, WebhookAnswers {
  readonly status: StatusAnswer;
  readonly why: WhyAnswer;
  readonly failover: FailoverAnswer;
  readonly switchover: FailoverAnswer;
  readonly failback: FailoverAnswer;
  readonly drain: DrainAnswer;
  readonly accounts: AccountsAnswer;
  readonly services: { readonly services: readonly ServiceView[] };
  readonly send: SendAnswer;
  readonly message: MessageAnswer;
  readonly held: HeldAnswer;
  readonly release: ReleaseAnswer;
  readonly cancel: CancelAnswer;
  readonly history: HistoryAnswer;
  readonly audit: AuditAnswer;
  readonly events: EventsAnswer;
  readonly copyStore: { readonly to: string };
  readonly sla: SlaReport;
  readonly metrics: { readonly contentType: string; readonly text: string };
  readonly auditVerify: Verdict;
  readonly auditPage: AuditPage;
  readonly auditPrune: { readonly removed: number };
  readonly pause: ModeAnswer;
  readonly resume: ModeAnswer;
  readonly links: LinksAnswer;
  readonly link: LinkAnswer;
  readonly apply: ApplyAnswer;
  readonly edit: ApplyAnswer;
  readonly unlinkAccount: AccountsAnswer;
  readonly unlink: DeviceStatus;
  readonly restart: DeviceStatus;
  readonly line: LineView;
  readonly performance: PerformanceAnswer;
  readonly rebalance: RebalanceAnswer;
  readonly keys: KeysAnswer;
  readonly keyCreate: KeyCreated;
  readonly keyRevoke: KeyRow;
  readonly groups: { readonly groups: readonly GroupInfo[] };
  readonly group: GroupInfo;
  readonly groupCreate: GroupInfo;
  readonly groupChange: { readonly members: readonly MemberChange[] };
  readonly groupSet: GroupInfo;
  readonly groupLeave: { readonly group: string };
  readonly groupInvitation: Invitation;
  readonly groupInvited: GroupInfo;
  /** null: its admins have been asked to let the account in. */
  readonly groupJoin: { readonly group: string | null };
  readonly contacts: ContactsPage;
  readonly contact: ContactRow;
  readonly mediaUpload: Upload;
  readonly mediaDownload: { readonly to: string; readonly bytes: number; readonly mimetype: string | null };
  readonly stop: StopAnswer;
}

/** What the composition root provides. Refuses by throwing ControlError. */
export type ControlHandlers = {
  readonly [K in ControlOp]: (request: z.output<(typeof REQUESTS)[K]>) => Promise<ControlAnswers[K]> | ControlAnswers[K];
};

// ---- errors ------------------------------------------------------------------------------------------------------------

export type ControlErrorCode =
  | "E_BAD_REQUEST" // no JSON, no such operation, wrong fields
  | "E_UNKNOWN_SEAT"
  | "E_UNKNOWN_LINE"
  | "E_UNKNOWN_ACCOUNT"
  | "E_UNKNOWN_DEVICE"
  | "E_UNKNOWN_MESSAGE"
  | "E_UNKNOWN_SUBJECT" // no seat, account, device or line of that name
  | "E_UNKNOWN_KEY"
  | "E_UNKNOWN_WEBHOOK"
  | "E_STORE" // the store did not do it
  | "E_UNREACHABLE" // WhatsApp did not answer
  | "E_CHANGED" // it is no longer what was looked at before
  | "E_REFUSED" // understood, and not possible at present: the message says why
  | "E_KEY_REUSED" // the key names another message: nothing was taken
  | "E_FULL" // the line has as many open messages as it may have: nothing was taken
  | "E_BUSY" // more clients than are served at once
  | "E_TIMEOUT" // the supervisor took too long
  | "E_INTERNAL" // a bug: see the supervisor's log
  | "E_ALREADY_RUNNING" // another supervisor listens on the socket
  | "E_SOCKET" // the socket can't be made
  | "E_NOT_RUNNING" // nobody listens; in process: not started yet, or stopped
  | "E_NO_ANSWER"; // the connection ended, or what came was no answer

const CODES: ReadonlySet<string> = new Set<ControlErrorCode>([
  "E_BAD_REQUEST",
  "E_UNKNOWN_SEAT",
  "E_UNKNOWN_LINE",
  "E_UNKNOWN_ACCOUNT",
  "E_UNKNOWN_DEVICE",
  "E_UNKNOWN_MESSAGE",
  "E_UNKNOWN_SUBJECT",
  "E_UNKNOWN_KEY",
  "E_UNKNOWN_WEBHOOK",
  "E_STORE",
  "E_UNREACHABLE",
  "E_CHANGED",
  "E_REFUSED",
  "E_KEY_REUSED",
  "E_FULL",
  "E_BUSY",
  "E_TIMEOUT",
  "E_INTERNAL",
  "E_ALREADY_RUNNING",
  "E_SOCKET",
  "E_NOT_RUNNING",
  "E_NO_ANSWER",
]);
/** What a supervisor of another version may say is not lost: it counts as internal. */
export const controlErrorCode = (code: string): ControlErrorCode => (CODES.has(code) ? (code as ControlErrorCode) : "E_INTERNAL");

/** `message` does not repeat the code: printers put it in front. */
export class ControlError extends Error {
  readonly code: ControlErrorCode;
  constructor(code: ControlErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ControlError";
    this.code = code;
  }
}

type Named = "seat" | "line" | "account" | "device" | "message" | "subject" | "webhook";

/**
 * The one name that is meant. For seats and devices the last part is enough if it is the only one of its kind: `sales-1` for
 * `sales/sales-1`. Throws E_UNKNOWN_…, saying which names exist.
 */
export const resolveName = <T extends string>(kind: Named, wanted: string, known: readonly T[]): T => {
  const exact = known.find((one) => one === wanted);
  if (exact !== undefined) return exact;
  const ending = known.filter((one) => one.endsWith(`/${wanted}`));
  if (ending.length === 1 && ending[0] !== undefined) return ending[0];
  const code = `E_UNKNOWN_${kind.toUpperCase() as Uppercase<Named>}` as const;
  if (ending.length > 1) throw new ControlError(code, `${wanted} may be ${ending.join(" or ")}: write it in full`);
  throw new ControlError(
    code,
    `there is no ${kind} ${wanted}.${didYouMean(wanted, known)} There are: ${listed(known, 40) || "none"}`,
  );
};
