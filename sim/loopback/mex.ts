/** GraphQL over stanzas: an account's standing (is it allowed to start new chats?) and its quota of new chats. */
import type { Account, Device } from "./directory.ts";
import { bytes, child, el, type Node } from "./node.ts";
import type { Service } from "./service.ts";

/** Query ids as the client sends them (Baileys 7.0.0-rc14, `QueryIds`). */
const REACHOUT_TIMELOCK = "23983697327930364";
const MESSAGE_CAPPING = "24503548349331633";

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

function capping(account: Account, { quota }: Standing): Record<string, unknown> {
  const now = Date.now();
  const used = Math.min(quota, account.coldSends);
  return {
    total_quota: quota,
    used_quota: used,
    cycle_start_timestamp: seconds(now - 86_400_000),
    cycle_end_timestamp: seconds(now + 86_400_000),
    server_sent_timestamp: seconds(now),
    ote_status: "NOT_ELIGIBLE",
    mv_status: "NOT_ELIGIBLE",
    capping_status: used >= quota ? "CAPPED" : "NONE",
  };
}

export function answerMex(_service: Service, device: Device, iq: Node): Node[] {
  const query = child(iq, "query");
  const { account } = device;
  let data: Record<string, unknown> | undefined;
  if (query?.attrs.query_id === REACHOUT_TIMELOCK) data = { xwa2_fetch_account_reachout_timelock: timelock(account.standing) };
  if (query?.attrs.query_id === MESSAGE_CAPPING) data = { xwa2_message_capping_info: capping(account, account.standing) };
  const body = data
    ? { data }
    : { errors: [{ message: `unknown query ${bytes(query)?.toString() ?? ""}`, extensions: { error_code: 404 } }] };
  return [el("result", {}, Buffer.from(JSON.stringify(body)))];
}

/** Pushes the account's standing to its devices, as WhatsApp does when a restriction begins or ends. */
export function pushStanding(service: Service, account: Account): void {
  const body = { data: { xwa2_notify_account_reachout_timelock: timelock(account.standing) } };
  for (const device of account.devices.values()) {
    service.notify(device, "mex", [
      el("update", { op_name: "NotificationUserReachoutTimelockUpdate" }, Buffer.from(JSON.stringify(body))),
    ]);
  }
}
