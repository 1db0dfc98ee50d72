/**
 * Probing and failover while 500 messages a second are accepted and 50 are sent, against the same fleet when nobody asks anything of it, in
 * pairs within one run: probes of a few seconds, then the holder of a seat falls silent and its twin has to take over. Each pair has
 * two seats of its own, so that no cool-down of one speaks in another, on a line that is not written to: whoever sends is heard of by
 * that alone, and hardly probed.
 */
import type { DeviceId, SeatId } from "../machines/ports/ids.ts";
import type { FailoverRecord } from "../machines/ports/records.ts";
import { LINE, Load } from "./delivery-load.ts";
import { type Peer, startPeer } from "./peer/index.ts";
import { type BenchOptions, type Figure, median, quantile, report, type Report } from "./report.ts";

const PER_SECOND = 500;
/** A little more than is to be shown. */
const SENT_PER_SECOND = 56;
/** For a message that has not left: it waits no longer, so that nothing is left of the load when it is over. */
const EXPIRES_IN = 2000;
const PAIRS = 4;
/** More than a failover between accounts would take: a miss is a figure, not a hang. */
const PATIENCE = 20_000;
const PROBED_FOR = 5000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Seen {
  readonly trips: number[];
  /** Milliseconds from the last stanza of the holder: when that came before the silence is luck. */
  readonly detected: number[];
  readonly served: number[];
  /** From the silence. */
  readonly away: number[];
  accused: number;
  accepted: number;
  sent: number;
  seconds: number;
}
const nothing = (): Seen => ({ trips: [], detected: [], served: [], away: [], accused: 0, accepted: 0, sent: 0, seconds: 0 });

export const runPressureBench = async (options: BenchOptions): Promise<Report> => {
  const pairs = options.quick ? 1 : PAIRS;
  const peer = await startPeer();
  const masters = 2 * PAIRS;
  const load = await Load.start(peer, { lines: 2, masters, devices: 2, perSecond: SENT_PER_SECOND / masters });
  try {
    const seen = { idle: nothing(), loaded: nothing() };
    const seats = [...(load.fleet.supervisor.node.roster()?.seats.values() ?? [])].flatMap(({ id, line }) =>
      line === LINE ? [] : [id],
    );
    for (let pair = 0; pair < pairs; pair++) {
      await drained(load);
      await round(load, peer, seats[2 * pair] as SeatId, seen.idle);
      const stop = pressed(load, seen.loaded);
      await sleep(2000);
      await round(load, peer, seats[2 * pair + 1] as SeatId, seen.loaded);
      await stop();
    }
    return report("pressure", figuresOf(seen), options);
  } finally {
    await load.close();
    peer.stop();
  }
};

const drained = async ({ fleet }: Load): Promise<void> => {
  for (;;) {
    const answer = await fleet.supervisor.ask("outbox.counts", {});
    if (answer.kind === "failed") throw new Error(answer.message);
    if (!answer.seats.some(({ state }) => state === "accepted" || state === "dispatched")) return;
    await sleep(200);
  }
};

/** Accepts until it is stopped, at the rate, whether answered or not. */
const pressed = (load: Load, seen: Seen): (() => Promise<void>) => {
  const over = new AbortController();
  const [from, ackedBefore] = [performance.now(), load.acked];
  const open: Promise<unknown>[] = [];
  const working = (async () => {
    for (let asked = 0; !over.signal.aborted; await sleep(1))
      for (; asked < ((performance.now() - from) * PER_SECOND) / 1000; asked++) open.push(load.accept(asked, EXPIRES_IN));
  })();
  return async () => {
    over.abort();
    await working;
    seen.accepted += (await Promise.all(open)).length;
    seen.sent += load.acked - ackedBefore;
    seen.seconds += (performance.now() - from) / 1000;
  };
};

const round = async (load: Load, peer: Peer, seat: SeatId, seen: Seen): Promise<void> => {
  const { fleet } = load;
  const { supervisor } = fleet;
  const holder = supervisor.node.seat(seat)?.row.holder as DeviceId;
  fleet.onProbed((rtt) => seen.trips.push(rtt));
  await sleep(PROBED_FOR);
  fleet.onProbed(() => undefined);
  const stop = supervisor.onEvent(({ type, subject }) => {
    if (type === "holder.failed" && subject !== seat) seen.accused++;
  });
  const silentAt = (await peer.call({ op: "silence", targets: [fleet.address(holder)] }))["at"] as number;
  const { lastEvidenceAt, detectedAt, inServiceAt } = await failoverOf(load, seat, silentAt);
  stop();
  const from = lastEvidenceAt ?? Number.NaN;
  const served = inServiceAt ?? Number.POSITIVE_INFINITY;
  seen.detected.push(detectedAt - from);
  seen.served.push(served - from);
  seen.away.push(served - silentAt);
  await peer.call({ op: "heal" });
  supervisor.node.redial(holder);
};

/** The one that began after the silence, once it has ended. */
const failoverOf = async ({ fleet }: Load, seat: SeatId, since: number): Promise<FailoverRecord> => {
  for (const until = Date.now() + PATIENCE; Date.now() < until; await sleep(50)) {
    const answer = await fleet.supervisor.ask("failover.list", { seat, limit: 1 });
    const [last] = answer.kind === "failovers" ? answer.rows : [];
    if (last && last.detectedAt > since && last.endedAt !== null) return last;
  }
  throw new Error(`${seat} did not fail over within ${PATIENCE / 1000} s`);
};

const figuresOf = ({ idle, loaded }: { readonly idle: Seen; readonly loaded: Seen }): Figure[] => {
  const more = (what: string, one: number, other: number, than: number): Figure => ({
    what,
    value: other - one,
    unit: "ms",
    bound: { is: "<", than },
  });
  const each = (name: string, { trips, detected, served, away, accused }: Seen): Figure[] => [
    { what: `${name}: round trip of a probe, p50`, value: quantile(trips, 0.5), unit: "ms" },
    { what: `${name}: round trip of a probe, p99`, value: quantile(trips, 0.99), unit: "ms" },
    { what: `${name}: last stanza to detection, median`, value: median(detected), unit: "ms" },
    { what: `${name}: last stanza to the twin in service, median`, value: median(served), unit: "ms" },
    {
      what: `${name}: silence to the twin in service, slowest`,
      value: quantile(away, 1),
      unit: "ms",
      bound: { is: "<", than: 10_000 },
    },
    { what: `${name}: others accused`, value: accused, unit: "", bound: { is: "<=", than: 0 } },
  ];
  return [
    {
      what: "accepted, durable",
      value: loaded.accepted / loaded.seconds,
      unit: "/s",
      bound: { is: ">=", than: PER_SECOND * 0.99 },
    },
    {
      what: "meanwhile acknowledged by WhatsApp",
      value: loaded.sent / loaded.seconds,
      unit: "/s",
      bound: { is: ">=", than: 50 },
    },
    ...each("idle", idle),
    ...each("under load", loaded),
    // A probe is sent each second, or each half: a tenth of that is what nobody notices.
    more("load adds to a probe, p99", quantile(idle.trips, 0.99), quantile(loaded.trips, 0.99), 50),
    more("load adds to detection, median", median(idle.detected), median(loaded.detected), 250),
    more("load adds to service, median", median(idle.served), median(loaded.served), 250),
  ];
};
