/** GraphQL over stanzas: an account's standing (is it allowed to start new chats?) and its quota of new chats. */
import type { Account, Device } from "./directory.ts";
import { bytes, child, el, type Node } from "./node.ts";
import type { Service } from "./service.ts";

/** Query ids as the client sends them (Baileys 7.0.0-rc14, `QueryIds`). */
const REACHOUT_TIMELOCK = "23983697327930364";
const MESSAGE_CAPPING = "24503548349331633";

const DAY_MS = 86_400_000;

export interface Standing {
  readonly restrictedUntil: number | undefined;
  readonly enforcement: string;
  readonly quota: number;
}

const seconds = (at: number): string => String(Math.floor(at / 1000));

function timelock(standing: Standing): Record<string, unknown> {
  if (standing.restrictedUntil === undefined)
    return { is_active: false, time_enforcement_ends: "0", enforcement_type: "DEFAULT" };
  return { is_active: true, time_enforcement_ends: seconds(standing.restrictedUntil), enforcement_type: standing.enforcement };
}

/** A cycle is a day, but what was used is not forgotten at its end. */
function capping({ standing: { quota }, coldSends, isCapped }: Account): Record<string, unknown> {
  const now = Date.now();
  const began = now - (now % DAY_MS);
  return {
    total_quota: quota,
    used_quota: Math.min(quota, coldSends),
    cycle_start_timestamp: seconds(began),
    cycle_end_timestamp: seconds(began + DAY_MS),
    server_sent_timestamp: seconds(now),
    ote_status: "NOT_ELIGIBLE",
    mv_status: "NOT_ELIGIBLE",
    capping_status: isCapped ? "CAPPED" : "NONE",
  };
}

export function answerMex(_service: Service, device: Device, iq: Node): Node[] {
  const query = child(iq, "query");
  const { account } = device;
  let data: Record<string, unknown> | undefined;
  if (query?.attrs.query_id === REACHOUT_TIMELOCK) data = { xwa2_fetch_account_reachout_timelock: timelock(account.standing) };
  if (query?.attrs.query_id === MESSAGE_CAPPING) data = { xwa2_message_capping_info: capping(account) };
  const body = data
    ? { data }
    : { errors: [{ message: `unknown query ${bytes(query)?.toString() ?? ""}`, extensions: { error_code: 404 } }] };
  return [el("result", {}, Buffer.from(JSON.stringify(body)))];
}

/** Pushes the account's standing to its devices, as WhatsApp does when a restriction begins or ends. */
export function pushStanding(service: Service, account: Account): void {
  push(service, account, "NotificationUserReachoutTimelockUpdate", {
    xwa2_notify_account_reachout_timelock: timelock(account.standing),
  });
}

/** The same of its new chats, when it may start more or fewer. That they are used up it has to ask. */
export function pushCapping(service: Service, account: Account): void {
  push(service, account, "MessageCappingInfoNotification", {
    xwa2_notify_new_chat_messages_capping_info_update: capping(account),
  });
}

function push(service: Service, account: Account, operation: string, data: Record<string, unknown>): void {
  const body = Buffer.from(JSON.stringify({ data }));
  for (const device of account.devices.values()) {
    service.notify(device, "mex", [el("update", { op_name: operation }, body)]);
  }
}
