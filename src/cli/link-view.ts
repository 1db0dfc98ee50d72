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
    return ["", heading, `${where} > Link with phone number instead. Enter:`, "", `    ${bold(grouped(offer.text))}`, ""];
  }
  const lines = qrLines(offer.text);
  const size = qrSize(lines);
  const byCode =
    offer.code === undefined
      ? `With a pairing code beside it: greenroom device link ${device} --phone +NUMBER`
      : `Or there > Link with phone number instead, and enter: ${bold(grouped(offer.code))}`;
  if (out.isTTY && ((out.columns ?? 80) < size.columns || (out.rows ?? 24) < size.rows + AROUND)) {
    const need = `${size.columns} columns and ${size.rows + AROUND} rows`;
    return ["", heading, warn(`The QR code needs ${need}: make this window larger.`), byCode, ""];
  }
  return ["", heading, `${where}, and scan:`, ...lines, byCode];
};

const grouped = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`;
