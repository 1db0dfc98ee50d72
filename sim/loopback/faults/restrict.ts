/** The account may start no new chats: error 463. Chats that exist go on, and so do groups. */
import type { Account } from "../directory.ts";
import { isGroup } from "../jids.ts";
import { pushStanding } from "../mex.ts";
import type { Service } from "../service.ts";
import type { Fault } from "./rule.ts";

const RESTRICTED = 463;
const DAY_MS = 86_400_000;

export interface RestrictOptions {
  /** WhatsApp says so unasked. Default true; otherwise the account learns it from its first failed send, or by asking. */
  readonly announced?: boolean;
  /** One of Baileys' `ReachoutTimelockEnforcementType`. Default "WEB_COMPANION_ONLY". */
  readonly enforcement?: string;
  /** What the account is told about how long it lasts. Default a day. */
  readonly endsInMs?: number;
}

export function restrict(
  number: string,
  { announced = true, enforcement = "WEB_COMPANION_ONLY", endsInMs = DAY_MS }: RestrictOptions = {},
): Fault {
  const tell = (service: Service, change: (account: Account) => void): void => {
    const account = service.directory.create(number);
    change(account);
    if (announced) pushStanding(service, account);
  };
  return {
    kind: "restrict",
    rule: {
      sends: ({ account }, contact) => {
        const cold = account.number === number && contact !== number && !isGroup(contact) && !account.warm.has(contact);
        return cold ? { kind: "error", code: RESTRICTED } : undefined;
      },
    },
    begin: (service) =>
      tell(service, (account) => {
        account.standing = { ...account.standing, restrictedUntil: Date.now() + endsInMs, enforcement };
      }),
    end: (service) =>
      tell(service, (account) => {
        account.standing = { ...account.standing, restrictedUntil: undefined, enforcement: "DEFAULT" };
      }),
  };
}
