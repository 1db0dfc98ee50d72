/** One websocket: handshake, then stanzas both ways, through two lanes that faults may slow or hold. */
import { inflateSync } from "node:zlib";
import { encodeBinaryNode } from "@whiskeysockets/baileys";
import * as tokens from "@whiskeysockets/baileys/lib/WABinary/constants.js";
import { decodeDecompressedBinaryNode } from "@whiskeysockets/baileys/lib/WABinary/decode.js";
import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import type { Device } from "./directory.ts";
import type { Dial } from "./faults/rule.ts";
import { FrameReader, frame } from "./frames.ts";
import { type Flow, Lane } from "./lane.ts";
import type { Node } from "./node.ts";
import type { Introduction, NoiseServer } from "./noise.ts";

export interface LinkHandlers {
  introduced(link: Link, introduction: Introduction): void;
  stanza(link: Link, node: Node): void;
  closed(link: Link): void;
  /** A stanza left so many milliseconds after it was to be sent. */
  waited(ms: number): void;
}

type Outgoing =
  | { readonly kind: "node"; readonly node: Node }
  | { readonly kind: "raw"; readonly body: Buffer }
  | { readonly kind: "pong"; readonly data: Buffer }
  | { readonly kind: "end" };

let lastLink = 0;
/** How long a released link is watched for the end of its client. */
const GRACE_MS = 30;
/** How long a link that was told goodbye may stay open. */
const GOODBYE_MS = 500;

export class Link {
  readonly id = ++lastLink;
  readonly since = Date.now();
  readonly dial: Dial;
  /** Known once the client has logged in. */
  device: Device | undefined;
  private readonly ws: WebSocket;
  private readonly socket: Duplex & { resetAndDestroy?: () => void };
  private readonly noise: NoiseServer;
  private readonly handlers: LinkHandlers;
  private readonly reader = new FrameReader();
  private readonly inbound = new Lane<Buffer>((data) => this.read(data));
  private readonly outbound = new Lane<Outgoing>(
    (item) => this.write(item),
    (ms) => this.handlers.waited(ms),
  );
  private readonly batched: Buffer[] = [];
  private grace: NodeJS.Timeout | undefined;
  private stage: "hello" | "final" | "open" | "closed" = "hello";

  constructor(ws: WebSocket, socket: Duplex, dial: Dial, noise: NoiseServer, handlers: LinkHandlers) {
    this.ws = ws;
    this.socket = socket;
    this.dial = dial;
    this.noise = noise;
    this.handlers = handlers;
    ws.on("message", (data: RawData) => this.inbound.push(data as Buffer));
    ws.on("ping", (data: Buffer) => this.outbound.push({ kind: "pong", data }));
    ws.on("error", () => this.destroy());
    ws.on("close", () => this.gone());
  }

  get isOpen(): boolean {
    return this.stage !== "closed";
  }

  /** Whether stanzas pass in both directions at present. */
  get flows(): boolean {
    return this.isOpen && !this.inbound.held && !this.outbound.held;
  }

  /** `lateMs`: leaves so much later than it would, and what is sent afterwards waits behind it. */
  send(node: Node, lateMs = 0): void {
    if (this.stage !== "closed") this.outbound.push({ kind: "node", node }, lateMs);
  }

  /** A last stanza, then the closing handshake. */
  bye(node?: Node): void {
    if (node) this.send(node);
    this.outbound.push({ kind: "end" });
  }

  /** The TCP connection ends without a websocket goodbye. */
  destroy(): void {
    this.ws.terminate();
    this.gone();
  }

  /** TCP reset. Over TLS there is none to send, so it ends like `destroy`. */
  reset(): void {
    try {
      this.socket.resetAndDestroy?.();
    } catch {
      // A TLS socket refuses: terminate() below does what can be done.
    }
    this.destroy();
  }

  /**
   * A held inbound lane also stops reading, so that nothing answers the client, not even to a websocket ping.
   *
   * When it is released, what the kernel kept comes first and the news that the client has left comes after it. A client that
   * gave the link up counts its frames as lost, so they wait until it is clear that it is still there, unless the fault keeps them.
   */
  setFlow(inbound: Flow, outbound: Flow): void {
    if (this.stage === "closed") return;
    this.outbound.set(outbound);
    clearTimeout(this.grace);
    if (inbound.held) {
      if (!this.inbound.held) this.ws.pause();
      this.inbound.set(inbound);
    } else if (this.inbound.held) {
      this.ws.resume();
      if (this.inbound.keeps) this.inbound.set(inbound);
      else this.grace = setTimeout(() => this.inbound.set(inbound), GRACE_MS);
    } else {
      this.inbound.set(inbound);
    }
  }

  private read(data: Buffer): void {
    if (this.stage === "closed") return;
    try {
      this.reader.feed(data, (body) => this.readFrame(body));
    } catch {
      this.destroy();
    }
  }

  private readFrame(body: Buffer): void {
    if (this.stage === "hello") {
      const answer = this.noise.greet(body);
      this.stage = "final";
      this.outbound.push({ kind: "raw", body: answer });
    } else if (this.stage === "final") {
      const introduction = this.noise.finish(body);
      this.stage = "open";
      this.handlers.introduced(this, introduction);
    } else if (this.stage === "open") {
      const plain = this.noise.decrypt(body);
      const compressed = ((plain[0] ?? 0) & 2) !== 0;
      const flat = compressed ? inflateSync(plain.subarray(1)) : plain.subarray(1);
      this.handlers.stanza(this, decodeDecompressedBinaryNode(flat, tokens));
    }
  }

  private write(item: Outgoing): void {
    if (this.stage === "closed") return;
    switch (item.kind) {
      case "node":
        this.batch(this.noise.encrypt(encodeBinaryNode(item.node)));
        break;
      case "raw":
        this.batch(item.body);
        break;
      case "pong":
        this.ws.pong(item.data);
        break;
      case "end":
        this.flush();
        this.ws.close();
        setTimeout(() => this.destroy(), GOODBYE_MS).unref();
        break;
    }
  }

  /** Frames of one turn leave in one websocket message: the stream inside does not care, and each write is a system call. */
  private batch(body: Buffer): void {
    if (this.batched.length === 0) setImmediate(() => this.flush());
    this.batched.push(frame(body));
  }

  private flush(): void {
    const [first] = this.batched;
    if (first && this.stage !== "closed") this.ws.send(this.batched.length === 1 ? first : Buffer.concat(this.batched));
    this.batched.length = 0;
  }

  private gone(): void {
    if (this.stage === "closed") return;
    this.stage = "closed";
    clearTimeout(this.grace);
    this.inbound.clear();
    this.outbound.clear();
    this.handlers.closed(this);
  }
}
