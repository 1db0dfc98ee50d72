import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");

it("types every event that the machines tell, and none that nobody tells", () => {
  const machines = readdirSync(new URL("machines/", ROOT), { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  const told = machines.flatMap((path) =>
    [...read(`machines/${path}`).matchAll(/op: "event",\s*event: \{\s*type: "([\w.]+)"/g)].map(([, type]) => type),
  );
  // Alerts, and moves of conversations and of work, name theirs in a variable; the last four are said outside of the actors.
  const alerts = ["alert.raised", "alert.escalated", "alert.resolved", "alert.acknowledged"];
  const moves = ["conversation.moved", "conversation.stayed", "servant.relieved"];
  const others = [...alerts, ...moves, "failover.ended", "message.passedOver", "webhook.dead", "fleet.changed"];
  const typed = [...read("src/runtime/fleet-events.ts").matchAll(/^ {2}readonly "([\w.]+)":/gm)].map(([, type]) => type);
  expect(new Set(typed)).toEqual(new Set([...told, ...others]));
});

it("has every event that there is in docs/api.md", () => {
  const listed = read("docs/api.md").split("\n## Events\n")[1]?.split("\n## ")[0] ?? "";
  const typed = [...read("src/runtime/fleet-events.ts").matchAll(/^ {2}readonly "([\w.]+)":/gm)].map(([, type]) => type);
  expect(typed.filter((type) => !listed.includes(`\`${type}\``))).toEqual([]);
});
