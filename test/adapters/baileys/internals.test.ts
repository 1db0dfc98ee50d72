/** What is changed of Baileys' websocket, on one that is no network. */
import type { WASocket } from "@whiskeysockets/baileys";
import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { readWithoutStacks } from "../../../src/adapters/baileys/internals.ts";

class Wrapper extends EventEmitter {
  isOpen = true;
}

describe("a websocket that has closed while its last frames were read", () => {
  it("hands no stanza to Baileys, whose answer to it would be rejected with nobody to hear it; we still read it", () => {
    const ws = new Wrapper();
    readWithoutStacks({ ws } as unknown as WASocket, () => undefined);
    const heard: string[] = [];
    for (const event of ["frame", "message", "CB:ib,,offline_preview"]) ws.on(event, () => void heard.push(event));
    const say = (): void => {
      for (const event of ["message", "frame", "CB:ib,,offline_preview"]) ws.emit(event);
    };
    say();
    expect(heard.splice(0)).toEqual(["message", "frame", "CB:ib,,offline_preview"]);
    ws.isOpen = false;
    say();
    expect(heard).toEqual(["message", "frame"]);
  });
});

describe("a websocket on which Baileys can't answer a stanza", () => {
  it("says so, instead of rejecting a promise that nobody waits for; others still hear it", async () => {
    const ws = new Wrapper();
    const failures: unknown[] = [];
    const heard: string[] = [];
    readWithoutStacks({ ws } as unknown as WASocket, (error) => failures.push(error));
    ws.on("CB:ib,,offline_preview", (): unknown => Promise.reject(new Error("write ECONNRESET")));
    ws.once("CB:ib,,offline_preview", (stanza: string) => void heard.push(stanza));
    expect([ws.emit("CB:ib,,offline_preview", "first"), ws.emit("CB:ib,,offline_preview", "second")]).toEqual([true, true]);
    expect(ws.emit("CB:ib,,offline")).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect([failures.length, heard]).toEqual([2, ["first"]]);
  });
});
