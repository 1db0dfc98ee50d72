import { expect, it } from "vitest";
import { encode } from "uqr";
import { type Pixels, readQr } from "./qr-reader.ts";

/** Each module some pixels wide, white around it. */
const pictureOf = (text: string, scale: number, ecc: "L" | "M" | "Q" | "H" = "L"): Pixels =>
  encode(text, { ecc, border: 4 }).data.flatMap((row) =>
    Array.from({ length: scale }, () => row.flatMap((dark) => Array.from({ length: scale }, () => dark))),
  );

it.each([
  ["2@short", 3, "L"],
  ["HELLO WORLD 17", 5, "M"],
  [`2@${"aB3+/=".repeat(20)},x`, 4, "Q"],
  [`2@${"aB3+/=,".repeat(35)}`, 2, "L"],
  [`2@${"aB3+/=,".repeat(60)}`, 3, "H"],
] as const)("reads what was written: %s", (text, scale, ecc) => {
  expect(readQr(pictureOf(text, scale, ecc))).toBe(text);
});

it("is not pleased with just anything", () => {
  expect(() => readQr([[true, false]])).toThrow("no QR code");
});
