/** What a phone shows of a picture before it has loaded it. */
import { buffer } from "node:stream/consumers";

export interface Preview {
  readonly jpegThumbnail: Uint8Array;
  /** Of the whole picture, as it is to be looked at. */
  readonly width: number;
  readonly height: number;
}

/** Pixels on the longer side. Phones blur it, and every message to every device carries it: a kilobyte at most. */
const SIDE = 64;
/** More than any phone takes; each costs memory while it is read. */
const MOST_PIXELS = 100_000_000;

/** Null: nobody here can read it, or sharp does not run on this machine. Phones show a message without a preview all the same. */
export const previewOf = async (picture: AsyncIterable<Uint8Array>): Promise<Preview | null> => {
  try {
    // It is large, and most fleets never send a picture.
    const { default: sharp } = await import("sharp");
    const image = sharp(await buffer(picture), { limitInputPixels: MOST_PIXELS });
    const { autoOrient } = await image.metadata();
    const jpegThumbnail = await image
      .autoOrient()
      .resize(SIDE, SIDE, { fit: "inside", withoutEnlargement: true })
      .flatten({ background: "white" })
      .jpeg({ quality: 50 })
      .toBuffer();
    return { jpegThumbnail, ...autoOrient };
  } catch {
    return null;
  }
};
