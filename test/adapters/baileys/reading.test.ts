import { proto } from "@whiskeysockets/baileys";
import { expect, it } from "vitest";
import { contentOf } from "../../../src/adapters/baileys/reading.ts";

const read = (message: proto.IMessage) => contentOf(proto.Message.encode(message).finish());

it.each<[string, proto.IMessage, object]>([
  ["a plain text", { conversation: "hi" }, { kind: "text", text: "hi", replyTo: null }],
  [
    "an answer",
    { extendedTextMessage: { text: "yes", contextInfo: { stanzaId: "3A1" } } },
    { kind: "text", text: "yes", replyTo: "3A1" },
  ],
  ["a picture with a caption", { imageMessage: { caption: "look" } }, { kind: "image", text: "look", replyTo: null }],
  ["a voice message", { audioMessage: { ptt: true } }, { kind: "audio", text: null, replyTo: null }],
  [
    "a document in an envelope",
    { documentWithCaptionMessage: { message: { documentMessage: { caption: "the bill" } } } },
    { kind: "document", text: "the bill", replyTo: null },
  ],
  [
    "what disappears",
    { ephemeralMessage: { message: { conversation: "soon gone" } } },
    { kind: "text", text: "soon gone", replyTo: null },
  ],
  ["a reaction", { reactionMessage: { text: "👍", key: { id: "3A2" } } }, { kind: "reaction", text: "👍", replyTo: "3A2" }],
  ["a place", { locationMessage: { degreesLatitude: 1 } }, { kind: "location", text: null, replyTo: null }],
  ["a poll", { pollCreationMessageV3: { name: "when?" } }, { kind: "other", text: null, replyTo: null }],
  ["nothing", {}, { kind: "other", text: null, replyTo: null }],
])("tells what %s says", (_, message, content) => {
  expect(read(message)).toEqual(content);
});

it("takes bytes that are no message for something else, and does not fall over them", () => {
  expect(contentOf(new Uint8Array([255, 255, 255]))).toEqual({ kind: "other", text: null, replyTo: null });
});
