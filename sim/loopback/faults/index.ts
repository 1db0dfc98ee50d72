/**
 * What a test can break, and how long. Every fault begins in the same turn as the call; `at` is `Date.now()` then.
 *
 * At the upgrade a server can't know which device dials. Faults of the path hit a device's future dials if its URL names it:
 * `?client=ID` (any id of the client's choice, learned at its login) or `?device=NUMBER:DEVICE`. A dial without such a hint is
 * hit by all of them.
 */
import type { Service } from "../service.ts";
import { ackLost, type AckLostOptions } from "./ack-lost.ts";
import type { ActiveFault } from "./board.ts";
import { type CloseOptions, close, loginRefused, outdated } from "./close.ts";
import { refuse, type UpgradeOptions, upgrade503 } from "./dials.ts";
import { type DuplicateOptions, duplicate } from "./duplicate.ts";
import { halfOpenLink } from "./half-open-link.ts";
import { type LateOptions, lateEvents } from "./late-events.ts";
import { offlineReplay, type ReplayTrouble } from "./offline-replay.ts";
import { type OutageManner, outage } from "./outage.ts";
import { lossy, oneWay, type SlowOptions, slow } from "./path.ts";
import { type ReplacedOptions, replaced } from "./replaced.ts";
import { type RestrictOptions, restrict } from "./restrict.ts";
import type { FaultTarget } from "./rule.ts";
import { type SwallowOptions, sendSwallowed } from "./send-swallowed.ts";
import { silentPath } from "./silent-path.ts";
import { unanswered, type UnansweredOptions } from "./unanswered.ts";

/** `forMs`: healed by itself after so long; otherwise it lasts until `heal()`, except for what happens once. */
export interface Lasting {
  forMs?: number;
}

export class Faults {
  private readonly service: Service;

  constructor(service: Service) {
    this.service = service;
  }

  /** See faults/close.ts for what each code does. */
  close(target: FaultTarget, code: number, { forMs, ...options }: CloseOptions & Lasting = {}): ActiveFault {
    return this.service.faults.inject(close(target, code, options), forMs);
  }

  loginRefused(target: FaultTarget, code: number, { forMs, closes }: { closes?: boolean } & Lasting = {}): ActiveFault {
    return this.service.faults.inject(loginRefused(target, code, closes), forMs);
  }

  outdated(target: FaultTarget, oldest: number, { forMs, named }: { named?: number } & Lasting = {}): ActiveFault {
    return this.service.faults.inject(outdated(target, oldest, named), forMs);
  }

  halfOpenLink(target: FaultTarget, { forMs }: Lasting = {}): ActiveFault {
    return this.service.faults.inject(halfOpenLink(target), forMs);
  }

  silentPath(target: FaultTarget, { forMs, ...options }: { keeps?: boolean } & Lasting = {}): ActiveFault {
    return this.service.faults.inject(silentPath(target, options), forMs);
  }

  upgrade503(target: FaultTarget = "all", { forMs, ...options }: UpgradeOptions & Lasting = {}): ActiveFault {
    return this.service.faults.inject(upgrade503(target, options), forMs);
  }

  refuse(target: FaultTarget = "all", { forMs, ...options }: { cut?: boolean } & Lasting = {}): ActiveFault {
    return this.service.faults.inject(refuse(target, options), forMs);
  }

  slow(target: FaultTarget, { forMs, ...options }: SlowOptions & Lasting): ActiveFault {
    return this.service.faults.inject(slow(target, options, this.service.draw), forMs);
  }

  lossy(target: FaultTarget, rate: number, { forMs }: Lasting = {}): ActiveFault {
    return this.service.faults.inject(lossy(target, rate, this.service.draw, this.service.latency), forMs);
  }

  oneWay(target: FaultTarget, dead: "in" | "out", { forMs }: Lasting = {}): ActiveFault {
    return this.service.faults.inject(oneWay(target, dead, this.service.latency), forMs);
  }

  ackLost(target: FaultTarget, { forMs, ...options }: AckLostOptions & Lasting = {}): ActiveFault {
    return this.service.faults.inject(ackLost(target, options), forMs);
  }

  sendSwallowed(target: FaultTarget, { forMs, ...options }: SwallowOptions & Lasting = {}): ActiveFault {
    return this.service.faults.inject(sendSwallowed(target, options, this.service.draw), forMs);
  }

  restrict(account: string, { forMs, ...options }: RestrictOptions & Lasting = {}): ActiveFault {
    const told = forMs === undefined ? options : { endsInMs: forMs, ...options };
    return this.service.faults.inject(restrict(account, told), forMs);
  }

  /** 403 by default; 402 is a ban with an end (`expireS`), 406 one without. */
  ban(
    account: string,
    { forMs, code = 403, ...options }: { code?: 402 | 403 | 406; expireS?: number } & Lasting = {},
  ): ActiveFault {
    return this.service.faults.inject({ ...close({ account }, code, options), kind: "ban" }, forMs);
  }

  /** The device is unlinked on the phone; without a device number, all of them. Nothing heals that. */
  logout(target: FaultTarget): ActiveFault {
    return this.service.faults.inject({ ...close(target, 401), kind: "logout" });
  }

  replaced(target: FaultTarget, { forMs, ...options }: ReplacedOptions & Lasting = {}): ActiveFault {
    return this.service.faults.inject(replaced(target, options), forMs);
  }

  /** The account's phone is gone (switched, reset, locked): 403 for all its devices until it is back. */
  phoneGone(account: string, { forMs }: Lasting = {}): ActiveFault {
    return this.service.faults.inject({ ...close({ account }, 403), kind: "phone-gone" }, forMs);
  }

  /** WhatsApp is down. `accounts`: only for these (a region), given as a list or as a predicate over those that exist now. */
  outage(
    options: { manner?: OutageManner; accounts?: readonly string[] | ((number: string) => boolean) } & Lasting = {},
  ): ActiveFault {
    const { manner = "silent", accounts, forMs } = options;
    const known = [...this.service.directory.accounts.keys()];
    const hit = typeof accounts === "function" ? known.filter(accounts) : accounts;
    return this.service.faults.inject(outage(hit ? { accounts: hit } : "all", manner), forMs);
  }

  offlineReplay(target: FaultTarget, trouble: ReplayTrouble, { forMs }: Lasting = {}): ActiveFault {
    return this.service.faults.inject(offlineReplay(target, trouble), forMs);
  }

  lateEvents(target: FaultTarget, { forMs, ...options }: LateOptions & Lasting): ActiveFault {
    return this.service.faults.inject(lateEvents(target, options, this.service.draw), forMs);
  }

  duplicate(target: FaultTarget, { forMs, ...options }: DuplicateOptions & Lasting = {}): ActiveFault {
    return this.service.faults.inject(duplicate(target, options, this.service.draw), forMs);
  }

  unanswered(target: FaultTarget, { forMs, ...options }: UnansweredOptions & Lasting = {}): ActiveFault {
    return this.service.faults.inject(unanswered(target, options), forMs);
  }

  active(): ActiveFault[] {
    return this.service.faults.list();
  }

  healAll(): void {
    this.service.faults.healAll();
  }
}
