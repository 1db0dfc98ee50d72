/**
 * The connection port on Baileys: one `Device` each, made when first named. Commands return at once; what they can't do is
 * answered in a later turn. It never re-dials by itself: that is for the machines to decide.
 */
import { DEFAULT_CONNECTION_CONFIG, WA_CERT_DETAILS } from "@whiskeysockets/baileys";
import type { WAVersion } from "@whiskeysockets/baileys";
import type { Logger } from "pino";
import type { Clock } from "../../../machines/ports/clock.ts";
import type { ConnectionCommand, ConnectionFact, ConnectionPort } from "../../../machines/ports/connection.ts";
import { type AccountId, accountOf } from "../../../machines/ports/ids.ts";
import type { DeviceId, Millis, RequestId, SeatId, SeatTerm } from "../../../machines/ports/ids.ts";
import type { StorePort } from "../../../machines/ports/store.ts";
import { makeAsk } from "./ask.ts";
import { Deadlines } from "./deadlines.ts";
import { Device } from "./device.ts";
import type { GroupCalls } from "./group-calls.ts";
import type { LinkState } from "./link.ts";
import { baileysLogger, silenceLibsignal } from "./quiet.ts";
import { checkSignatures } from "./signatures.ts";
import type { MediaSource } from "./uploads.ts";
import { Versions } from "./versions.ts";

export interface BaileysOptions {
  readonly store: StorePort;
  readonly clock: Clock;
  /** Another server than WhatsApp's: a test or demo server on loopback. `rootPublicKey` applies to the whole process. */
  readonly endpoint?: { readonly url: string; readonly rootPublicKey?: Uint8Array; readonly allowSelfSigned?: boolean };
  readonly logger: Logger;
  /** Of WhatsApp Web, to begin with; left out: what Baileys knows. */
  readonly waVersion?: WAVersion;
  readonly nextRequestId: () => RequestId;
  /** How long a look-up at WhatsApp may take before its send is given up as unsent. */
  readonly queryTimeout?: Millis;
  /** How long messages may wait for Baileys while it handles none, before their link is ended. */
  readonly handledWithin?: Millis;
  /** The bytes of media that messages name. Left out: such messages can't be prepared. */
  readonly media?: MediaSource;
  /** Goes to a test server as `?client=`, so that it can aim at one device's dials. */
  readonly clientHint?: (device: DeviceId) => string;
  /** The account's phone, which is none of our devices, was on the network then. As often as it confirms a message. */
  readonly onPhone?: (account: AccountId, at: Millis) => void;
}
export interface DeviceSnapshot {
  readonly device: DeviceId;
  readonly dial: number;
  readonly state: LinkState | "none";
  readonly lastEvidenceAt: Millis | null;
  readonly grants: readonly { readonly seat: SeatId; readonly term: SeatTerm }[];
  readonly sending: number;
  readonly keys: { readonly cached: number; readonly pending: number } | null;
}

const QUERY_TIMEOUT: Millis = 10_000;
/** Six queries that nobody answers: one message may have to wait for several. */
const HANDLED_WITHIN: Millis = 60_000;
const WHATSAPP = "wss://web.whatsapp.com/ws/chat";

const noMedia: MediaSource = () => {
  throw new Error("there is no media folder");
};

export const createBaileysConnections = (
  options: BaileysOptions,
): ConnectionPort & {
  shutdown(): Promise<void>;
  snapshot(device: DeviceId): DeviceSnapshot;
  groups(device: DeviceId): GroupCalls;
} => {
  const { store, clock, endpoint, logger, clientHint, onPhone } = options;
  silenceLibsignal();
  checkSignatures();
  if (endpoint?.rootPublicKey) WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(endpoint.rootPublicKey);
  const ask = makeAsk(store, options.nextRequestId);
  const deadlines = new Deadlines(clock);
  const devices = new Map<DeviceId, Device>();
  const versions = new Versions({
    own: options.waVersion ?? DEFAULT_CONNECTION_CONFIG.version,
    url: endpoint?.url ?? WHATSAPP,
    allowSelfSigned: endpoint?.allowSelfSigned ?? false,
    clock,
    logger: baileysLogger(logger),
  });
  let listener: (fact: ConnectionFact) => void = () => undefined;
  let inCommand = false;
  let down = false;

  const emit = (fact: ConnectionFact): void => {
    // Never from inside `perform`: whoever commands may be in the middle of something.
    if (inCommand) setImmediate(() => listener(fact));
    else listener(fact);
  };
  const urlOf = (device: DeviceId): string => {
    if (!endpoint) return WHATSAPP;
    const url = new URL(endpoint.url);
    if (clientHint) url.searchParams.set("client", clientHint(device));
    return url.href;
  };
  const deviceOf = (id: DeviceId): Device => {
    let device = devices.get(id);
    if (!device) {
      device = new Device({
        id,
        ask,
        clock,
        deadlines,
        logger: baileysLogger(logger.child({ device: id })),
        url: urlOf(id),
        allowSelfSigned: endpoint?.allowSelfSigned ?? false,
        versions,
        queryTimeout: options.queryTimeout ?? QUERY_TIMEOUT,
        handledWithin: options.handledWithin ?? HANDLED_WITHIN,
        media: options.media ?? noMedia,
        emit,
        onPhone: (at) => onPhone?.(accountOf(id), at),
      });
      devices.set(id, device);
    }
    return device;
  };
  const perform = (command: ConnectionCommand): void => {
    const device = deviceOf(command.device);
    switch (command.op) {
      case "open":
        return device.dial(command, null);
      case "link":
        return device.dial(command, command.method);
      case "terminate":
        return device.terminate();
      case "unlink":
        return device.unlink();
      case "probe":
        return device.probe(command.probe, command.deadline);
      case "grant":
        return device.grant(command.seat, command.term);
      case "revoke":
        return device.revoke(command.seat);
      case "send":
        return device.send(command);
      case "check":
        return device.check(command.reqId, command.deadline);
      default:
        command satisfies never;
    }
  };

  return {
    perform: (command) => {
      if (down) return;
      const outer = inCommand;
      inCommand = true;
      try {
        perform(command);
      } finally {
        inCommand = outer;
      }
    },
    onFact: (next) => {
      listener = next;
    },
    /** Terminates every link and waits until what was queued for the store has been answered. */
    shutdown: async () => {
      down = true;
      versions.close();
      for (const device of devices.values()) device.terminate();
      await Promise.all([...devices.values()].map((device) => device.idle()));
      deadlines.clear();
    },
    groups: (id) => deviceOf(id).groups,
    snapshot: (id) =>
      devices.get(id)?.snapshot() ?? {
        device: id,
        dial: 0,
        state: "none",
        lastEvidenceAt: null,
        grants: [],
        sending: 0,
        keys: null,
      },
  };
};
