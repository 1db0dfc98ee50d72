/**
 * Server-sent events. A reader that comes back with the number it saw last gets what happened since from the store, then what
 * happens. One that does not read is cut off: it can come back, and nothing waits for it meanwhile.
 *
 * 1. `lastSeq` is read, pages are read from the store and written until nothing is missing up to it.
 * 2. In the turn in which that is so the reader joins the feed: an event is told by one of the two, and by neither twice.
 */
import type { ServerResponse } from "node:http";
import type { Millis } from "../../machines/ports/ids.ts";
import type { FleetEventRow } from "../../machines/ports/records.ts";
import { ApiError } from "./errors.ts";
import type { EventFeed } from "./event-feed.ts";

export interface StreamLimits {
  readonly readers: number;
  /** Bytes that may wait for a reader. */
  readonly buffered: number;
  readonly heartbeat: Millis;
  /** For a reader that catches up to take a page. */
  readonly drainWithin: Millis;
}
export const STREAM_LIMITS: StreamLimits = { readers: 500, buffered: 1_048_576, heartbeat: 15_000, drainWithin: 10_000 };

export interface Wanted {
  /** The number that was seen last; null: only what happens from now on. */
  readonly after: number | null;
  readonly wants: (event: FleetEventRow) => boolean;
  /** False: the reader's key has ended, and so does its stream. */
  readonly isWelcome: () => boolean;
}
interface Options {
  readonly feed: EventFeed;
  readonly read: (afterSeq: number, limit: number) => Promise<readonly FleetEventRow[]>;
  readonly onCutOff: () => void;
  readonly limits?: Partial<StreamLimits>;
}

const PAGE = 200;

export class EventStreams {
  readonly #options: Options;
  readonly #limits: StreamLimits;
  readonly #readers = new Set<Reader>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #stopListening: () => void;

  constructor(options: Options) {
    this.#options = options;
    this.#limits = { ...STREAM_LIMITS, ...options.limits };
    this.#stopListening = options.feed.onEvents((events) => this.#tell(events));
    this.#heartbeat = setInterval(() => this.#beat(), this.#limits.heartbeat);
    this.#heartbeat.unref();
  }

  get count(): number {
    return this.#readers.size;
  }

  /** Takes the response over. Throws E_BUSY before that. */
  open(response: ServerResponse, headers: Readonly<Record<string, string>>, wanted: Wanted): void {
    const { feed } = this.#options;
    if (this.#readers.size >= this.#limits.readers)
      throw new ApiError("E_BUSY", `${this.#limits.readers} streams of events are open: close one, or ask again later`, {
        headers: { "retry-after": "30" },
      });
    const reader: Reader = { response, wanted, cursor: Math.min(wanted.after ?? feed.lastSeq, feed.lastSeq), isLive: false };
    this.#readers.add(reader);
    response.once("close", () => this.#readers.delete(reader));
    response.on("error", () => this.#end(reader));
    response.writeHead(200, { ...headers, "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" });
    response.write(": greenroom\nretry: 2000\n\n");
    void this.#catchUp(reader).catch(() => this.#end(reader));
  }

  close(): void {
    clearInterval(this.#heartbeat);
    this.#stopListening();
    for (const reader of this.#readers) reader.response.end();
    this.#readers.clear();
  }

  async #catchUp(reader: Reader): Promise<void> {
    const { feed, read } = this.#options;
    while (reader.cursor < feed.lastSeq) {
      const rows = await read(reader.cursor, PAGE);
      if (!this.#readers.has(reader)) return;
      this.#write(reader, framesFor(reader, rows, new Map()));
      if (!this.#readers.has(reader)) return;
      reader.cursor = rows.at(-1)?.seq ?? feed.lastSeq;
      if (reader.response.writableNeedDrain && !(await drained(reader.response, this.#limits.drainWithin)))
        return this.#cutOff(reader);
    }
    reader.isLive = true;
  }

  #tell(events: readonly FleetEventRow[]): void {
    const frames = new Map<number, string>();
    for (const reader of this.#readers) {
      if (!reader.isLive) continue;
      const text = framesFor(reader, events, frames);
      reader.cursor = events.at(-1)?.seq ?? reader.cursor;
      this.#write(reader, text);
    }
  }

  /** With the number that has been reached: who filters much need not begin far back the next time. */
  #beat(): void {
    for (const reader of this.#readers) {
      if (!reader.wanted.isWelcome()) this.#end(reader);
      else this.#write(reader, reader.isLive ? `: alive\nid: ${reader.cursor}\n\n` : ": alive\n\n");
    }
  }

  #write(reader: Reader, text: string): void {
    if (text === "") return;
    if (reader.response.writableLength > this.#limits.buffered) this.#cutOff(reader);
    else reader.response.write(text);
  }
  #cutOff(reader: Reader): void {
    if (!this.#readers.has(reader)) return;
    this.#end(reader);
    this.#options.onCutOff();
  }
  #end(reader: Reader): void {
    this.#readers.delete(reader);
    reader.response.destroy();
  }
}

interface Reader {
  readonly response: ServerResponse;
  readonly wanted: Wanted;
  /** The newest that it was told, or that it does not want. */
  cursor: number;
  isLive: boolean;
}

/** `frames`: each event is written once, however many readers there are. */
const framesFor = ({ wanted, cursor }: Reader, events: readonly FleetEventRow[], frames: Map<number, string>): string => {
  let text = "";
  for (const event of events) {
    if (event.seq <= cursor || !wanted.wants(event)) continue;
    let frame = frames.get(event.seq);
    if (frame === undefined) {
      frame = `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
      frames.set(event.seq, frame);
    }
    text += frame;
  }
  return text;
};

const drained = (response: ServerResponse, within: Millis): Promise<boolean> =>
  new Promise((resolve) => {
    const done = (isDrained: boolean) => () => {
      clearTimeout(timer);
      response.off("drain", onDrain);
      response.off("close", onClose);
      resolve(isDrained);
    };
    const [onDrain, onClose] = [done(true), done(false)];
    const timer = setTimeout(done(false), within);
    response.once("drain", onDrain);
    response.once("close", onClose);
  });
