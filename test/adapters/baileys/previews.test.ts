import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { previewOf } from "../../../src/adapters/baileys/previews.ts";

const picture = (width: number, height: number, background = { r: 200, g: 30, b: 30, alpha: 1 }) =>
  sharp({ create: { width, height, channels: 4, background } });
const preview = async (bytes: Uint8Array) =>
  previewOf(
    (async function* halves() {
      yield bytes.subarray(0, bytes.length / 2);
      yield bytes.subarray(bytes.length / 2);
    })(),
  );
const shown = async (bytes: Uint8Array) => {
  const { jpegThumbnail = new Uint8Array(), ...size } = (await preview(bytes)) ?? {};
  const { data, info } = await sharp(jpegThumbnail).raw().toBuffer({ resolveWithObject: true });
  return { bytes: jpegThumbnail.length, size, width: info.width, height: info.height, red: data[0] ?? 0, green: data[1] ?? 0 };
};

describe("the preview of a picture", () => {
  it("is a small JPEG of it, whatever it is", async () => {
    for (const kind of ["jpeg", "png", "webp"] as const) {
      const seen = await shown(await picture(1600, 1200).toFormat(kind).toBuffer());
      expect(seen).toMatchObject({ size: { width: 1600, height: 1200 }, width: 64, height: 48 });
      expect([seen.bytes < 1000, seen.red > 150, seen.green < 80]).toEqual([true, true, true]);
    }
  });

  it("stands as the picture is to be looked at, is white where one sees through, and no larger than it", async () => {
    const lying = await picture(400, 200).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    expect(await shown(lying)).toMatchObject({ size: { width: 200, height: 400 }, width: 32, height: 64 });
    const clear = await picture(20, 10, { r: 0, g: 0, b: 0, alpha: 0 }).png().toBuffer();
    expect(await shown(clear)).toMatchObject({ width: 20, height: 10, red: 255, green: 255 });
  });

  it("is left out where nobody can read it", async () => {
    expect(await preview(Buffer.from("no picture"))).toBeNull();
    const whole = await picture(40, 30).png().toBuffer();
    expect(await preview(whole.subarray(0, 40))).toBeNull();
  });
});
