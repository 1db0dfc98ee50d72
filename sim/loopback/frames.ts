/** The byte stream inside the websocket: an intro header once, then frames of a 3-byte big-endian length and a body. */

const INTRO = Buffer.from([0x57, 0x41, 0x06, 0x03]);
const ROUTING = Buffer.from("ED");

export class FrameReader {
  private pending: Buffer = Buffer.alloc(0);
  private introduced = false;

  /** Calls `onFrame` for each complete frame. Throws when the stream does not begin as a WhatsApp client's does. */
  feed(data: Buffer, onFrame: (frame: Buffer) => void): void {
    this.pending = this.pending.length === 0 ? data : Buffer.concat([this.pending, data]);
    if (!this.introduced && !this.readIntro()) return;
    let at = 0;
    while (this.pending.length - at >= 3) {
      const size = this.pending.readUIntBE(at, 3);
      if (this.pending.length - at - 3 < size) break;
      onFrame(this.pending.subarray(at + 3, at + 3 + size));
      at += 3 + size;
    }
    this.pending = this.pending.subarray(at);
  }

  private readIntro(): boolean {
    let at = 0;
    if (this.pending.length >= 2 && this.pending.subarray(0, 2).equals(ROUTING)) {
      if (this.pending.length < 7) return false;
      at = 7 + this.pending.readUIntBE(4, 3);
    }
    if (this.pending.length < at + INTRO.length) return false;
    if (!this.pending.subarray(at, at + INTRO.length).equals(INTRO))
      throw new Error("the stream does not begin with a WhatsApp header");
    this.pending = this.pending.subarray(at + INTRO.length);
    this.introduced = true;
    return true;
  }
}

export function frame(body: Buffer): Buffer {
  const out = Buffer.allocUnsafe(3 + body.length);
  out.writeUIntBE(body.length, 0, 3);
  body.copy(out, 3);
  return out;
}

export const introHeader = (): Buffer => INTRO;
