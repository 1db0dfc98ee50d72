/** What a person should know: looked up, acknowledged, silenced and summed up; and the channels over which people are told. */
import { z } from "zod";
import type { AlertAnswers } from "../../alerts/requests.ts";
import { REPORTS } from "../../alerts/report.ts";
import { ControlError } from "../../runtime/control-protocol.ts";
import { ApiError, type ProblemCode } from "../errors.ts";
import { next, nextOf, pageQuery, sliceOf } from "../paging.ts";
import { answer, type Caller, ok, route, type Route } from "../route.ts";
import { alertRecord, list, silence } from "../schemas.ts";

const name = z.string().min(1).max(300);
const time = z.coerce.number().int().min(0).max(8_640_000_000_000_000);
/** 30 days. */
const LONGEST_SILENCE = 30 * 86_400_000;

/** How a history is searched. */
const wanted = {
  rule: name.optional().describe("A rule, or `device.*` for a family."),
  subject: name.optional().describe("An account means its devices as well, a line its seats."),
  from: time.optional().describe("Raised then or later. Milliseconds since the epoch."),
  to: time.optional().describe("Raised before."),
};
interface Wanted {
  readonly rule?: string | undefined;
  readonly subject?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}
const filterOf = ({ rule, subject, from, to }: Wanted) => ({
  rule: rule ?? null,
  subject: subject ?? null,
  from: from ?? null,
  to: to ?? null,
});

const notice = z
  .strictObject({
    id: z.string(),
    at: z.number(),
    channel: z.string(),
    kinds: list(z.enum(["raised", "escalated", "unacknowledged", "resolved"])).describe("What was said of this alert."),
    state: z.enum(["pending", "delivered", "dropped", "failed"]),
    attempts: z.int().min(0),
    outcome: z.string().nullable(),
    endedAt: z.number().nullable(),
  })
  .meta({ id: "Notice" });
const shown = z
  .strictObject({ alert: alertRecord, notices: list(notice), silencedBy: list(silence) })
  .meta({ id: "AlertInDetail" });
export const channel = z
  .strictObject({
    name: z.string(),
    kind: z.string(),
    waiting: z.int().min(0).describe("Notices that it has not taken yet."),
    failing: z.boolean(),
  })
  .meta({ id: "Channel" });
const span = z.number().nullable();
export const reportRow = z
  .strictObject({
    name: z.string().describe("The day, account or rule."),
    alerts: z.int().min(0),
    critical: z.int().min(0),
    open: z.int().min(0),
    acknowledged: z.int().min(0),
    toAcknowledge: span.describe("Median, milliseconds; null: none was."),
    toResolve: span.describe("Median, milliseconds; null: none is."),
    longest: span,
  })
  .meta({ id: "AlertReportRow" });

const params = z.strictObject({ alert: name.describe("Its key, or its subject if that has one open alert.") });

/** What is not known there is a thing of a kind of its own here. `words`: instead of those that name what others may see. */
const known = async <T>(code: ProblemCode, ask: () => Promise<T> | T, words?: string): Promise<T> => {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ControlError && error.code === "E_UNKNOWN_SUBJECT") throw new ApiError(code, words ?? error.message);
    throw error;
  }
};

const NO_ALERT = "there is no such alert, or not only one: GET /v1/alerts lists them";
/** What the caller may see of it. To others it is not there. */
const seen = async ({ handlers, scope }: Caller, alert: string): Promise<AlertAnswers["alertShow"]> => {
  const found = await known("E_UNKNOWN_ALERT", () => handlers.alertShow({ alert }), NO_ALERT);
  if (scope.subject(found.alert.subject)) return found;
  throw new ApiError("E_UNKNOWN_ALERT", NO_ALERT);
};

