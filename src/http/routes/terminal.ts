/** The terminal's own questions, for who works from another machine: `greenroom … --url`. */
import { z } from "zod";
import { ControlError, type ControlOp, LOCAL_OPS, REQUESTS } from "../../runtime/control-protocol.ts";
import { call } from "../../runtime/control-server.ts";
import { ok, route, type Route } from "../route.ts";

const OPS = (Object.keys(REQUESTS) as ControlOp[]).filter((op) => !LOCAL_OPS.has(op)) as [ControlOp, ...ControlOp[]];

export const terminalRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/v1/terminal",
    id: "askFromTerminal",
    tag: "fleet",
    summary: "What `greenroom … --url` asks",
    description:
      "For the terminal, whose questions and answers follow its version. Programs ask the other endpoints. What names files of the supervisor's machine, or ends it, can be asked on that machine only.",
    role: "admin",
    isWhole: true,
    body: z.strictObject({ op: z.enum(OPS), request: z.record(z.string(), z.unknown()) }),
    answers: { 200: z.strictObject({ answer: z.unknown() }) },
    repeats: "own",
    refuses: [
      "E_UNKNOWN_SEAT",
      "E_UNKNOWN_LINE",
      "E_UNKNOWN_ACCOUNT",
      "E_UNKNOWN_DEVICE",
      "E_UNKNOWN_MESSAGE",
      "E_UNKNOWN_SUBJECT",
      "E_UNKNOWN_KEY",
      "E_UNKNOWN_WEBHOOK",
      "E_REFUSED",
      "E_KEY_REUSED",
      "E_FULL",
      "E_UNREACHABLE",
    ],
    handle: async ({ handlers }, { body: { op, request } }) => {
      const { content } = request as { content?: { file?: unknown } };
      if (content?.file !== undefined)
        throw new ControlError("E_BAD_REQUEST", "content.file: files lie elsewhere: upload it, and name it as content.media");
      return ok({ answer: await call(handlers, op, request) });
    },
  }),
];
