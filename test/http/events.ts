/** Server-sent events over a real socket: nothing missed, nothing twice, filters, heartbeats, and who does not read is cut off. */
import { connect, type Socket } from "node:net";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { FleetEventRow } from "../../machines/ports/records.ts";
import type { Api } from "../../src/http/server.ts";
import type { ApiRig } from "./rig.ts";

interface Stream {
  readonly events: FleetEventRow[];
  /** Last `id:` that was seen: a browser would send it when it comes back. */
  readonly lastId: () => number;
  readonly text: () => string;
  readonly ended: Promise<void>;
}

export const events = (rigOf: () => ApiRig): void => {
  let rig: ApiRig;
  let api: Api;
  let address: string;
  const open: (() => void)[] = [];
  beforeAll(async () => {
    rig = rigOf();
    api = rig.make({ streams: { heartbeat: 30, buffered: 200_000, readers: 4, drainWithin: 100 } });
    address = await api.listen();
  });
  afterEach(async () => {
    for (const close of open.splice(0)) close();
    await rig.until(() => api.streams.count === 0);
  });

  const listen = async (query = "", headers: Record<string, string> = {}, key = rig.admin): Promise<Stream> => {
    const abort = new AbortController();
    open.push(() => abort.abort());
    const response = await fetch(`${address}/v1/events${query}`, {
      headers: { authorization: `Bearer ${key}`, accept: "text/event-stream", ...headers },
      signal: abort.signal,
    });
    if (response.status !== 200 || !response.body) throw new Error(`${response.status} ${await response.text()}`);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    const events: FleetEventRow[] = [];
    let text = "";
    let rest = "";
    let lastId = 0;
    const ended = (async () => {
      for await (const chunk of response.body ?? []) {
        const piece = Buffer.from(chunk).toString();
        text += piece;
        rest += piece;
        const frames = rest.split("\n\n");
        rest = frames.pop() ?? "";
        for (const frame of frames) {
          lastId = Number(/^id: (\d+)$/m.exec(frame)?.[1] ?? lastId);
          const data = /^data: (.*)$/m.exec(frame)?.[1];
          if (data !== undefined) events.push(JSON.parse(data) as FleetEventRow);
        }
      }
    })().catch(() => undefined);
    return { events, lastId: () => lastId, text: () => text, ended };
  };

  let told = 0;
  const tell = (count: number, type = "test.told", subject = "help/help-1", size = 0): void => {
    for (let n = 0; n < count; n++)
      rig.supervisor.report({ type, subject, data: { n: ++told, ...(size === 0 ? {} : { pad: "x".repeat(size) }) } });
  };
  const numbersIn = ({ events }: Pick<Stream, "events">): number[] => events.map(({ seq }) => seq);
  const isConsecutive = (numbers: readonly number[]): boolean =>
    numbers.every((n, place) => place === 0 || n === (numbers[place - 1] ?? 0) + 1);

  describe("a stream of events", () => {
    it("tells what happens, once it is durable, with the store's number", async () => {
      const stream = await listen();
      tell(3);
      await rig.until(() => stream.events.length >= 3);
      const page = await rig.ask("GET", `/v1/events?after=${(numbersIn(stream)[0] ?? 0) - 1}`);
      expect(stream.events).toEqual(page.body["events"]);
    });

    it("goes on after Last-Event-ID: what is durable already, then what happens, nothing missed and nothing twice", async () => {
      const before = rig.feed.lastSeq;
      tell(1200);
      await rig.until(() => rig.feed.lastSeq === before + 1200);
      const first = await listen("", { "last-event-id": String(before) });
      // What happens while the reader catches up, several times over.
      for (let round = 0; round < 20; round++) {
        tell(10);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await rig.until(() => first.events.length >= 1400);
      expect(numbersIn(first)[0]).toBe(before + 1);
      expect(isConsecutive(numbersIn(first))).toBe(true);
      const second = await listen(`?after=${before + 1390}`);
      await rig.until(() => second.events.length >= 10);
      expect(numbersIn(second)).toEqual(numbersIn(first).slice(1390));
    });

    it("tells what is wanted only, and remembers how far it has looked", async () => {
      const stream = await listen("?type=alert.*,seat.told&subject=sales/sales-1");
      tell(5);
      tell(1, "alert.told", "sales/sales-1");
      tell(1, "seat.told", "help/help-1");
      await rig.until(() => stream.events.length >= 1);
      expect(stream.events).toMatchObject([{ type: "alert.told", subject: "sales/sales-1" }]);
      await rig.until(() => stream.lastId() === rig.feed.lastSeq);
      expect(stream.events).toHaveLength(1);
      expect(stream.text()).toContain(": alive\n");
    });

    it("tells a key of one line nothing of another, nor of the whole fleet", async () => {
      const stream = await listen("", {}, await rig.key("viewer", ["help"]));
      tell(1, "test.told", "sales/sales-1");
      tell(1, "test.told", "fleet");
      tell(1, "test.told", "sales|c:1");
      tell(1, "test.told", "sales/sales-1#bulk-1");
      const own = ["help-1/a", "help|c:1", "help/help-1#bulk-1"];
      for (const subject of own) tell(1, "test.told", subject);
      await rig.until(() => stream.events.length >= own.length);
      expect(stream.events.map(({ subject }) => subject)).toEqual(own);
    });

    it("ends when its key is revoked", async () => {
      const key = await rig.key("viewer");
      const stream = await listen("", {}, key);
      await rig.keys.revoke(rig.keys.list().at(-1)?.id ?? "", "operator:test");
      await stream.ended;
      expect(api.streams.count).toBe(0);
    });

    it("is refused beyond the bound, and with a wrong number", async () => {
      for (let n = 0; n < 4; n++) await listen();
      await expect(listen()).rejects.toThrow(/^503 .*E_BUSY/);
      await expect(listen("", { "last-event-id": "yesterday" })).rejects.toThrow(/^400 .*last-event-id/);
      await expect(listen("?type=alert%0a")).rejects.toThrow(/^400/);
    });

    it("that begins beyond the newest number waits for the next", async () => {
      const stream = await listen("?after=9000000");
      tell(1);
      await rig.until(() => stream.events.length > 0);
      expect(numbersIn(stream)).toEqual([rig.feed.lastSeq]);
    });
  });

  describe("a reader that does not read", () => {
    /** Asks, and then reads nothing. */
    const deaf = async (query: string): Promise<Socket> => {
      const { port } = new URL(address);
      const socket = connect(Number(port), "127.0.0.1");
      open.push(() => socket.destroy());
      socket.on("error", () => undefined);
      await new Promise<void>((resolve) => socket.once("connect", resolve));
      socket.pause();
      socket.write(
        `GET /v1/events${query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${rig.admin}\r\nAccept: text/event-stream\r\n\r\n`,
      );
      await rig.until(() => api.streams.count > 0);
      return socket;
    };

    it("is cut off, while others are told everything", async () => {
      await deaf("");
      const stream = await listen();
      // More than the kernel takes for it, however large its buffers are; the other one keeps up.
      for (let round = 1; api.streams.count > 1; round++) {
        tell(5, "test.told", "help/help-1", 20_000);
        await rig.until(() => stream.events.length >= round * 5);
      }
      tell(1, "test.last");
      await rig.until(() => stream.events.at(-1)?.type === "test.last");
      expect(isConsecutive(numbersIn(stream))).toBe(true);
      expect(rig.log.some((line) => line.includes("too slow"))).toBe(true);
    });

    it("is cut off while it catches up, too", async () => {
      const cutOff = () => rig.log.filter((line) => line.includes("too slow")).length;
      const before = cutOff();
      await deaf("?after=1");
      await rig.until(() => api.streams.count === 0);
      expect(cutOff()).toBe(before + 1);
    });
  });
};
