/** Names, rows and a promise for the store suite. */
import type {
  ConversationId,
  DeviceId,
  LeaseTerm,
  MessageId,
  SeatId,
  WaId,
  ContactId,
  FailoverId,
  RequestId,
} from "../../machines/ports/ids.ts";
import { accountId, lineId, nodeId, seatTerm } from "../../machines/ports/ids.ts";
import type { Clock } from "../../machines/ports/clock.ts";
import type { AlertRow, AuditDraft, FailoverRecord } from "../../machines/ports/records.ts";
import type {
  FleetDeclaration,
  InboundDraft,
  MessageContent,
  OutboxDraft,
  PerformanceRow,
  StoreAnswer,
  StoreCommand,
  StoreOp,
  StoreOps,
  StorePort,
} from "../../machines/ports/store.ts";

/** A question without its number. */
export type Question<K extends StoreOp = StoreOp> = { [P in K]: { op: P } & StoreOps[P]["in"] }[K];
type KindsOf<K extends StoreOp> = StoreAnswer<K>["kind"];
type CommitIn = StoreOps["keys.commit"]["in"];

export interface StoreUnderTest {
  ask<K extends StoreOp>(question: Question<K>): Promise<StoreAnswer<K>>;
  /** Asks, and throws unless the answer is of this kind. */
  expect<K extends StoreOp, A extends KindsOf<K>>(kind: A, question: Question<K>): Promise<Extract<StoreAnswer<K>, { kind: A }>>;
  commit(over: Partial<CommitIn> & Pick<CommitIn, "device" | "leaseTerm">): Promise<StoreAnswer<"keys.commit">>;
  /** The process ends without a word and starts anew on the same durable state. */
  restart(): Promise<void>;
  /** Time goes on for the store. */
  advance(by: number): void;
  dispose(): Promise<void>;
}
export interface MakeStore {
  (): Promise<StoreUnderTest>;
  readonly traits: {
    /** The dead process' leases are free at once; otherwise only when they expire. */
    readonly restartFreesLeases: boolean;
  };
}

/** Stands still but for `advance`; timers fire in the next turn, whatever they wait for. */
export const createTestClock = (): Clock & { advance(by: number): void } => {
  let now = 1_000_000;
  return {
    now: () => now,
    setTimeout: (fire) => setImmediate(fire),
    clearTimeout: (timer) => clearImmediate(timer as NodeJS.Immediate),
    advance: (by) => {
      now += by;
    },
  };
};

export interface Opened {
  readonly store: StorePort;
  restart(): Promise<StorePort>;
  advance(by: number): void;
  dispose(): Promise<void>;
}

/** Puts the promise on a port. */
export const underTest = (opened: Opened): StoreUnderTest => {
  let port = opened.store;
  let asked = 0;
  const ask = <K extends StoreOp>(question: Question<K>): Promise<StoreAnswer<K>> =>
    new Promise((resolve) => {
      const command = { ...question, reqId: `r${++asked}` as RequestId } as unknown as StoreCommand<K>;
      port.ask(command, resolve);
    });
  return {
    ask,
    expect: (async (kind: string, question: Question) => {
      const answer = await ask(question);
      if (answer.kind !== kind) throw new Error(`${question.op} was answered ${JSON.stringify(answer)} instead of ${kind}`);
      return answer;
    }) as unknown as StoreUnderTest["expect"],
    commit: (over) => ask({ op: "keys.commit", keys: [], creds: null, inbound: [], attempt: null, ...over }),
    async restart() {
      port = await opened.restart();
    },
    advance: (by) => opened.advance(by),
    dispose: () => opened.dispose(),
  };
};

