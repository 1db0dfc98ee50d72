/** When the phone of each account was last known to be on the network. */
import type { PhoneSeen } from "../../../machines/account/phone.ts";
import type { AccountId } from "../../../machines/ports/ids.ts";
import type { Run } from "./api-store.ts";
import { numberOrNull, textOf } from "./database.ts";
import { wholeOrNull } from "./ops/handlers.ts";

export interface PhoneRow extends PhoneSeen {
  readonly account: AccountId;
}
export interface PhoneStore {
  read(): Promise<readonly PhoneRow[]>;
  /** In place of what was known of these accounts. */
  write(rows: readonly PhoneRow[]): Promise<void>;
}

export const createPhoneStore = (run: Run): PhoneStore => ({
  read: () =>
    run(
      (db) =>
        db.all("select * from phone order by account").map((row) => ({
          account: textOf<AccountId>(row, "account"),
          seenAt: numberOrNull(row, "seen_at"),
          unseenSince: numberOrNull(row, "unseen_since"),
        })),
      false,
    ),
  write: (rows) =>
    run((db) => {
      for (const { account, seenAt, unseenSince } of rows)
        db.run(
          "insert or replace into phone (account, seen_at, unseen_since) values (?, ?, ?)",
          account,
          wholeOrNull(seenAt),
          wholeOrNull(unseenSince),
        );
    }, true),
});
