/** What was decided: failovers, the audit. */
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { next, nextOf, pageQuery, sliceOf } from "../paging.ts";
import { ok, route, type Route } from "../route.ts";
import { VIEWER_CSP } from "../viewer.ts";
import { auditEntry, failover, list, seatName } from "../schemas.ts";

const NO_FAILOVER = "there is no failover of that id: GET /v1/failovers lists them";

export const recordRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/failovers",
    id: "listFailovers",
    tag: "records",
    summary: "Changes of holder, newest first: failovers, switchovers, failbacks",
    role: "viewer",
    query: z.strictObject({ ...pageQuery, seat: seatName.optional() }),
    answers: { 200: z.strictObject({ failovers: list(failover), next }) },
    refuses: ["E_UNKNOWN_SEAT"],
    handle: async ({ scope, store }, { query }) => {
      const seats = query.seat !== undefined ? [scope.seatNamed(query.seat)] : scope.isWhole ? null : scope.seats();
      const page = await store.failovers(seats, sliceOf(query));
      return ok({ failovers: page.rows, next: nextOf(page) });
    },
  }),
  route({
    method: "GET",
    path: "/v1/failovers/{failover}",
    id: "getFailover",
    tag: "records",
    summary: "One change of holder, step by step",
    role: "viewer",
    params: z.strictObject({ failover: z.string().min(1).max(200) }),
    answers: { 200: failover },
    refuses: ["E_UNKNOWN_FAILOVER"],
    handle: async ({ scope, store }, { params }) => {
      const record = await store.failover(params.failover);
      if (record && scope.seat(record.seat)) return ok(record);
      throw new ApiError("E_UNKNOWN_FAILOVER", NO_FAILOVER);
    },
  }),
  route({
    method: "GET",
    path: "/v1/failovers/{failover}/replay",
    id: "replayFailover",
    tag: "records",
    summary: "A page that plays what every chart did around a change of holder",
    description: "Out of the journal, which keeps the last 200,000 inputs. Add `#failover=ID` to open it there.",
    role: "viewer",
    isWhole: true,
    params: z.strictObject({ failover: z.string().min(1).max(200) }),
    types: ["text/html"],
    answers: { 200: z.string() },
    refuses: ["E_UNKNOWN_FAILOVER", "E_NO_JOURNAL"],
    handle: async ({ store, replay }, { params }) => {
      const record = await store.failover(params.failover);
      if (!record) throw new ApiError("E_UNKNOWN_FAILOVER", NO_FAILOVER);
      const page = await replay(record);
      if (page === null)
        throw new ApiError("E_NO_JOURNAL", "the journal no longer reaches back so far: its steps are in words still");
      return ok(page, { "content-type": "text/html; charset=utf-8", "content-security-policy": VIEWER_CSP });
    },
  }),
  route({
    method: "GET",
    path: "/v1/audit",
    id: "listAudit",
    tag: "records",
    summary: "Who decided what, and on which evidence, newest first",
    role: "viewer",
    query: z.strictObject({
      ...pageQuery,
      subject: z.string().min(1).max(200).optional().describe("A seat, account, device, line, or `fleet`."),
    }),
    answers: { 200: z.strictObject({ audit: list(auditEntry), next }) },
    refuses: ["E_UNKNOWN_SUBJECT"],
    handle: async ({ scope, store }, { query }) => {
      const subjects =
        query.subject !== undefined ? [scope.subjectNamed(query.subject)] : scope.isWhole ? null : scope.subjects();
      const page = await store.audit(subjects, sliceOf(query));
      return ok({ audit: page.rows, next: nextOf(page) });
    },
  }),
];
