/** A fleet as the operator wants it: checked, complete, in the machines' own types. */
import type { Timers } from "../../machines/account/timers.ts";
import type { Caps } from "../../machines/delivery/caps.ts";
import type { Pace } from "../../machines/delivery/pace.ts";
import type { Work } from "../../machines/delivery/work.ts";
import type { AccountId, DeviceId, LineId, Millis } from "../../machines/ports/ids.ts";
import type { FleetDeclaration, Role } from "../../machines/ports/store.ts";
import type { RetentionConfig } from "../runtime/retention.ts";
import type { About } from "./about.ts";
import type { AlertsConfig } from "./alerts.ts";
import type { WebhookSetting } from "./webhooks.ts";
import type { BalanceConfig } from "./balance-schema.ts";
import type { Secret } from "./secret.ts";

export interface AccountConfig {
  readonly id: AccountId;
  readonly role: Role;
  readonly devices: readonly DeviceId[];
  /** null: not paced. */
  readonly pacing: Pace | null;
  /** What it may send in an hour and in a day; left out: what it likes. */
  readonly caps?: Caps;
}
export interface LineConfig {
  readonly id: LineId;
  readonly masters: readonly AccountId[];
  readonly servants: readonly AccountId[];
  /** One of ours; who composes a node may name one of their own. */
  readonly strategy: string;
  /** What the strategy is told; left out: nothing. */
  readonly balance?: BalanceConfig | undefined;
  readonly failback: "manual" | "automatic";
  readonly rebalance: "manual" | "auto";
  /** What its servants do. */
  readonly work: readonly Work[];
  readonly whenNumberChanges: "hold" | "resend";
  readonly whenRefused: "reroute" | "fail";
  readonly outboxLimit: number;
}
export interface ApiConfig {
  readonly host: string;
  readonly port: number;
  /** Absolute. null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Bytes. */
  readonly maxBody: number;
  /** Of one key. */
  readonly rateLimit: { readonly perSecond: number; readonly burst: number };
}
export interface FleetConfig {
  /** The fleet file, absolute. */
  readonly file: string;
  readonly fleet: string;
  readonly store: {
    /** Absolute. */
    readonly file: string;
    /** null: from GREENROOM_KEY, else from `keyFile`, which is made at the first start. */
    readonly key: Secret | null;
    readonly keyFile: string;
  };
  readonly accounts: readonly AccountConfig[];
  readonly lines: readonly LineConfig[];
  /** What people call accounts, devices and lines; by their ids. */
  readonly about: Readonly<Record<string, About>>;
  readonly timers: Timers;
  readonly brake: { readonly seats: number; readonly share: number; readonly within: Millis };
  readonly reconnect: { readonly perSecond: number };
  /** null: none. */
  readonly api: ApiConfig | null;
  readonly alerts: AlertsConfig;
  readonly webhooks: readonly WebhookSetting[];
  readonly retention: RetentionConfig;
  /** Absolute; null: none. */
  readonly plugins: string | null;
  /** null: WhatsApp itself. */
  readonly whatsapp: {
    readonly url: string;
    readonly rootPublicKey: Uint8Array | null;
    readonly allowSelfSigned: boolean;
  } | null;
}

export const toDeclaration = ({ accounts, lines }: FleetConfig): FleetDeclaration => ({
  accounts: accounts.map(({ id, role, devices }) => ({ id, role, devices })),
  lines: lines.map(({ id, masters, servants, strategy }) => ({ id, masters, servants, strategy })),
});
