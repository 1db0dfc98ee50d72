/** Figures of a running fleet that have limits, each with the words for people. What is not known is not measured. */
import { UNLINKED_AFTER } from "../../machines/account/phone.ts";
import type { Measure } from "../../machines/alerts/watch.ts";
import { accountOf, type AccountId, type DeviceId, type LineId, type Millis, type SeatId } from "../../machines/ports/ids.ts";
import type { FailoverRecord } from "../../machines/ports/records.ts";
import type { OutboxState } from "../../machines/ports/store.ts";

export interface SeatSeen {
  readonly id: SeatId;
  readonly line: LineId;
  /** Whose place it is. */
  readonly account: AccountId;
  readonly holder: DeviceId | null;
  /** State of its chart. */
  readonly phase: string;
}
export interface DeviceSeen {
  readonly id: DeviceId;
  readonly isLinked: boolean;
  /** Healthy, linked, in good standing and not cordoned. */
  readonly isAble: boolean;
}
export interface LineSeen {
  readonly id: LineId;
  /** Of its masters. */
  readonly devices: readonly DeviceSeen[];
}
export interface QueueSeen {
  readonly seat: SeatId;
  readonly state: OutboxState;
  readonly count: number;
  readonly oldest: Millis;
}
/** Of a seat since the start of the node. */
export interface TrafficSeen {
  readonly seat: SeatId;
  readonly at: Millis;
  readonly answered: number;
  readonly failed: number;
  readonly p99: Millis | null;
}

const OPEN: ReadonlySet<OutboxState> = new Set<OutboxState>(["accepted", "dispatched", "unanswered"]);

export const queueMeasures = (queues: readonly QueueSeen[], now: Millis): Measure[] =>
  [...Map.groupBy(queues, ({ seat }) => seat)].flatMap(([seat, rows]): Measure[] => {
    const open = rows.filter(({ state, count }) => OPEN.has(state) && count > 0);
    const held = rows.filter(({ state }) => state === "held").reduce((sum, { count }) => sum + count, 0);
    const age = open.length === 0 ? 0 : Math.max(0, now - Math.min(...open.map(({ oldest }) => oldest))) / 1000;
    return [
      {
        rule: "queue.age",
        subject: seat,
        value: age,
        says: `messages of ${seat} have waited for ${Math.round(age)} s: look at "greenroom why ${seat}"`,
        over: `messages of ${seat} no longer wait`,
      },
      {
        rule: "queue.held",
        subject: seat,
        value: held,
        says: `messages of ${seat} wait for a word of yours, for nobody knows whether they arrived: greenroom held`,
        over: `no message of ${seat} is held any more`,
      },
    ];
  });

/** States in which somebody speaks for the seat, and the one that has an alert of its own. */
const NOT_VACANT: ReadonlySet<string> = new Set(["serving", "threatened", "stranded"]);

export const seatMeasures = (seats: readonly SeatSeen[], lines: readonly LineSeen[]): Measure[] => [
  ...seats.flatMap((seat): Measure[] => {
    const devices = lines.find(({ id }) => id === seat.line)?.devices ?? [];
    const isLinked = devices.some((device) => device.isLinked);
    // The seat of a master that has left the line has nowhere to go back to.
    const hasHome = devices.some(({ id }) => accountOf(id) === seat.account);
    const isAway = hasHome && seat.phase === "serving" && seat.holder !== null && accountOf(seat.holder) !== seat.account;
    return [
      {
        rule: "seat.vacant",
        subject: seat.id,
        value: Number(isLinked && !NOT_VACANT.has(seat.phase)),
        says: `nobody speaks for ${seat.id} (${seat.phase}): look at "greenroom why ${seat.id}"`,
        over: `somebody speaks for ${seat.id}`,
      },
      {
        rule: "seat.away",
        subject: seat.id,
        value: Number(isAway),
        says: `${seat.holder} speaks for ${seat.id}, under another number than ${seat.account}'s. Once that is well: greenroom failback ${seat.id}`,
        over: hasHome
          ? `${seat.id} is no longer spoken for by another number`
          : `${seat.account} is no master of ${seat.line} any more, and ${seat.id} goes on with another number`,
      },
    ];
  }),
  ...lines.flatMap((line) => standbyMeasure(line, seats)),
];

