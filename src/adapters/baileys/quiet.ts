/**
 * Nothing secret leaves through a log. libsignal prints whole sessions, private keys included, with `console.info` and
 * `console.warn`; Baileys logs addresses and stanzas.
 */
import type { Logger } from "pino";

/** How everything begins that libsignal 6.0.0 writes to the console. */
const LIBSIGNAL = [
  "Closing session:",
  "Opening session:",
  "Removing old closed session:",
  "Migrating session to:",
  "Session already closed",
  "Session already open",
  "Session error:",
  "Decrypted message with closed session.",
  "Failed to decrypt message with any known session",
  "V1 session storage migration error",
  "Closing open session in favor of incoming prekey bundle",
  "Unhandled bucket type",
  "Duplicate PreKeyMessage",
];
const METHODS = ["info", "warn", "error", "log"] as const;
let silenced = false;

/** Drops libsignal's lines, for the whole process, once. Everybody else's console works as before. */
export const silenceLibsignal = (): void => {
  if (silenced) return;
  silenced = true;
  for (const method of METHODS) {
    const original = console[method].bind(console);
    console[method] = (...args: unknown[]) => {
      const first = args[0];
      if (typeof first === "string" && LIBSIGNAL.some((start) => first.startsWith(start))) return;
      original(...args);
    };
  }
};

/** Numbers of five digits and more are somebody's, or a key id nobody needs. */
export const redact = (text: string): string => text.replace(/\d{5,}/g, "…").slice(0, 300);

/** What Baileys asks of a logger. */
export interface BaileysLogger {
  level: string;
  child(bindings: Record<string, unknown>): BaileysLogger;
  trace(object: unknown, text?: string): void;
  debug(object: unknown, text?: string): void;
  info(object: unknown, text?: string): void;
  warn(object: unknown, text?: string): void;
  error(object: unknown, text?: string): void;
}

const none = (): void => undefined;

/** Passes on warnings and errors as bare sentences; objects (stanzas, keys, addresses) are dropped. */
export const baileysLogger = (logger: Logger): BaileysLogger => {
  const write = (level: "debug" | "warn") => (object: unknown, text?: string) => {
    const sentence = typeof object === "string" ? object : text;
    if (sentence !== undefined) logger[level]({ from: "baileys" }, redact(sentence));
  };
  const quiet: BaileysLogger = {
    level: "warn",
    child: () => quiet,
    trace: none,
    debug: none,
    info: none,
    warn: write("debug"),
    error: write("warn"),
  };
  return quiet;
};
