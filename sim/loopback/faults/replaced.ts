/** The same credentials are opened elsewhere: 440 for whoever is there. Who comes back is pushed out again, `returns` times. */
import { close, REPLACED } from "./close.ts";
import { type Fault, type FaultTarget, scopeOf } from "./rule.ts";

export interface ReplacedOptions {
  /** So many later logins are replaced as well. Default 0. */
  readonly returns?: number;
  /** So long after each of them. Default 300. */
  readonly afterMs?: number;
}

export function replaced(target: FaultTarget, { returns = 0, afterMs = 300 }: ReplacedOptions = {}): Fault {
  const scope = scopeOf(target);
  let left = returns;
  return {
    ...close(target, 440),
    kind: "replaced",
    once: returns === 0,
    rule: {
      loggedIn: (service, device, link) => {
        if (left === 0 || !scope(device.account.number, device.id)) return;
        left--;
        service.faults.after(afterMs, () => {
          if (device.link === link) link.bye(REPLACED);
        });
      },
    },
  };
}
