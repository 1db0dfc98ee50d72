/** What is measured when somebody looks: the state of seats, queues, devices and accounts. */
import { Gauge, type Registry } from "prom-client";
import type { Millis } from "../../machines/ports/ids.ts";
import type { StatusAnswer } from "../runtime/control-protocol.ts";

/** `status`: asked once for each scrape. */
export const createGauges = (registry: Registry, leaseAge: () => Millis): ((status: StatusAnswer) => void) => {
  const gauge = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> =>
    new Gauge({ name: `greenroom_${name}`, help, labelNames: [...labelNames], registers: [registry] });

  const started = gauge("started_timestamp_seconds", "When the supervisor was started.");
  const automatic = gauge("failover_automatic", "1 while seats move by themselves; 0 while paused, braked or in an outage.");
  const serving = gauge("seat_in_service", "1 while the seat's holder can speak.", ["seat"]);
  const term = gauge("seat_term", "The seat's term: it grows with every change of holder.", ["seat"]);
  const queue = gauge("queue_messages", "Messages that are open or held.", ["seat", "state"]);
  const oldest = gauge("queue_oldest_seconds", "Age of the oldest open message; 0 without one.", ["seat"]);
  const devices = gauge("devices", "Devices, by health.", ["health"]);
  const unlinked = gauge("devices_unlinked", "Devices that are not linked to their account.");
  const accounts = gauge("accounts", "Accounts, by standing at WhatsApp.", ["standing"]);
  const lease = gauge("lease_age_seconds", "Since it was last seen that the store's file and lock are this process's own.");
  const alerts = gauge("alerts_open", "Alerts that are open.", ["level"]);

  return (status) => {
    started.set(status.startedAt / 1000);
    lease.set(leaseAge() / 1000);
    automatic.set(status.mode === "automatic" ? 1 : 0);
    // A seat that is gone since the last look must not be shown for ever.
    for (const each of [serving, term, queue, oldest, devices, accounts, alerts]) each.reset();
    for (const { id, phase, term: now, queue: held } of status.seats) {
      serving.set({ seat: id }, phase === "serving" ? 1 : 0);
      term.set({ seat: id }, now);
      queue.set({ seat: id, state: "open" }, held.open);
      queue.set({ seat: id, state: "held" }, held.held);
      oldest.set({ seat: id }, (held.oldestMs ?? 0) / 1000);
    }
    for (const health of ["healthy", "suspect", "repairing", "failed", "recovering", "unknown"]) devices.set({ health }, 0);
    for (const { health } of status.devices) devices.inc({ health });
    unlinked.set(status.devices.filter(({ link }) => link !== "linked").length);
    for (const standing of ["good", "capped", "restricted", "banned"]) accounts.set({ standing }, 0);
    for (const { standing } of status.accounts) accounts.inc({ standing });
    for (const level of ["warning", "critical"]) alerts.set({ level }, 0);
    for (const { level } of status.alerts) alerts.inc({ level });
  };
};
