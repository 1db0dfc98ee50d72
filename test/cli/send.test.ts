/** What `greenroom send` makes of its options, against a socket that takes whatever it is asked. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SeatId } from "../../machines/ports/ids.ts";
import { type ControlHandlers, REQUESTS } from "../../src/runtime/control-protocol.ts";
import { type ControlServer, serveControl } from "../../src/runtime/control-server.ts";
import type { Ended } from "./process.ts";
import { inside } from "./inside.ts";

describe("greenroom send", () => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-send-"));
  const socket = join(folder, "g.sock");
  const asked: object[] = [];
  let control: ControlServer;
  beforeAll(async () => {
    const other = (): never => {
      throw new Error("only send is asked for");
    };
    const handlers = Object.fromEntries(Object.keys(REQUESTS).map((op) => [op, other])) as unknown as ControlHandlers;
    control = await serveControl({
      path: socket,
      handlers: {
        ...handlers,
        send: (request) => {
          asked.push(request);
          return { id: "m1", seat: "sales/sales-1" as SeatId, duplicate: false };
        },
      },
      onFault: () => undefined,
    });
  });
  afterAll(async () => {
    await control.close();
    rmSync(folder, { recursive: true });
  });

  const send = (...args: string[]): Promise<Ended> => inside(["send", "sales", "49170", ...args], { GREENROOM_SOCKET: socket });

  it.each<[string[], object]>([
    [["hello"], { text: "hello" }],
    [["yes", "--reply-to", "m7"], { content: { kind: "text", text: "yes", replyTo: "m7" } }],
    [["--image", "a.jpg", "--caption", "hi"], { content: { kind: "image", file: resolve("a.jpg"), caption: "hi" } }],
    [
      ["look", "--video", "/tmp/a.mp4", "--key", "k"],
      { content: { kind: "video", file: "/tmp/a.mp4", caption: "look" }, key: "k" },
    ],
    [["--audio", "/a.mp3"], { content: { kind: "audio", file: "/a.mp3" } }],
    [["--voice", "/a.ogg", "--reply-to", "m7"], { content: { kind: "audio", file: "/a.ogg", voice: true, replyTo: "m7" } }],
    [["--document", "/a.pdf"], { content: { kind: "document", file: "/a.pdf" } }],
    [["--location", "-33.5,151.25"], { content: { kind: "location", latitude: -33.5, longitude: 151.25 } }],
    [["--contact", "Ana: B:+49170"], { content: { kind: "contact", name: "Ana: B", phone: "+49170" } }],
    [["--react", "👍", "--reply-to", "m7"], { content: { kind: "reaction", to: "m7", emoji: "👍" } }],
  ])("%j asks for what it says", async (args, request) => {
    asked.length = 0;
    expect(await send(...args)).toEqual({ code: 0, stdout: "Accepted: m1, by sales/sales-1\n", stderr: "" });
    expect(asked).toEqual([{ line: "sales", to: "49170", ...request }]);
  });

  it.each<[string[], RegExp]>([
    [["--react", "👍"], /--react needs --reply-to/],
    [["--image", "a", "--video", "b"], /a message is one thing/],
    [["hello", "--caption", "x"], /--caption belongs to/],
    [["one", "--image", "a", "--caption", "two"], /give the caption once/],
    [["hello", "--voice", "a.ogg"], /has no text/],
    [["--location", "north"], /expected latitude and longitude/],
    [["--contact", "Ana"], /expected a name and a number/],
  ])("%j is refused before anything is asked", async (args, reason) => {
    asked.length = 0;
    const { code, stderr } = await send(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(reason);
    expect(asked).toEqual([]);
  });
});
