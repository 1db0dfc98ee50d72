/**
 * Transitions that no simulated run can take, with the reason. What is neither taken nor listed (here or in `rare.ts`) is reported as
 * missing; what is listed and taken after all is reported too, because its reason no longer holds. A test takes each of them with the
 * chart alone (test/sim/checkers/excused.test.ts).
 */
interface Excuse {
  readonly because: string;
  readonly transitions: readonly string[];
}

export const EXCUSED: readonly Excuse[] = [
  {
    because:
      "it answers a word that crosses a change of state within one turn, or that a link says after it was let go: in a run whoever says it has heard of the change first, so the arrow only keeps such a word from being unexpected",
    transitions: [
      "connection: any + dial.granted → same",
      "connection: any + connection.opened → same",
      "connection: any + connection.serving → same",
      "connection: any + connection.linked → same",
      "health: healthy + connection.closed if isOurOwn → repairing",
      "seat: any + seat.changed if isOld → same",
      "seat: any + holder.failed → same",
      "seat: asking + holder.well if isHolder → serving",
      "seat: moving + seat.changed if isOld → same",
      "sender: closed + queue.resolved → closed",
    ],
  },
  {
    because:
      "a master hears of the end of a seat that it was never given only when the roster was started again between two changes of the seat's row, and no sound actor dies",
    transitions: ["master: standby + seat.released → same"],
  },
  {
    because:
      'only another node could do that to us, and a simulated fleet has one: it takes a lease that is ours, or changes a seat that we are about to give back (the exploration\'s sweep "somebody else writes" takes the latter two)',
    transitions: [
      "lease: renewing + store.renewed if isLost → lost",
      "failover: any + store.changed → same",
      "failover: rollingBack + store.conflict if isNews → aborted",
    ],
  },
  {
    because:
      "a switchover drains the sender of a seat that serves, once, and is called off as soon as its holder is in trouble: a word of either that crosses a change of state within one turn is expected all the same",
    transitions: [
      "sender: closed + drain.request → drained",
      "sender: closed + queue.drained → closed",
      "sender: resolving + queue.drained → resolving",
      "sender: draining + queue.resolved → draining",
      "sender: draining + drain.request → draining",
      "sender: draining + sender.close → closed",
      "sender: drained + drain.request → drained",
      "switchover: any + sender.drained → same",
      "seat: any + switchover.refused → same",
    ],
  },
  {
    because:
      "a seat is starting, or has asked and is not answered, within one turn only, and an operator's word has a turn of its own",
    transitions: ["seat: any + failover.demand → same"],
  },
  {
    because: "a switchover outlives the seat that asked for it only if the seat's chart died, and no sound actor does",
    transitions: ["seat: serving + switchover.ready → same", "seat: serving + switchover.refused → same"],
  },
  {
    because:
      "nobody stops a single device: a node ends as a whole, and its links and leases with it. Without a stop no lease is given back, and none is granted to a device that has no use for it",
    transitions: [
      "connection: any + stop → stopped",
      "lease: any + stop → unheld",
      "lease: any + store.leases → same",
      "lease: any + store.released → same",
      "lease: unheld + store.leases → same",
    ],
  },
  {
    because: "every device of a simulated fleet was linked before the story begins, so none is started that never was",
    transitions: ["connection: stopped + start if isUnlinked → unlinked"],
  },
  {
    because:
      "the simulated WhatsApp counts new chats over a day, so that its cap is used up for less than one; the real one may name a longer cycle, or none",
    transitions: ["standing: capped + after termLeft → capped"],
  },
];

const excused: ReadonlySet<string> = new Set(EXCUSED.flatMap(({ transitions }) => transitions));
export const isExcused = (transition: string): boolean => excused.has(transition);
