import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { closingOf, REASON_BY_CODE } from "../../../src/adapters/baileys/close-reason.ts";

const stream = (code: number | null, child: string | null = null, type: string | null = null) =>
  closingOf({ kind: "streamError", code, child, type }, 0);
const failure = (code: number, expire: number | null = null, now = 0) => closingOf({ kind: "failure", code, expire }, now);

describe("why a link ends", () => {
  it("tells an unlinked companion from credentials opened elsewhere by the stanza, whose text is the same", () => {
    expect(stream(401, "conflict", "device_removed")).toEqual({ reason: "loggedOut", code: 401, until: null });
    expect(stream(null, "conflict", "replaced")).toEqual({ reason: "replaced", code: 440, until: null });
    expect(stream(null, "conflict", "device_removed").reason).toBe("loggedOut");
  });

  it("tells the four things apart for which Baileys says 408", () => {
    expect(closingOf({ kind: "deadline" }, 0).reason).toBe("timedOut");
    expect(closingOf({ kind: "dialError", errno: "ECONNREFUSED" }, 0)).toEqual({ reason: "refused", code: null, until: null });
    expect(closingOf({ kind: "offersEnded" }, 0)).toEqual({ reason: "unlinked", code: 408, until: null });
    expect(closingOf({ kind: "dialError", errno: "ECONNRESET" }, 0).reason).toBe("dropped");
  });

  it("reads the end of a temporary ban as seconds from now, or as the second at which it ends", () => {
    expect(failure(402, 3600, 1_000_000)).toEqual({ reason: "banned", code: 402, until: 4_600_000 });
    expect(failure(402, 1_900_000_000, 5).until).toBe(1_900_000_000_000);
    expect(failure(402).until).toBeNull();
    expect(failure(403, 3600).until).toBeNull();
  });

  it("takes 503 of the upgrade for a refusal and 503 of the stream for an outage", () => {
    expect(closingOf({ kind: "http", status: 503 }, 0)).toEqual({ reason: "refused", code: 503, until: null });
    expect(stream(503)).toEqual({ reason: "unavailable", code: 503, until: null });
  });

  it("takes a certificate that TLS does not accept for a wrong peer, not for a dropped connection", () => {
    for (const errno of ["DEPTH_ZERO_SELF_SIGNED_CERT", "CERT_HAS_EXPIRED", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"]) {
      expect(closingOf({ kind: "dialError", errno }, 0)).toEqual({ reason: "badPeer", code: null, until: null });
    }
  });

  it("takes a stream error without a code, and codes that nobody documented, for trouble on the other side", () => {
    expect(stream(null)).toEqual({ reason: "unavailable", code: 500, until: null });
    expect(failure(418)).toEqual({ reason: "unavailable", code: 418, until: null });
  });

  it("is what docs/close-codes.md says, code by code", () => {
    const page =
      readFileSync(new URL("../../../docs/close-codes.md", import.meta.url), "utf8").split("## Seen at our end")[0] ?? "";
    const rows = [...page.matchAll(/^\| (\d{3}) \|[^|]*\|[^|]*\| (\w+) \|/gm)].map(([, code, reason]) => [Number(code), reason]);
    expect(rows).toEqual([...REASON_BY_CODE].filter(([code]) => code !== 0));
  });
});
