/**
 * Transitions that no simulated run can take, with the reason. What is neither taken nor listed here is reported as missing; what is
 * listed and taken after all is reported too, because its reason no longer holds.
 */
interface Excuse {
  readonly because: string;
  readonly transitions: readonly string[];
}

export const EXCUSED: readonly Excuse[] = [
  {
    because:
      "the embedded store's leases last as long as the process that holds the file: none is renewed, lost or fenced (test/account/lease.test.ts, and the PostgreSQL store)",
    transitions: [
      "lease: any + store.renewed → same",
      "lease: held + start → renewing",
      "lease: held + after renewLeft if mustRenew → renewing",
      "lease: renewing + store.renewed if isLost → lost",
      "lease: renewing + store.renewed → held",
      "lease: renewing + store.failed → unsure",
      "lease: renewing + after fenceLeft → lost",
      "lease: unsure + after retryLeft → renewing",
      "connection: any + lease.lost → same",
      "connection: linking + lease.lost → unlinked",
      "connection: waiting + lease.lost → unleased",
      "connection: connecting + lease.lost → unleased",
      "connection: opened + lease.lost → unleased",
      "connection: serving + lease.lost → unleased",
      "connection: backingOff + lease.lost → unleased",
    ],
  },
  {
    because: "nobody orders a switchover in the simulation, so no sender drains (test/delivery, test/runtime)",
    transitions: [
      "sender: closed + drain.request → drained",
      "sender: closed + queue.drained → closed",
      "sender: resolving + drain.request → draining",
      "sender: resolving + queue.drained → resolving",
      "sender: sending + drain.request → draining",
      "sender: draining + queue.drained → drained",
      "sender: draining + queue.resolved → draining",
      "sender: draining + drain.request → draining",
      "sender: draining + sender.open → resolving",
      "sender: draining + sender.close → closed",
      "sender: drained + drain.request → drained",
      "sender: drained + sender.open → resolving",
      "sender: drained + sender.close → closed",
    ],
  },
  {
    because:
      "operators of the simulation order failovers, pauses, cordons and dials; they stop no device (test/account/connection.test.ts)",
    transitions: [
      "connection: any + stop → stopped",
      "connection: stopped + start if isDead → loggedOut",
      "connection: stopped + start if isUnlinked → unlinked",
      "lease: any + stop → unheld",
    ],
  },
  {
    because: "servants follow their seat's term and are never taken off a seat while the fleet file stays the same",
    transitions: [
      "servant: idle + seat.released → same",
      "servant: attached + seat.released if isLast → idle",
      "servant: attached + seat.released → same",
      "servant: out + seat.released → same",
    ],
  },
  {
    because: "a restriction or ban with an end more than 24 days away is looked at once a day, and no run lasts for two",
    transitions: ["standing: restricted + after termLeft → restricted", "standing: banned + after termLeft → banned"],
  },
];

const excused: ReadonlySet<string> = new Set(EXCUSED.flatMap(({ transitions }) => transitions));
export const isExcused = (transition: string): boolean => excused.has(transition);
