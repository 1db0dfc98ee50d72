/** What accepting a message costs, however many there are. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { expect, it } from "vitest";
import { UNSETTLED_IN_CONVERSATION } from "../../../src/adapters/sqlite/ops/outbox.ts";
import { makeFolder, open } from "./rig.ts";

it("is one look into an index of what is open, to know whether a message is the first of its conversation", () => {
  const file = join(makeFolder(), "fleet.db");
  open(file).close();
  const db = new DatabaseSync(file);
  const plan = db.prepare(`explain query plan ${UNSETTLED_IN_CONVERSATION}`).all("c");
  db.close();
  expect(plan.map(({ detail }) => detail)).toEqual([
    expect.stringMatching(/^SEARCH outbox USING (COVERING )?INDEX outbox_unsettled /),
  ]);
});