export const alertRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/alerts",
    id: "listAlerts",
    tag: "alerts",
    summary: "What a person should know, newest first",
    description: "For a key that is bound to lines a page may hold fewer than `limit`, even none, and not be the last.",
    role: "viewer",
    query: z.strictObject({
      ...pageQuery,
      ...wanted,
      state: z.enum(["open", "all"]).default("open").describe("`all`: resolved ones, too."),
    }),
    answers: { 200: z.strictObject({ alerts: list(alertRecord), next }) },
    handle: async ({ scope, store }, { query }) => {
      const page = await store.alerts({ ...filterOf(query), openOnly: query.state === "open" }, sliceOf(query));
      return ok({ alerts: page.rows.filter(({ subject }) => scope.subject(subject)), next: nextOf(page) });
    },
  }),
  route({
    method: "GET",
    path: "/v1/alerts/{alert}",
    id: "getAlert",
    tag: "alerts",
    summary: "The newest alert of a key, with what people were told of it",
    role: "viewer",
    params,
    answers: { 200: shown },
    refuses: ["E_UNKNOWN_ALERT"],
    handle: async (caller, { params: { alert } }) => {
      const found = await seen(caller, alert);
      const about = found.alert.key;
      const notices = found.notices.map(({ items, ...rest }) => ({
        ...rest,
        kinds: items.filter(({ key }) => key === about).map(({ kind }) => kind),
      }));
      return ok({ alert: found.alert, notices, silencedBy: found.silencedBy });
    },
  }),
  route({
    method: "POST",
    path: "/v1/alerts/{alert}/acknowledge",
    id: "acknowledgeAlert",
    tag: "alerts",
    summary: "Somebody looks after it: nobody is told a second time",
    role: "operator",
    params,
    answers: { 200: alertRecord },
    refuses: ["E_UNKNOWN_ALERT", "E_REFUSED"],
    handle: async (caller, { params: { alert } }) => {
      const { key } = (await seen(caller, alert)).alert;
      return ok((await caller.handlers.alertAcknowledge({ alert: key })).alert);
    },
  }),
  route({
    method: "GET",
    path: "/v1/alert-report",
    id: "reportAlerts",
    tag: "alerts",
    summary: "How many alerts there were, and how soon they were seen and over, by day, account or rule",
    role: "viewer",
    isWhole: true,
    query: z.strictObject({ ...wanted, by: z.enum(REPORTS).default("rule") }),
    answers: { 200: z.strictObject({ rows: list(reportRow) }) },
    handle: async ({ handlers }, { query: { by, ...rest } }) =>
      ok({ rows: (await handlers.alertReport({ by, ...filterOf(rest) })).rows }),
  }),
  route({
    method: "GET",
    path: "/v1/silences",
    id: "listSilences",
    tag: "alerts",
    summary: "Silences in force, and to come",
    role: "viewer",
    isWhole: true,
    answers: { 200: z.strictObject({ silences: list(silence) }) },
    handle: async ({ handlers }) => ok({ silences: (await handlers.alertSilences({})).silences }),
  }),
  route({
    method: "POST",
    path: "/v1/silences",
    id: "addSilence",
    tag: "alerts",
    summary: "Tell nobody of what fits, for a while",
    description: "The record goes on. What still holds when the silence ends is told then.",
    role: "operator",
    isWhole: true,
    body: z.strictObject({
      rule: name.nullable().default(null),
      subject: name.nullable().default(null),
      from: z.int().min(0).nullable().default(null).describe("null: now."),
      for: z.int().min(1000).max(LONGEST_SILENCE).describe("Milliseconds."),
      why: z.string().max(500).default(""),
    }),
    answers: { 201: silence },
    handle: async ({ handlers }, { body }) => answer(201, (await handlers.alertSilence(body)).silence),
  }),
  route({
    method: "DELETE",
    path: "/v1/silences/{silence}",
    id: "endSilence",
    tag: "alerts",
    summary: "End a silence now",
    role: "operator",
    isWhole: true,
    params: z.strictObject({ silence: name }),
    answers: { 200: silence },
    refuses: ["E_UNKNOWN_SILENCE"],
    handle: async ({ handlers }, { params: { silence: id } }) =>
      ok((await known("E_UNKNOWN_SILENCE", () => handlers.alertUnsilence({ silence: id }))).silence),
  }),
  route({
    method: "GET",
    path: "/v1/channels",
    id: "listChannels",
    tag: "alerts",
    summary: "The channels over which people are told",
    role: "viewer",
    isWhole: true,
    answers: { 200: z.strictObject({ channels: list(channel) }) },
    handle: async ({ handlers }) => ok({ channels: (await handlers.alertSilences({})).channels }),
  }),
  route({
    method: "POST",
    path: "/v1/channels/{channel}/test",
    id: "testChannel",
    tag: "alerts",
    summary: "Send a notice through a channel, now",
    role: "operator",
    isWhole: true,
    params: z.strictObject({ channel: name }),
    answers: { 200: z.strictObject({ channel: name, ok: z.boolean(), outcome: z.string(), took: z.number() }) },
    refuses: ["E_UNKNOWN_CHANNEL"],
    handle: async ({ handlers }, { params: { channel: named } }) => {
      const { tested } = await known("E_UNKNOWN_CHANNEL", () => handlers.alertTest({ channel: named }));
      const [{ kind: _, ...result }] = tested as [(typeof tested)[number]];
      return ok(result);
    },
  }),
];
