/**
 * Leases of devices. Here the file lock is the lease: whoever could open the store may have them all, and a slow disk fences nobody.
 * Terms still grow at every grant, so that what an earlier life of this process left under way is refused.
 */
import type { DeviceId, LeaseTerm, NodeId } from "../../../../machines/ports/ids.ts";
import { numberOf, textOf, textOrNull } from "../database.ts";
import { whole, type Bench, type Handlers } from "./handlers.ts";

export const leaseOps = ({ db, clock }: Bench): Pick<Handlers, "lease.acquire" | "lease.renew" | "lease.release"> => {
  /**
   * Granted by this very process: to other nodes inside it (a test, a demo) these leases are alive. With their terms, because a
   * grant may be rolled back with its batch: then the row has an older term than the one noted here, and is as dead as before.
   */
  const alive = new Map<DeviceId, number>();
  return {
    "lease.acquire": ({ devices, node, ttl }) => {
      const now = whole(clock.now());
      const granted: { device: DeviceId; term: LeaseTerm }[] = [];
      const held: { device: DeviceId; by: NodeId }[] = [];
      for (const device of devices) {
        const row = db.get("select node, term, expires_at from lease where device = ?", device);
        const by = row && textOrNull<NodeId>(row, "node");
        if (row && by && by !== node && alive.get(device) === numberOf(row, "term") && numberOf(row, "expires_at") > now) {
          held.push({ device, by: textOf<NodeId>(row, "node") });
          continue;
        }
        const made = db.get(
          `insert into lease (device, term, node, expires_at) values (?, 1, ?, ?) on conflict (device) do update
           set term = term + 1, node = excluded.node, expires_at = excluded.expires_at returning term`,
          device,
          node,
          now + whole(ttl),
        );
        const term = numberOf<LeaseTerm>(made ?? {}, "term");
        alive.set(device, term);
        granted.push({ device, term });
      }
      return { kind: "leases", granted, held };
    },
    "lease.renew": ({ leases, node, ttl }) => {
      const expires = whole(clock.now() + ttl);
      const lost = leases.filter(
        ({ device, term }) =>
          db.change("update lease set expires_at = ? where device = ? and term = ? and node = ?", expires, device, term, node) ===
          0,
      );
      return { kind: "renewed", lost: lost.map(({ device }) => device) };
    },
    "lease.release": ({ leases, node }) => {
      for (const { device, term } of leases) {
        db.run("update lease set node = null, expires_at = 0 where device = ? and term = ? and node = ?", device, term, node);
      }
      return { kind: "released" };
    },
  };
};
