/** Where a supervisor's socket is: beside its store, so that whoever knows the fleet file finds it. */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ControlError } from "./control-protocol.ts";

/** The kernel's limit is 107 bytes on Linux, 103 on macOS. */
const LONGEST = 100;

/** The same path for the same store, always. A path too long for the kernel becomes a name of fixed length in a folder of ours. */
export const controlPath = (storeFile: string): string => {
  const beside = `${storeFile}.sock`;
  if (Buffer.byteLength(beside) <= LONGEST) return beside;
  const digest = createHash("sha256").update(beside).digest("hex").slice(0, 32);
  return join(privateFolder(), `${digest}.sock`);
};

/** Readable by nobody else, and ours: another user may have made a folder of that name first, to be asked in our stead. */
const privateFolder = (): string => {
  const user = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `greenroom-${user}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  const isOurs = lstatSync(folder).isDirectory() && uid === user && (mode & 0o077) === 0;
  if (!isOurs)
    throw new ControlError("E_SOCKET", `${folder} is not a folder that only you may enter: remove it, or use --socket`);
  return folder;
};