export const account = accountId;
export const line = lineId;
export const node = nodeId;
export { seatTerm };
export const device = (name: string): DeviceId => name as DeviceId;
export const seat = (name: string): SeatId => name as SeatId;
export const conversation = (name: string): ConversationId => name as ConversationId;
export const contact = (n: number): ContactId => `c:${n}` as ContactId;
export const leaseTerm = (n: number): LeaseTerm => n as LeaseTerm;
export const messageId = (n: number): MessageId => `M${String(n).padStart(6, "0")}` as MessageId;
export const waId = (n: number): WaId => `3EB0${n}` as WaId;
export const address = (n: number): string => `${n}@s.whatsapp.net`;
export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

export const declaration: FleetDeclaration = {
  accounts: [
    { id: account("sales-1"), role: "master", devices: [device("sales-1/a"), device("sales-1/b")] },
    { id: account("sales-2"), role: "master", devices: [device("sales-2/a")] },
    { id: account("helper"), role: "servant", devices: [device("helper/a")] },
  ],
  lines: [
    { id: line("sales"), masters: [account("sales-1"), account("sales-2")], servants: [account("helper")], strategy: "sticky" },
  ],
};

export const audit: AuditDraft = {
  at: 1,
  actor: "test",
  action: "tested",
  subject: "sales/sales-1",
  text: "a test",
  evidence: { n: 1 },
};

export const failover = (id: string): FailoverRecord => ({
  id: id as FailoverId,
  seat: seat("sales/sales-1"),
  cause: "silent",
  from: device("sales-1/a"),
  to: null,
  termBefore: seatTerm(0),
  termAfter: null,
  outcome: "running",
  ladder: null,
  lastEvidenceAt: 1.5,
  detectedAt: 2,
  chosenAt: null,
  committedAt: null,
  inServiceAt: null,
  endedAt: null,
  steps: [{ at: 2, text: "silent for 4.5 s" }],
});

export const alert = (key: string, raisedAt: number, state: AlertRow["state"], repeats: number): AlertRow => ({
  key,
  rule: "device.failed",
  subject: "sales-1/a",
  level: "critical",
  state,
  text: "failed",
  raisedAt,
  resolvedAt: state === "resolved" ? raisedAt + 1 : null,
  repeats,
});

export const draft = (n: number, over: Partial<OutboxDraft> = {}): OutboxDraft => ({
  id: messageId(n),
  waId: waId(n),
  line: line("sales"),
  seat: seat("sales/sales-1"),
  conversation: conversation("sales|c:1"),
  contact: contact(1),
  content: { kind: "text", text: `message ${n}` },
  priority: 5,
  expiresAt: null,
  idempotencyKey: null,
  acceptedAt: 1000 + n,
  ...over,
});

export const inbound = (n: number, over: Partial<InboundDraft> = {}): InboundDraft => ({
  account: account("sales-1"),
  device: device("sales-1/a"),
  waId: waId(n),
  chat: address(1),
  sender: address(1),
  fromMe: false,
  proto: new Uint8Array([n, 0, 255]),
  sentAt: 10,
  receivedAt: 20,
  ...over,
});

const MEDIA = { id: "ab12", bytes: 77, mimetype: "image/png" };
/** One of each that is neither text nor raw, with all that it may say, and with as little. */
export const KINDS: readonly MessageContent[] = [
  { kind: "image", media: MEDIA, caption: "né 👋", replyTo: waId(7) },
  { kind: "video", media: MEDIA },
  { kind: "audio", media: MEDIA, voice: true, seconds: 3 },
  { kind: "document", media: MEDIA, fileName: "plan.pdf" },
  { kind: "location", latitude: -33.8688, longitude: 151.2093, name: "Sydney", address: "1 Macquarie St" },
  { kind: "contact", name: "Ana", phone: "491701234567" },
  { kind: "reaction", to: waId(7), emoji: "" },
];

export const performance = (at: number, of: string, over: Partial<PerformanceRow> = {}): PerformanceRow => ({
  at,
  line: line("sales"),
  seat: seat("sales/sales-1"),
  account: account(of),
  strategy: "round-robin",
  begun: 1,
  sent: 5,
  acked: 4,
  failed: 1,
  p50: 120,
  p99: null,
  ...over,
});
