/** Media: uploaded once and named by messages, and fetched from those that people sent. */
import { Readable } from "node:stream";
import { z } from "zod";
import type { Held } from "../../runtime/media-desk.ts";
import { ApiError } from "../errors.ts";
import { answer, ok, route, type Route } from "../route.ts";

const upload = z
  .strictObject({
    id: z.string().describe("What `content.media` of a message names. The same bytes have the same id."),
    bytes: z.int(),
    mimetype: z.string().nullable().describe("What its first bytes say; null: nothing."),
  })
  .meta({ id: "Media" });
const BYTES = "application/octet-stream";

export const mediaRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/v1/media",
    id: "uploadMedia",
    tag: "media",
    summary: "Upload media, for as many messages as you like",
    description:
      "The body is the bytes, whatever its Content-Type; 100 MB at most, and what WhatsApp takes of each kind is looked at when a message names them. Kept for an hour until one does, and as long as one needs them; encrypted.",
    role: "operator",
    takesBytes: true,
    answers: { 201: upload },
    repeats: "own",
    handle: async ({ media }, { body }) => {
      if (!(body instanceof Readable))
        throw new ApiError("E_BAD_REQUEST", "body: there is none: it has to be the bytes of the media");
      const { id, bytes, mimetype } = await media.upload(body);
      return answer(201, { id, bytes, mimetype }, { location: `/v1/media/${id}` });
    },
  }),
  route({
    method: "GET",
    path: "/v1/media/{media}",
    id: "getMedia",
    tag: "media",
    summary: "What was uploaded",
    role: "operator",
    params: z.strictObject({ media: z.string().regex(/^[0-9a-f]{64}$/) }),
    answers: { 200: z.string() },
    types: [BYTES],
    refuses: ["E_NOT_FOUND"],
    handle: async ({ media }, { params }) => {
      const held = await media.stored(params.media);
      if (!held)
        throw new ApiError("E_NOT_FOUND", "there are no media of that id: unless a message needs them they are kept for an hour");
      return bytesOf(held, null);
    },
  }),
  route({
    method: "GET",
    path: "/v1/inbox/{seq}/media",
    id: "getInboxMedia",
    tag: "media",
    summary: "What came with a message: a picture, a video, audio, a document or a sticker",
    description:
      "Fetched from WhatsApp when it is asked for the first time, checked, and kept encrypted for an hour after it was last asked for. `x-media-id` is an id that a message may name, too. WhatsApp keeps media for some weeks.",
    role: "operator",
    params: z.strictObject({
      seq: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).describe("Its place in the inbox."),
    }),
    answers: { 200: z.string() },
    types: [BYTES],
    refuses: ["E_UNKNOWN_MESSAGE", "E_NOT_FOUND", "E_UNREACHABLE"],
    handle: async ({ media, arrivals, scope }, { params: { seq } }) => {
      const [message] = (await arrivals.page(seq - 1, 1)).messages;
      if (message?.seq !== seq || !scope.line(message.line))
        throw new ApiError("E_UNKNOWN_MESSAGE", `there is no message ${seq} in the inbox`);
      const held = message.media && (await media.received(message));
      if (!held) throw new ApiError("E_NOT_FOUND", `the message ${seq} came without media`);
      return bytesOf({ ...held, mimetype: message.media.mimetype ?? held.mimetype }, message.media.fileName);
    },
  }),
];

const TYPE = /^[\w.+-]+\/[\w.+-]+(?:; ?[\w=.+-]+)?$/;
/** Saved rather than shown: whoever sent it may have meant it for a browser. */
const bytesOf = ({ id, bytes, mimetype, read }: Held, fileName: string | null) =>
  ok(Readable.from(read()) as unknown as string, {
    "content-type": mimetype !== null && TYPE.test(mimetype) ? mimetype : BYTES,
    "content-length": String(bytes),
    "content-disposition": `attachment${fileName === null ? "" : `; filename*=UTF-8''${encodeURIComponent(fileName.toWellFormed())}`}`,
    "x-media-id": id,
  });
