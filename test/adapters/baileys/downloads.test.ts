/** What comes with a message, from the loopback's media server: whole and unchanged, or not at all, and from nowhere else. */
import { encryptedStream, proto } from "@whiskeysockets/baileys";
import { randomBytes } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { request } from "node:https";
import { Readable } from "node:stream";
import { buffer, json } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Loopback, startLoopback } from "../../../sim/loopback/index.ts";
import { makeDownload } from "../../../src/adapters/baileys/index.ts";

const LIMIT = 3_000_000;
const PICTURE = randomBytes(1_234_567);

describe("media of a message", () => {
  let loopback: Loopback;
  let host: string;
  beforeAll(async () => {
    loopback = await startLoopback({ tlsPort: 0 });
    host = new URL(loopback.tlsUrl ?? "").host;
  });
  afterAll(() => loopback.close());

  /** As a phone does: sealed, put on the server, and named by the message. */
  const sent = async (change: (sealed: Buffer) => Buffer = (sealed) => sealed): Promise<proto.IMessage> => {
    const { encFilePath, mediaKey } = await encryptedStream({ stream: Readable.from([PICTURE]) }, "image");
    const sealed = await readFile(encFilePath);
    await rm(encFilePath);
    const answer = await new Promise<Readable>((resolve, reject) => {
      const post = request(`https://${host}/mms/image/x`, { method: "POST", rejectUnauthorized: false }, resolve);
      post.once("error", reject);
      post.end(change(sealed));
    });
    const { direct_path: directPath } = (await json(answer)) as { direct_path: string };
    return { imageMessage: { mediaKey, directPath, url: "https://127.0.0.1:1/elsewhere", mimetype: "image/png" } };
  };
  const fetched = async (message: proto.IMessage, limit = LIMIT): Promise<Buffer | null> => {
    const source = makeDownload({ host, allowSelfSigned: true })(proto.Message.encode(message).finish(), limit);
    return source && buffer(source);
  };

  it("come as they were, also in an envelope, and from the server, not from where the message says", async () => {
    const message = await sent();
    expect((await fetched(message))?.equals(PICTURE)).toBe(true);
    expect((await fetched({ viewOnceMessage: { message } }))?.equals(PICTURE)).toBe(true);
  });

  it("are refused where they are not what was sealed, cut off, too large, or gone", async () => {
    const changed = (sealed: Buffer): Buffer => {
      sealed[1000] = (sealed[1000] ?? 0) ^ 1;
      return sealed;
    };
    await expect(fetched(await sent(changed))).rejects.toThrow("not what was sent");
    await expect(fetched(await sent((sealed) => sealed.subarray(0, -16)))).rejects.toThrow("not what was sent");
    await expect(fetched(await sent(() => Buffer.alloc(4)))).rejects.toThrow("not what was sent");
    await expect(fetched(await sent(), 1_000_000)).rejects.toThrow("larger than 1,000,000 bytes");
    const { imageMessage } = await sent();
    await expect(fetched({ imageMessage: { ...imageMessage, directPath: "/media/none" } })).rejects.toThrow("any more");
  });

  it("are none where the message has none, or would have somebody else asked", async () => {
    const { imageMessage } = await sent();
    expect(await fetched({ conversation: "hello" })).toBeNull();
    expect(await fetched({ imageMessage: { ...imageMessage, directPath: "@127.0.0.1:9/x" } })).toBeNull();
    expect(await fetched({ imageMessage: { ...imageMessage, directPath: "" } })).toBeNull();
    expect(makeDownload({})(new Uint8Array([1, 2, 3]), LIMIT)).toBeNull();
  });
});
