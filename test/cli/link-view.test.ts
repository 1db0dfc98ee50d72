/** What an owner sees: a QR code, a pairing code, or one beside the other, with what to do. */
import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import type { LinkOffer, PendingLink } from "../../src/runtime/control-protocol.ts";
import { linkBlock } from "../../src/cli/link-view.ts";
import { paintsFor } from "../../src/cli/text.ts";

const out = new PassThrough() as unknown as NodeJS.WriteStream;
const shown = (offer: Omit<LinkOffer, "at">): string =>
  linkBlock({ device: "sales-1/a", state: "linking", offer: { ...offer, at: 1 } } as PendingLink, 1, out, paintsFor(out)).join(
    "\n",
  );

it("shows the pairing code under the QR code, or the command that gives one", () => {
  const alone = shown({ kind: "qr", text: "2@abc" });
  expect(alone).toContain("greenroom device link sales-1/a --phone +NUMBER");
  const both = shown({ kind: "qr", text: "2@abc", code: "ABCD1234" });
  expect(both).toContain("Link with phone number instead, and enter: ABCD-1234");
  expect(both).not.toContain("--phone");
  // One line in place of the other: a window that is large enough stays so.
  expect(both.split("\n")).toHaveLength(alone.split("\n").length);
  expect(shown({ kind: "code", text: "ABCD1234" })).toContain("    ABCD-1234");
});
