/** How seats did, minute by minute. */
import type { PerformanceRow } from "../../../machines/ports/store.ts";
import type { Bench, Handlers } from "./handlers.ts";
import { compare } from "./state.ts";

export const performanceOps = ({ state }: Bench): Pick<Handlers, "performance.append" | "performance.read"> => ({
  "performance.append": ({ rows, dropBefore }) => {
    const { minutes } = state().tables;
    for (const row of rows) minutes.set(nameOf(row), row);
    for (const [name, { at }] of minutes) if (at < dropBefore) minutes.delete(name);
    return { kind: "appended" };
  },
  "performance.read": ({ line, since }) => ({
    kind: "performance",
    rows: [...state().tables.minutes.values()]
      .filter((row) => row.line === line && row.at >= since)
      .sort((a, b) => a.at - b.at || compare(a.seat, b.seat) || compare(a.account, b.account)),
  }),
});

const nameOf = ({ at, seat, account }: PerformanceRow): string => `${at} ${seat} ${account}`;
