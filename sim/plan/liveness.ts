/**
 * The second phase of a run: the core is healed, and what else is broken stays so for good. Random faults heal by chance, so
 * only this shows that the fleet does not need them to (TigerBeetle's liveness mode).
 *
 * Healed are the core's devices, and what all devices share: node, store, paths of the whole, operators' orders. Where a person has
 * to act (a ban that is over, credentials that were opened elsewhere or removed), the person acts, once.
 */
import { accountOf, type AccountId, type DeviceId, type Millis } from "../../machines/ports/ids.ts";
import { catalogue, type Fault, type FaultKind } from "../faults/catalogue.ts";
import type { Target } from "../faults/rule.ts";
import type { Fleet } from "../world/harness.ts";

/** A person takes that long, and looks again that often whether the device is linked. */
const PERSON: Millis = 5_000;
/** After these a device comes back only when somebody says so. */
const NEEDS_A_PERSON: ReadonlySet<FaultKind> = new Set(["banned", "phone-gone", "replaced", "logged-out", "login-refused"]);

export const heal = (fleet: Fleet, core: readonly DeviceId[]): void => {
  const { board, service, clock } = fleet.world;
  const healed = new Set<string>(core);
  const accounts = new Set(core.map(accountOf));
  for (const { index, fault, devices } of board.running()) {
    if (isShared(fault) || devices.some((device) => healed.has(device))) board.lift(index);
    else if (fault.for !== "permanent") makePermanent(fleet, index, fault, devices);
  }
  for (const account of accounts) {
    service.pardon(account);
    service.phoneGone(account, false);
  }
  for (const device of core) service.leaveAlone(device);
  const touched = touchedIn(fleet, NEEDS_A_PERSON);
  clock.setTimeout(() => {
    for (const device of core) if (touched.has(accountOf(device))) fleet.redial(device);
  }, PERSON);
  for (const device of core) if (!service.isLinked(device)) link(fleet, device);
};

/** Until it is: an offer may expire, the node may be down just then. */
const link = (fleet: Fleet, device: DeviceId): void => {
  fleet.world.clock.setTimeout(() => {
    if (fleet.world.service.isLinked(device)) return;
    fleet.linkAgain(device);
    link(fleet, device);
  }, PERSON);
};

const isShared = ({ kind, target }: Fault): boolean =>
  kind === "operator" || "all" in target || "region" in target || "node" in target;

/** It ends and begins anew without an end, in one turn, on whom it has hit, whoever may hold the seat by now. */
const makePermanent = (fleet: Fleet, index: number, fault: Fault, devices: readonly DeviceId[]): void => {
  const { board } = fleet.world;
  board.lift(index);
  const { aims } = catalogue[fault.kind];
  const targets: Target[] = aims.includes("device")
    ? devices.map((device) => ({ device }))
    : [...new Set(devices.map(accountOf))].map((account) => ({ account }));
  for (const target of targets) board.inject({ ...fault, at: fleet.world.clock.now(), target, for: "permanent" });
};

const touchedIn = (fleet: Fleet, kinds: ReadonlySet<FaultKind>): ReadonlySet<AccountId> => {
  const touched = new Set<AccountId>();
  for (const event of fleet.world.ledger.events) {
    if (event.kind !== "fault" || event.what !== "began" || !kinds.has(event.fault as FaultKind)) continue;
    for (const device of event.devices) touched.add(accountOf(device));
  }
  return touched;
};
