/**
 * The demo's faults: what is broken at the server, on which seat, and which rung of the ladder is expected to carry.
 *
 * `ladder`: "twin" and "account": the seat moves to another device of the same number, to another number. "reconnect": the holder
 * comes back before anything has to move. "rerouted": the seat stays, the conversation goes to another seat. "none": nothing has to
 * happen, because another proof takes the place of the lost one.
 */
import type { DeviceId } from "../../machines/ports/ids.ts";
import type { Faults } from "../loopback/index.ts";
import { type DemoSeat, MEMBERS, SEATS } from "./fleet.ts";

export type DemoLadder = "twin" | "account" | "reconnect" | "rerouted" | "none";
type Target = { account: string; device: number };
type Injected = { readonly at: number; heal(): void };

export interface DemoFault {
  readonly name: string;
  readonly says: string;
  /** What is expected of a seat whose holder has a twin, and of one without. Absent: not played on such a seat. */
  readonly expected: { readonly twin?: DemoLadder; readonly alone?: DemoLadder };
  readonly inject: (faults: Faults, target: Target, all: (device: DeviceId) => Target, seat: DemoSeat) => readonly Injected[];
  /** How long the fault is watched at most, in ms. */
  readonly watchFor?: number;
  /** Healed so long after the injection, and the clock of service and first ack runs from there: nobody can serve before. */
  readonly healAfter?: number;
  /** Nobody can stand in: a person must be called. */
  readonly alarms?: boolean;
  /** Counted from the first attempt after the injection: nobody can notice before. */
  readonly fromFirstAttempt?: boolean;
  /** The device stays under suspicion for half a minute after it: nothing is sent through it that could clear it. */
  readonly lingers?: boolean;
  /** A re-dial heals it before it counts as a failure. */
  readonly averted?: boolean;
  /** It shows with people that the line has never written to. */
  readonly toStrangers?: boolean;
  /** A second seat, of another line, is hit at the same moment. */
  readonly also?: (seat: DemoSeat) => DemoSeat | undefined;
}

const PATH_FOR = 60_000;
const closes =
  (code: number): DemoFault["inject"] =>
  (faults, target) => [faults.close(target, code)];
const closing = (code: number, says: string, expected: DemoFault["expected"]): DemoFault => ({
  name: `close-${code}`,
  says,
  expected,
  inject: closes(code),
});

export const DEMO_FAULTS: readonly DemoFault[] = [
  closing(428, "the connection is closed", { twin: "twin", alone: "reconnect" }),
  closing(440, "somebody else opens the same credentials", { twin: "twin", alone: "account" }),
  closing(503, "WhatsApp ends the stream: service unavailable", { twin: "twin", alone: "reconnect" }),
  closing(515, "WhatsApp asks for a restart of the stream", { twin: "twin", alone: "reconnect" }),
  {
    name: "half-open-link",
    says: "the link falls silent without closing; a new one would work",
    expected: { twin: "reconnect", alone: "reconnect" },
    inject: (faults, target) => [faults.halfOpenLink(target)],
    averted: true,
  },
  {
    name: "half-open-path",
    says: "the link falls silent, and so does every new one, for 60 s",
    expected: { twin: "twin", alone: "account" },
    inject: (faults, target) => [faults.silentPath(target, { forMs: PATH_FOR })],
  },
  {
    name: "upgrade-503",
    says: "closed, then every dial is answered with HTTP 503 for 60 s",
    expected: { twin: "twin", alone: "account" },
    inject: (faults, target) => [faults.upgrade503(target, { forMs: PATH_FOR })],
  },
  {
    name: "ack-lost",
    says: "what is sent is delivered, but no ack and no receipt comes back to the device",
    // The twin's own copy proves that WhatsApp took the message: nobody has to notice anything.
    expected: { twin: "none", alone: "account" },
    inject: (faults, target) => [faults.ackLost(target, { forMs: PATH_FOR })],
    fromFirstAttempt: true,
    lingers: true,
  },
  {
    name: "send-swallowed",
    says: "what is sent is taken and lost; all else works",
    expected: { twin: "twin", alone: "account" },
    inject: (faults, target) => [faults.sendSwallowed(target, { forMs: PATH_FOR })],
    fromFirstAttempt: true,
    lingers: true,
  },
  {
    name: "logged-out",
    says: "the device is removed on the phone",
    expected: { twin: "twin", alone: "account" },
    inject: (faults, target) => [faults.logout(target)],
  },
  {
    name: "banned",
    says: "the account is banned, with all its devices, for 60 s",
    expected: { twin: "account", alone: "account" },
    inject: (faults, target) => [faults.ban(target.account, { code: 402, expireS: PATH_FOR / 1000, forMs: PATH_FOR })],
  },
  {
    name: "restricted",
    says: "the account may not begin new chats (463), and is not told",
    expected: { twin: "rerouted", alone: "rerouted" },
    inject: (faults, target) => [faults.restrict(target.account, { announced: false })],
    toStrangers: true,
  },
  {
    name: "two-masters",
    says: "two masters of two lines fall silent in the same moment, with their paths, for 60 s",
    expected: { twin: "twin", alone: "account" },
    inject: (faults, target) => [faults.silentPath(target, { forMs: PATH_FOR })],
    also: (seat) => SEATS.find((other) => other.line !== seat.line && other.twin !== seat.twin),
  },
  {
    name: "no-candidate",
    says: "every master of the line is unreachable; after 12 s they are back",
    expected: { alone: "reconnect" },
    inject: (faults, _target, all, seat) =>
      MEMBERS.filter(({ line, role }) => line === seat.line && role === "master")
        .flatMap(({ devices }) => devices)
        .map((device) => faults.upgrade503(all(device))),
    healAfter: 12_000,
    watchFor: 35_000,
    alarms: true,
  },
];

export const faultsNamed = (names: readonly string[] | "all"): { faults: readonly DemoFault[]; unknown: readonly string[] } => {
  if (names === "all") return { faults: DEMO_FAULTS, unknown: [] };
  return {
    faults: DEMO_FAULTS.filter(({ name }) => names.includes(name)),
    unknown: names.filter((name) => !DEMO_FAULTS.some((fault) => fault.name === name)),
  };
};
