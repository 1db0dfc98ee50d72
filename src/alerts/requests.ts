/** What a terminal or the API may ask about alerts: a part of `runtime/control-protocol.ts`. */
import { z } from "zod";
import type { Silence } from "../../machines/alerts/silence.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { Tested } from "./desk.ts";
import { type ReportRow, REPORTS } from "./report.ts";
import type { AlertHistoryRow, NoticeRow } from "./store.ts";

const name = z.string().min(1).max(300);
const time = z.int().min(0);
/** 30 days. */
const LONGEST_SILENCE: Millis = 30 * 86_400_000;
/** A rule, `device.*`, or none; a subject, or none: then it is any. */
const about = { rule: name.nullable().default(null), subject: name.nullable().default(null) };
const span = { from: time.nullable().default(null), to: time.nullable().default(null) };

export const ALERT_REQUESTS = {
  /** Newest first; open ones only unless `all`. `from` and `to`: when they were raised. */
  alerts: z.strictObject({ all: z.boolean().default(false), ...about, ...span, limit: z.int().min(1).max(1000).default(50) }),
  /** The newest alert of a key, with what people were told of it. */
  alertShow: z.strictObject({ alert: name }),
  /** A person has seen it: it is not told a second time. */
  alertAcknowledge: z.strictObject({ alert: name }),
  /** In force, or to come; and the channels. */
  alertSilences: z.strictObject({}),
  /** For so long nobody is told of what fits; from now, or from `from` on. */
  alertSilence: z.strictObject({
    ...about,
    from: time.nullable().default(null),
    for: z.int().min(1000).max(LONGEST_SILENCE),
    why: z.string().max(500).default(""),
  }),
  /** By its id. */
  alertUnsilence: z.strictObject({ silence: name }),
  /** A notice through each channel, or one: answered with what came of it. */
  alertTest: z.strictObject({ channel: name.nullable().default(null) }),
  alertReport: z.strictObject({ by: z.enum(REPORTS).default("rule"), ...about, ...span }),
} as const;

export interface AlertAnswers {
  readonly alerts: { readonly now: Millis; readonly alerts: readonly AlertHistoryRow[] };
  readonly alertShow: {
    readonly now: Millis;
    readonly alert: AlertHistoryRow;
    readonly notices: readonly NoticeRow[];
    readonly silencedBy: readonly Silence[];
  };
  readonly alertAcknowledge: { readonly now: Millis; readonly alert: AlertHistoryRow };
  readonly alertSilences: {
    readonly now: Millis;
    readonly silences: readonly Silence[];
    readonly channels: readonly {
      readonly name: string;
      readonly kind: string;
      readonly waiting: number;
      readonly failing: boolean;
    }[];
  };
  readonly alertSilence: { readonly silence: Silence };
  readonly alertUnsilence: { readonly silence: Silence };
  readonly alertTest: { readonly tested: readonly Tested[] };
  readonly alertReport: { readonly now: Millis; readonly rows: readonly ReportRow[] };
}
