/** How an account did of late: what a person looks at who wonders whether to trust it. */
import { z } from "zod";
import { saneRows } from "../../metrics/sane-rows.ts";
import { ok, route, type Route } from "../route.ts";
import { list, name } from "../schemas.ts";

const HOUR = 3_600_000;
const ms = z.number().nullable();
const check = z.strictObject({
  at: z.number(),
  device: z.string(),
  standing: z.enum(["good", "capped", "restricted", "banned"]).nullable().describe("null: the check was not answered."),
  cap: z.number().nullable().describe("New chats that are left; null: WhatsApp did not say."),
  preKeys: z
    .number()
    .nullable()
    .describe("Keys of the device that WhatsApp has left for people who write to it first; null: it did not say."),
});
const probes = z.strictObject({
  at: z.number().describe("When the minute began."),
  probes: z.int(),
  unanswered: z.int(),
  mean: ms.describe("Milliseconds from a probe to its answer."),
  longest: ms,
});
const acks = z.strictObject({
  at: z.number().describe("When the minute began."),
  sent: z.int(),
  acked: z.int(),
  failed: z.int(),
  p99: ms.describe("Milliseconds from a send to WhatsApp's ack."),
});
export const health = z
  .strictObject({
    account: z.string(),
    checks: list(check).describe("Deep checks, oldest first."),
    probes: list(probes),
    acks: list(acks).describe("Of messages that it sent for the lines it works for."),
  })
  .meta({ id: "AccountHealth" });

export const healthRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/accounts/{account}/health",
    id: "getAccountHealth",
    tag: "accounts",
    summary: "Deep checks, probes and acknowledgements of an account in the last hour",
    description: "Checks and probes since the supervisor was started.",
    role: "viewer",
    params: z.strictObject({ account: name }),
    answers: { 200: health },
    refuses: ["E_UNKNOWN_ACCOUNT"],
    handle: async ({ views, scope, health: log }, { params }) => {
      const account = scope.accountNamed(params.account);
      const since = views.now() - HOUR;
      const lines = scope.lines().filter((line) => {
        const { masters = [], servants = [] } = views.roster().lines.get(line) ?? {};
        return masters.includes(account) || servants.includes(account);
      });
      const rows = await Promise.all(lines.map(async (line) => (await views.ask("performance.read", { line, since })).rows));
      const mine = saneRows(rows.flat(), views.now()).rows.filter((row) => row.account === account);
      return ok({
        account,
        checks: log.checks(account),
        probes: log.minutes(account).filter(({ at }) => at > since),
        acks: mine.map(({ at, sent, acked, failed, p99 }) => ({ at, sent, acked, failed, p99 })),
      });
    },
  }),
];