/** Of the seat that has fewest. A line that never had a second device has none to lose. */
const standbyMeasure = ({ id, devices }: LineSeen, seats: readonly SeatSeen[]): Measure[] => {
  if (devices.filter(({ isLinked }) => isLinked).length < 2) return [];
  const mine = seats.filter(({ line }) => line === id);
  if (mine.length === 0) return [];
  const value = Math.min(...mine.map(({ holder }) => devices.filter((device) => device.isAble && device.id !== holder).length));
  return [
    {
      rule: "standby.none",
      subject: id,
      value,
      says: `no device of ${id} could take over now: bring one back, or link another. Look at: greenroom accounts`,
      over: `${id} has a stand-in again`,
    },
  ];
};

/** So far back it is looked, and so many messages have to have ended. */
export const TRAFFIC_SPAN: Millis = 300_000;
const ENOUGH = 10;

/** `samples`: of one seat, oldest first, from within the span. */
export const trafficMeasures = (samples: readonly TrafficSeen[]): Measure[] => {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) return [];
  const [answered, failed] = [last.answered - first.answered, last.failed - first.failed];
  const { seat, p99 } = last;
  const share = failed / Math.max(1, answered + failed);
  return [
    ...(answered + failed < ENOUGH
      ? []
      : [
          {
            rule: "error.rate",
            subject: seat,
            value: share,
            says: `${Math.round(share * 100)} % of the messages of ${seat} fail: look at its account's phone and standing`,
            over: `messages of ${seat} go through again`,
          },
        ]),
    ...(p99 === null || answered < ENOUGH
      ? []
      : [
          {
            rule: "ack.latency",
            subject: seat,
            value: p99 / 1000,
            says: `WhatsApp takes ${(p99 / 1000).toFixed(1)} s to acknowledge messages of ${seat}`,
            over: `WhatsApp acknowledges messages of ${seat} in time again`,
          },
        ]),
  ];
};

const DAY: Millis = 86_400_000;
const NO_FAULT: ReadonlySet<FailoverRecord["cause"]> = new Set(["operator", "failback", "startup", "removed"]);
const FEW = 5;

export const failoverMeasures = (records: readonly FailoverRecord[], now: Millis): Measure[] => {
  const recent = records.filter(
    ({ detectedAt, cause, outcome }) => detectedAt > now - DAY && !NO_FAULT.has(cause) && outcome !== "running",
  );
  if (recent.length < FEW) return [];
  const averted = recent.filter(({ outcome }) => outcome === "averted").length;
  return [
    {
      rule: "failover.averted",
      subject: "fleet",
      value: averted / recent.length,
      says: `${averted} of ${recent.length} failovers of the last day were false alarms: look at the network and at this machine's load, or raise the timers`,
      over: "failovers are no longer false alarms for the most part",
    },
  ];
};

const HOUR: Millis = 3_600_000;

/** Of each seat that had any within a day: so a seat that is calm again is measured as such. */
export const seatFailoverMeasures = (records: readonly FailoverRecord[], now: Millis): Measure[] => {
  const faults = records.filter(({ detectedAt, cause }) => detectedAt > now - DAY && !NO_FAULT.has(cause));
  return [...Map.groupBy(faults, ({ seat }) => seat)].flatMap(([seat, all]) => {
    const recent = all.filter(({ detectedAt }) => detectedAt > now - HOUR);
    const averted = recent.filter(({ outcome }) => outcome === "averted").length;
    const moved = recent.filter(({ outcome }) => outcome === "inService").length;
    return [
      {
        rule: "failover.often",
        subject: seat,
        value: moved,
        says: `${seat} failed over ${moved} times within an hour: look at "greenroom history ${seat}"`,
        over: `${seat} stays where it is`,
      },
      {
        rule: "failover.calledOff",
        subject: seat,
        value: averted,
        says: `the holder of ${seat} fell silent and came back ${averted} times within an hour: look at its network and its phone`,
        over: `the holder of ${seat} no longer falls silent`,
      },
    ];
  });
};

