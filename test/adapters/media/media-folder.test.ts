import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { MediaError, MediaFolder, TooLargeError } from "../../../src/adapters/media/media-folder.ts";

const KEY = Buffer.alloc(32, 5);
const PIECE = 1 << 20;
const HOUR = 3_600_000;
const MANY = 1e9;

let directory: string;
let folder: MediaFolder;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "greenroom-media-")), "media");
  folder = new MediaFolder(directory, KEY);
});
afterEach(() => rmSync(join(directory, ".."), { recursive: true }));

const files = (): string[] => readdirSync(directory).sort();
const read = (id: string, from = folder): Promise<Buffer> => buffer(from.read(id));
async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

it.each([1, 1000, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 77])("gives back %i bytes as they were", async (length) => {
  const bytes = randomBytes(length);
  const { id, bytes: counted } = await folder.put(bytes, MANY);
  expect(counted).toBe(length);
  expect((await read(id)).equals(bytes)).toBe(true);
});

it("takes the same bytes for the same media, however they come, and keeps them once", async () => {
  const bytes = randomBytes(2 * PIECE + 5);
  const { id } = await folder.put(bytes, MANY);
  expect(await folder.put(inChunks(bytes, 65_536), MANY)).toEqual({ id, bytes: bytes.length });
  expect(await folder.put(inChunks(bytes, PIECE * 3), MANY)).toEqual({ id, bytes: bytes.length });
  expect(files()).toEqual([id]);
});

it("shows nobody what lies there: not by its bytes, not by its name, not to another key", async () => {
  const bytes = Buffer.alloc(5000, "the secret ");
  const { id } = await folder.put(bytes, MANY);
  expect(readFileSync(join(directory, id)).includes("the secret")).toBe(false);
  expect(id).not.toBe(createHash("sha256").update(bytes).digest("hex"));
  expect([statSync(directory).mode & 0o777, statSync(join(directory, id)).mode & 0o777]).toEqual([0o700, 0o600]);
  const stranger = new MediaFolder(directory, Buffer.alloc(32, 6));
  await expect(read(id, stranger)).rejects.toThrow(MediaError);
});

it("refuses what was changed, cut off, put in another's place, or is gone", async () => {
  const [one, other] = [await folder.put(randomBytes(PIECE + 9), MANY), await folder.put(randomBytes(PIECE + 9), MANY)];
  const whole = readFileSync(join(directory, one.id));
  const wrong: [string, Buffer][] = [
    ["changed", Buffer.from(whole.map((byte, at) => (at === 500 ? byte ^ 1 : byte)))],
    ["cut within", whole.subarray(0, 700)],
    ["cut between", whole.subarray(0, 16 + PIECE + 28)],
    ["another's", readFileSync(join(directory, other.id))],
    ["empty", Buffer.alloc(0)],
  ];
  const answers: string[] = [];
  for (const [what, bytes] of wrong) {
    writeFileSync(join(directory, one.id), bytes);
    answers.push(`${what}: ${await read(one.id).then(String, (error: Error) => error.name)}`);
  }
  expect(answers).toEqual(wrong.map(([what]) => `${what}: MediaError`));
  rmSync(join(directory, one.id));
  await expect(read(one.id)).rejects.toThrow(/no longer there/);
  await expect(read("../../etc/passwd")).rejects.toThrow(MediaError);
});

it("leaves nothing of what is too large, or breaks off", async () => {
  await expect(folder.put(randomBytes(101), 100)).rejects.toThrow(TooLargeError);
  await expect(folder.put(inChunks(randomBytes(PIECE * 2), 1000), PIECE)).rejects.toThrow(TooLargeError);
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(randomBytes(PIECE + 1));
    throw new Error("the disk is gone");
  };
  await expect(folder.put(broken(), MANY)).rejects.toThrow("the disk is gone");
  expect(files()).toEqual([]);
});

it("removes what nobody needs, but nothing that was put within the hour", async () => {
  const [needed, old, young] = await Promise.all([1, 2, 3].map((length) => folder.put(randomBytes(length), MANY)));
  writeFileSync(join(directory, ".begun"), "and never finished");
  const longAgo = new Date(Date.now() - 2 * HOUR);
  for (const name of [needed?.id ?? "", old?.id ?? "", ".begun"]) utimesSync(join(directory, name), longAgo, longAgo);
  const asked: string[] = [];
  const gone = await folder.sweep((ids) => {
    asked.push(...ids);
    return Promise.resolve([needed?.id ?? ""]);
  }, Date.now());
  expect(gone).toBe(2);
  expect(new Set(asked)).toEqual(new Set([needed?.id, old?.id]));
  expect(new Set(files())).toEqual(new Set([needed?.id, young?.id]));
});

it("keeps what is put again while it is asked whether anybody needs it", async () => {
  const bytes = randomBytes(10);
  const { id } = await folder.put(bytes, MANY);
  const longAgo = new Date(Date.now() - 2 * HOUR);
  utimesSync(join(directory, id), longAgo, longAgo);
  const gone = await folder.sweep(async () => {
    await folder.put(bytes, MANY);
    return [];
  }, Date.now());
  expect([gone, files()]).toEqual([0, [id]]);
});

it("has nothing to remove where there never was anything", async () => {
  await expect(folder.sweep(() => Promise.resolve([]), Date.now())).resolves.toBe(0);
});
