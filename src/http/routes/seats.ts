/** Seats: who speaks for them, why, and moving them. */
import { z } from "zod";
import type { FailoverAnswer, WhyAnswer } from "../../runtime/control-protocol.ts";
import { deviceView } from "./devices.ts";
import { ApiError, type ProblemCode } from "../errors.ts";
import { matchOf, withTag } from "../etag.ts";
import { answer, type Caller, ok, route, type Route } from "../route.ts";
import { auditEntry, device, deviceName, failover, list, seat, seatParams } from "../schemas.ts";

const why = z
  .strictObject({
    seat,
    holder: device.nullable(),
    failovers: list(failover).describe("Of this seat, newest first."),
    audit: list(auditEntry).describe("About this seat, newest first."),
  })
  .meta({ id: "SeatInDetail" });
const underWay = z
  .strictObject({ seat: z.string(), detail: z.string() })
  .describe("It has not ended yet: look at the seat, or listen to events.");

const REFUSES: readonly ProblemCode[] = ["E_UNKNOWN_SEAT", "E_UNKNOWN_DEVICE", "E_REFUSED", "E_CHANGED"];
const to = deviceName.optional().describe("The device that is to speak; left out: the one that ranks first.");

type Move = "failover" | "switchover" | "failback";
const move = (how: Move, summary: string, description: string): Route =>
  route({
    method: "POST",
    path: `/v1/seats/{line}/{account}/${how}`,
    id: how,
    tag: "seats",
    summary,
    description: `${description} With \`If-Match: "TERM"\` only if nobody has moved it since it was looked at.`,
    role: "operator",
    params: seatParams,
    body: how === "failback" ? z.strictObject({}) : z.strictObject({ to }),
    answers: { 200: failover, 202: underWay },
    refuses: REFUSES,
    handle: async (caller, { params, body, headers }) => {
      const id = caller.scope.seatNamed(`${params.line}/${params.account}`);
      const match = matchOf(headers);
      if (match !== null) mustMatch(await caller.handlers.why({ seat: id }), match);
      const end = await moved(caller, how, id, (body as { to?: string }).to);
      return end.inTime ? ok(end.record) : answer(202, { seat: end.seat, detail: `${end.seat} is still being moved` });
    },
  });

const moved = async ({ handlers, scope }: Caller, how: Move, id: string, target: string | undefined): Promise<FailoverAnswer> => {
  if (how === "failback") return handlers.failback({ seat: id });
  return handlers[how](target === undefined ? { seat: id } : { seat: id, to: scope.deviceNamed(target) });
};

const mustMatch = ({ seat: { id, term } }: WhyAnswer, match: readonly string[]): void => {
  if (match.includes(String(term))) return;
  throw new ApiError("E_CHANGED", `${id} is in term ${term} by now: look at it again`);
};

export const seatRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/seats",
    id: "listSeats",
    tag: "seats",
    summary: "All seats, with their holders and queues",
    role: "viewer",
    answers: { 200: z.strictObject({ seats: list(seat) }) },
    handle: async ({ views, scope }) => ok({ seats: await views.seats(scope.seats()) }),
  }),
  route({
    method: "GET",
    path: "/v1/seats/{line}/{account}",
    id: "getSeat",
    tag: "seats",
    summary: "Who speaks for a seat, and why: the last decisions with their evidence",
    role: "viewer",
    params: seatParams,
    answers: { 200: why },
    refuses: ["E_UNKNOWN_SEAT"],
    handle: async ({ handlers, scope }, { params }) => {
      const {
        now: _,
        speaker: _account,
        holder,
        ...rest
      } = await handlers.why({ seat: scope.seatNamed(`${params.line}/${params.account}`) });
      const body = { ...rest, holder: holder && deviceView(holder, scope) };
      return ok(body, withTag(rest.seat.term));
    },
  }),
  move(
    "switchover",
    "Move a seat with nothing under way",
    "No message is lost, doubled or reordered. Refused with the reason if the target can't deliver; the holder then goes on.",
  ),
  move("failover", "Move a seat at once", "Whatever is under way. What was not answered is resolved or held."),
  move("failback", "Switch a seat over to its own account", "Once that is well again."),
];