/** `dead`: by webhook. */
export const webhookMeasures = (dead: Readonly<Record<string, number>>): Measure[] =>
  Object.entries(dead).map(([webhook, count]) => ({
    rule: "webhook.dead",
    subject: webhook,
    value: count,
    says: `${count} deliveries to the webhook ${webhook} were given up: greenroom webhook dead ${webhook}`,
    over: `nothing that the webhook ${webhook} missed is left, or there is no such webhook any more`,
  }));

/** `holders`: who may write for a seat. Servants write for it, too, and hold nothing. */
export const holderMeasures = (
  holders: ReadonlyMap<SeatId, ReadonlySet<DeviceId>>,
  isMaster: (account: AccountId) => boolean,
): Measure[] =>
  [...holders].map(([seat, devices]) => {
    const masters = [...devices].filter((device) => isMaster(accountOf(device)));
    return {
      rule: "seat.doubled",
      subject: seat,
      value: masters.length,
      says: `${masters.join(" and ")} may write for ${seat} at the same time: restart the supervisor, and tell us`,
      over: `one device at the most may write for ${seat}`,
    };
  });

const dayOf = (at: Millis): string => new Date(at).toISOString().slice(0, 10);

/** `unseenSince` null: its phone is there, or no device is linked that could be lost. */
export const phoneMeasure = (account: AccountId, unseenSince: Millis | null, now: Millis): Measure => {
  const since = unseenSince ?? now;
  const end = since + UNLINKED_AFTER;
  const left = Math.max(0, Math.round((end - now) / DAY));
  return {
    rule: "account.phone",
    subject: account,
    value: (now - since) / DAY,
    says: `the phone of ${account} has confirmed nothing since ${dayOf(since)}. WhatsApp unlinks the devices of a phone that is away for 14 days: ${left} days are left at most, until ${dayOf(end)}. Open WhatsApp on the phone`,
    over: `the phone of ${account} was heard of, or no device of it is linked any more`,
  };
};

export const diskMeasure = (freeBytes: number): Measure => {
  const megabytes = Math.floor(freeBytes / 1e6);
  return {
    rule: "disk.low",
    subject: "fleet",
    value: megabytes,
    says: `${megabytes} MB are left where the store is: make room, or messages can no longer be taken`,
    over: "there is room where the store is",
  };
};

/** null: it does not answer, or only that it can't. */
export const storeMeasure = (took: Millis | null): Measure => ({
  rule: "store.slow",
  subject: "fleet",
  value: took === null ? Number.POSITIVE_INFINITY : took / 1000,
  says:
    took === null
      ? "the store does not answer, or can't do what it is asked: look at the disk, and at the log"
      : `the store takes ${(took / 1000).toFixed(1)} s to answer: look at the disk, and at what else this machine does`,
  over: "the store answers in time again",
});

/** `age`: since it was last seen. */
export const leaseMeasure = (age: Millis): Measure => ({
  rule: "lease.age",
  subject: "fleet",
  value: age / 1000,
  says: `the store's file was moved or replaced, or lost its lock (last seen to be ours ${Math.round(age / 1000)} s ago): the next start would not find what is written now, and another supervisor could speak for the same numbers. Put it back, or stop the supervisor and see who has it`,
  over: "the store is this supervisor's own",
});

/** `ahead`: of ours, which no step moves. Negative: behind. */
export const clockMeasure = (ahead: Millis): Measure => {
  const seconds = Math.round(Math.abs(ahead) / 1000);
  return {
    rule: "clock.off",
    subject: "fleet",
    value: Math.abs(ahead) / 1000,
    says: `this machine's clock was set ${ahead > 0 ? "ahead" : "back"} by ${seconds} s, or the machine slept: no deadline moves, but times in the record are off by as much until the supervisor is restarted`,
    over: "this machine's clock and the supervisor's agree",
  };
};

export const pauseMeasure = (pausedFor: Millis): Measure => ({
  rule: "fleet.paused",
  subject: "fleet",
  value: pausedFor / 1000,
  says: 'automatic failover has been switched off for long, and nothing moves by itself: "greenroom resume" switches it on',
  over: "automatic failover is on",
});
