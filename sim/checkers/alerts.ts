/** Always: every detection has its alert, every recovery its end of alarm. */
import { accountOf, type AccountId, type DeviceId, type Millis, type SeatId } from "../../machines/ports/ids.ts";
import { eventsOf, type Life, type Property } from "./life.ts";
import { type Timeline, timelineOf } from "./timeline.ts";

export const detectionsAlert: Property = {
  name: "detections-alert",
  says: "whenever a seat's holder is given up, an alert about the device or its account is open and in the store, unless that was ordered",
  *broken(life) {
    const open = new Set<string>();
    const stored = new Set(life.tables.alerts.map(({ key }) => key));
    // What is said in one turn is judged at its end.
    let failed: { at: Millis; seat: string; keys: readonly string[] }[] = [];
    const judge = function* () {
      for (const { at, seat, keys } of failed) {
        const raised = keys.filter((key) => open.has(key));
        if (raised.length === 0)
          yield { at, text: `the holder of ${seat} was given up, and no alert says so: ${keys.join(", ")}` };
        else if (!raised.some((key) => stored.has(key)) && !diedSoonAfter(life, at)) {
          yield { at, text: `the alert ${raised.join(", ")} never came into the store` };
        }
      }
      failed = [];
    };
    for (const { at, type, subject, data } of eventsOf(life, "said")) {
      if (failed[0] && failed[0].at < at) yield* judge();
      if (type === "alert.raised") open.add(String(data["key"]));
      else if (type === "alert.resolved") open.delete(String(data["key"]));
      else if (type === "holder.failed" && data["device"] !== null && !NO_FAULT.has(data["cause"])) {
        const device = data["device"] as DeviceId;
        failed.push({ at, seat: subject, keys: [`device.failed:${device}`, `account.banned:${accountOf(device)}`] });
      }
    }
    yield* judge();
  },
};

const NO_FAULT: ReadonlySet<unknown> = new Set(["startup", "operator"]);

/** A write that nobody waits for is lost with the process. */
const diedSoonAfter = (life: Life, at: Millis): boolean =>
  eventsOf(life, "node").some((event) => event.what === "crashed" && event.at >= at && event.at < at + 120_000);

/** What is well for so long has been seen to be well: a deep check, a probation and a doubt about sends fit into it. */
const WELL: Millis = 75_000;

export const recoveriesResolve: Property = {
  name: "recoveries-resolve",
  says: "no alert stays open about what has been well for more than a minute",
  *broken(life) {
    const timeline = timelineOf(life);
    const since = life.to - WELL;
    for (const { state, rule, subject, key } of life.tables.alerts) {
      if (state !== "open") continue;
      const isWell =
        rule === "device.failed"
          ? isServing(timeline, subject as DeviceId, since)
          : rule === "seat.stranded"
            ? isHeld(timeline, subject as SeatId, since)
            : rule === "account.restricted" || rule === "account.banned"
              ? isGood(timeline, subject as AccountId, since)
              : rule === "fleet.outage" || rule === "fleet.brake"
                ? life.plan.fleet.accounts.every(({ devices }) => devices.every((device) => isServing(timeline, device, since)))
                : false;
      if (isWell) yield { at: life.to, text: `the alert ${key} is still open, and all is well since ${WELL / 1000} s` };
    }
  },
};

const isServing = (timeline: Timeline, device: DeviceId, since: Millis): boolean =>
  timeline.servedThrough(device, since, timeline.life.to) && !timeline.wasTouched(device, since, timeline.life.to);

const isHeld = (timeline: Timeline, seat: SeatId, since: Millis): boolean => {
  const row = timeline.rowAt(seat, since);
  return row?.phase === "serving" && row.holder !== null && isServing(timeline, row.holder, since);
};

/** Somebody could have told us. */
const isGood = (timeline: Timeline, account: AccountId, since: Millis): boolean => {
  const last = eventsOf(timeline.life, "standing").findLast((event) => event.account === account);
  const devices = timeline.life.plan.fleet.accounts.find(({ id }) => id === account)?.devices ?? [];
  return (
    (last === undefined || (last.standing === "good" && last.at < since)) &&
    devices.some((device) => accountOf(device) === account && isServing(timeline, device, since))
  );
};
