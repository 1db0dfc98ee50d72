/** What a page of ours may do: run the one script and the one style that stand in it, by their digests, and ask its own address. */
import { createHash } from "node:crypto";

const digestOf = (text = ""): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** `styles`: more that it makes itself. `sinks`: whether it writes HTML of its own. */
export const policyOf = (
  page: string,
  { styles = [], sinks = false }: { readonly styles?: readonly string[]; readonly sinks?: boolean } = {},
): string =>
  [
    "default-src 'none'",
    `script-src ${digestOf(/<script type="module">(.*?)<\/script>/s.exec(page)?.[1])}`,
    `style-src ${[/<style>(.*?)<\/style>/s.exec(page)?.[1], ...styles].map(digestOf).join(" ")}`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    ...(sinks ? [] : ["require-trusted-types-for 'script'", "trusted-types 'none'"]),
  ].join("; ");
