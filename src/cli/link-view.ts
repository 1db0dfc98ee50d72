/** What an owner sees who is to link a device. */
import { accountOf } from "../../machines/ports/ids.ts";
import type { PendingLink } from "../runtime/control-protocol.ts";
import type { Stream } from "./cli.ts";
import { qrLines, qrSize } from "./qr.ts";
import type { Paints } from "./text.ts";

/** The lines of text around a code. */
const AROUND = 5;

export const linkBlock = ({ device, offer }: PendingLink, left: number, out: Stream, { bold, warn }: Paints): string[] => {
  if (!offer) return [];
  const heading = bold(`Link ${device}${left > 1 ? ` (${left} devices to go)` : ""}`);
  const where = `On the phone of ${accountOf(device)}: WhatsApp > Settings > Linked devices > Link a device`;
  if (offer.kind === "code") {
    const code = `${offer.text.slice(0, 4)}-${offer.text.slice(4)}`;
    return ["", heading, `${where} > Link with phone number instead. Enter:`, "", `    ${bold(code)}`, ""];
  }
  const lines = qrLines(offer.text);
  const size = qrSize(lines);
  const byCode = `Without a camera: greenroom device link ${device} --code +PHONE`;
  if (out.isTTY && ((out.columns ?? 80) < size.columns || (out.rows ?? 24) < size.rows + AROUND)) {
    const need = `${size.columns} columns and ${size.rows + AROUND} rows`;
    return ["", heading, warn(`The QR code needs ${need}: make this window larger.`), byCode, ""];
  }
  return ["", heading, `${where}, and scan:`, ...lines, byCode];
};
