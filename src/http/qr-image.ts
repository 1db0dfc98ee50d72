/** A QR code as SVG, or as a PNG of one bit a pixel: written by hand, because that is forty lines and no dependency. */
import { crc32, deflateSync } from "node:zlib";
import { encode } from "uqr";

/** Modules of white around it, as the standard wants. */
const BORDER = 4;
/** Pixels a module, in a PNG. */
const SCALE = 6;

const modulesOf = (text: string): boolean[][] => encode(text, { ecc: "L", border: BORDER }).data;

/** Scales to whatever it is put into. */
export const qrSvg = (text: string): string => {
  const modules = modulesOf(text);
  const dark = modules.flatMap((row, y) => runsOf(row).map(([x, length]) => `M${x} ${y}h${length}v1h-${length}z`)).join("");
  const size = modules.length;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${dark}"/></svg>`;
};

/** Where dark modules begin, and how many follow each other. */
const runsOf = (row: readonly boolean[]): [start: number, length: number][] => {
  const runs: [number, number][] = [];
  for (const [x, isDark] of row.entries()) {
    const last = runs.at(-1);
    if (!isDark) continue;
    if (last && last[0] + last[1] === x) last[1]++;
    else runs.push([x, 1]);
  }
  return runs;
};

export const qrPng = (text: string): Buffer => {
  const modules = modulesOf(text);
  const size = modules.length * SCALE;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.writeUInt8(1, 8); // bits a pixel; the rest is 0: grey, deflate, no filters, not interlaced
  const lines = modules.flatMap((row) => {
    const line = Buffer.alloc(1 + Math.ceil(size / 8));
    for (let x = 0; x < size; x++)
      if (!row[Math.floor(x / SCALE)]) line.writeUInt8(line.readUInt8(1 + (x >> 3)) | (0x80 >> (x & 7)), 1 + (x >> 3));
    return Array.from({ length: SCALE }, () => line);
  });
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.concat(lines))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
};

const chunk = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
};
