/** Faults as JSON: `kind` is the name of a method of `Faults`, the rest its arguments. */
import type { ActiveFault } from "./faults/board.ts";
import type { Faults } from "./faults/index.ts";
import type { FaultTarget } from "./faults/rule.ts";

export type FaultRequest = Record<string, unknown>;

type Start = (faults: Faults, request: Reader) => ActiveFault;

const kinds: Record<string, Start> = {
  close: (faults, ask) => {
    const expireS = ask.optional("expireS");
    const how = ask.oneOf("how", ["tcp", "reset", "xmlstreamend"]);
    return faults.close(ask.target(), ask.number("code"), {
      ...ask.lasting(),
      ...(how && { how }),
      ...(expireS !== undefined && { expireS }),
    });
  },
  loginRefused: (faults, ask) =>
    faults.loginRefused(ask.target(), ask.number("code"), { ...ask.lasting(), closes: ask.flag("closes") }),
  outdated: (faults, ask) => {
    const named = ask.optional("named");
    return faults.outdated(ask.target("all"), ask.number("oldest"), { ...ask.lasting(), ...(named !== undefined && { named }) });
  },
  halfOpenLink: (faults, ask) => faults.halfOpenLink(ask.target(), ask.lasting()),
  silentPath: (faults, ask) => faults.silentPath(ask.target(), { ...ask.lasting(), keeps: ask.flag("keeps") }),
  upgrade503: (faults, ask) => {
    const status = ask.optional("status");
    const closes = ask.flag("closes", true);
    return faults.upgrade503(ask.target("all"), { ...ask.lasting(), closes, ...(status !== undefined && { status }) });
  },
  refuse: (faults, ask) => faults.refuse(ask.target("all"), { ...ask.lasting(), cut: ask.flag("cut") }),
  slow: (faults, ask) => {
    const tailChance = ask.optional("tailChance");
    const tailMaxMs = ask.optional("tailMaxMs");
    const tail = { ...(tailChance !== undefined && { tailChance }), ...(tailMaxMs !== undefined && { tailMaxMs }) };
    return faults.slow(ask.target(), { minMs: ask.number("minMs"), maxMs: ask.number("maxMs"), ...tail, ...ask.lasting() });
  },
  lossy: (faults, ask) => faults.lossy(ask.target(), ask.number("rate"), ask.lasting()),
  oneWay: (faults, ask) => faults.oneWay(ask.target(), ask.oneOf("dead", ["in", "out"]) ?? "in", ask.lasting()),
  ackLost: (faults, ask) => faults.ackLost(ask.target(), { ...ask.lasting(), mute: ask.flag("mute", true) }),
  sendSwallowed: (faults, ask) => faults.sendSwallowed(ask.target(), { ...ask.lasting(), share: ask.optional("share") ?? 1 }),
  restrict: (faults, ask) => faults.restrict(ask.account(), { ...ask.lasting(), announced: ask.flag("announced", true) }),
  ban: (faults, ask) => {
    const code = ask.optional("code") ?? 403;
    if (code !== 402 && code !== 403 && code !== 406) throw new Error(`"code" of a ban is 402, 403 or 406, not ${code}`);
    const expireS = ask.optional("expireS");
    return faults.ban(ask.account(), { code, ...(expireS !== undefined && { expireS }), ...ask.lasting() });
  },
  logout: (faults, ask) => faults.logout(ask.target()),
  replaced: (faults, ask) => {
    const afterMs = ask.optional("afterMs");
    const returns = ask.optional("returns") ?? 0;
    return faults.replaced(ask.target(), { ...ask.lasting(), returns, ...(afterMs !== undefined && { afterMs }) });
  },
  phoneGone: (faults, ask) => faults.phoneGone(ask.account(), ask.lasting()),
  outage: (faults, ask) => {
    const target = ask.target("all");
    const manner = ask.oneOf("manner", ["refusing", "silent", "dead"]) ?? "silent";
    const accounts = target === "all" ? undefined : "accounts" in target ? target.accounts : [target.account];
    return faults.outage({ manner, ...(accounts && { accounts }), ...ask.lasting() });
  },
  offlineReplay: (faults, ask) =>
    faults.offlineReplay(
      ask.target(),
      ask.flag("missing") ? { missing: true } : { delayMs: ask.number("delayMs") },
      ask.lasting(),
    ),
  lateEvents: (faults, ask) =>
    faults.lateEvents(ask.target(), { byMs: ask.number("byMs"), share: ask.optional("share") ?? 1, ...ask.lasting() }),
  duplicate: (faults, ask) =>
    faults.duplicate(ask.target(), {
      share: ask.optional("share") ?? 1,
      afterMs: ask.optional("afterMs") ?? 0,
      ...ask.lasting(),
    }),
  unanswered: (faults, ask) => {
    const answer = ask.text("answer");
    return faults.unanswered(ask.target(), { ...ask.lasting(), ...(answer !== undefined && { answer }) });
  },
};

export function startFault(faults: Faults, request: FaultRequest): ActiveFault {
  const ask = new Reader(request);
  const start = kinds[String(request.kind)];
  if (!start) throw new Error(`"kind" is one of ${Object.keys(kinds).join(", ")}; not ${JSON.stringify(request.kind)}`);
  return start(faults, ask);
}

/** Reads fields, and says what it expected when one is wrong. */
class Reader {
  private readonly request: FaultRequest;

  constructor(request: FaultRequest) {
    this.request = request;
  }

  optional(name: string): number | undefined {
    const value = this.request[name];
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !Number.isFinite(value) || value < 0)
      throw new Error(`"${name}" is a number from 0, not ${JSON.stringify(value)}`);
    return value;
  }

  number(name: string): number {
    const value = this.optional(name);
    if (value === undefined) throw new Error(`"${name}" is missing: expected a number from 0`);
    return value;
  }

  text(name: string): string | undefined {
    const value = this.request[name];
    if (value === undefined || typeof value === "string") return value;
    throw new Error(`"${name}" is a text, not ${JSON.stringify(value)}`);
  }

  flag(name: string, otherwise = false): boolean {
    const value = this.request[name] ?? otherwise;
    if (typeof value !== "boolean") throw new Error(`"${name}" is true or false, not ${JSON.stringify(value)}`);
    return value;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.request[name];
    if (value === undefined) return undefined;
    const found = allowed.find((each) => each === value);
    if (found === undefined) throw new Error(`"${name}" is one of ${allowed.join(", ")}; not ${JSON.stringify(value)}`);
    return found;
  }

  lasting(): { forMs?: number } {
    const forMs = this.optional("forMs");
    return forMs === undefined ? {} : { forMs };
  }

  target(otherwise?: FaultTarget): FaultTarget {
    const value = this.request.target ?? otherwise;
    if (value === "all") return "all";
    if (typeof value === "object" && value !== null) {
      const { account, device, accounts } = value as { account?: unknown; device?: unknown; accounts?: unknown };
      if (typeof account === "string" && device === undefined) return { account };
      if (typeof account === "string" && typeof device === "number") return { account, device };
      if (Array.isArray(accounts) && accounts.every((each) => typeof each === "string")) return { accounts };
    }
    throw new Error(
      `"target" is {"account":"15550001001","device":1} (device optional), {"accounts":[...]} or "all"; not ${JSON.stringify(value)}`,
    );
  }

  account(): string {
    const target = this.target();
    if (typeof target === "object" && "account" in target) return target.account;
    throw new Error('this fault hits one account: "target" is {"account":"15550001001"}');
  }
}
