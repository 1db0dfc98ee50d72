/** The faults that are active now, in the order in which they began. */
import type { Link } from "../connection.ts";
import type { Device } from "../directory.ts";
import type { Node } from "../node.ts";
import type { Service } from "../service.ts";
import type { Dial, DialFate, Fault, Lanes, ReplayFate, Rule, SendFate } from "./rule.ts";

export interface ActiveFault {
  readonly id: number;
  readonly kind: string;
  /** `Date.now()` at injection. */
  readonly at: number;
  /** Ends it. Harmless when it is over. */
  heal(): void;
}

export class FaultBoard {
  private readonly active = new Map<number, { readonly fault: ActiveFault; readonly rule: Rule }>();
  private readonly service: Service;
  private readonly timers = new Set<NodeJS.Timeout>();
  private lastId = 0;

  constructor(service: Service) {
    this.service = service;
  }

  /** Starts a fault in this very turn; a client that comes back at once already meets its rule. */
  inject({ kind, rule, begin, end, once }: Fault, forMs?: number): ActiveFault {
    const at = Date.now();
    const id = ++this.lastId;
    const heal = (): void => {
      if (!this.active.delete(id)) return;
      end?.(this.service);
      this.reviewAll();
      this.service.events.emit("fault", { at: Date.now(), id, kind, phase: "healed" });
    };
    const fault: ActiveFault = { id, kind, at, heal };
    this.active.set(id, { fault, rule });
    begin?.(this.service);
    this.reviewAll();
    this.service.log(`fault ${id} (${kind}) began`);
    this.service.events.emit("fault", { at, id, kind, phase: "injected" });
    if (forMs !== undefined) this.after(forMs, heal);
    else if (once) heal();
    return fault;
  }

  /** A timer that ends with the server. */
  after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, ms);
    this.timers.add(timer);
  }

  list(): ActiveFault[] {
    return [...this.active.values()].map((each) => each.fault);
  }

  find(id: number): ActiveFault | undefined {
    return this.active.get(id)?.fault;
  }

  healAll(): void {
    for (const fault of this.list()) fault.heal();
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.active.clear();
  }

  dial(dial: Dial): DialFate | undefined {
    return this.first((rule) => rule.dial?.(dial));
  }

  flow(link: Link): Lanes | undefined {
    return this.first((rule) => rule.flow?.(link));
  }

  login(account: string, device: number, revision: number): Node | undefined {
    return this.first((rule) => rule.login?.(account, device, revision));
  }

  names(): number | undefined {
    return this.first((rule) => rule.names?.());
  }

  sends(device: Device, contact: string): SendFate | undefined {
    return this.first((rule) => rule.sends?.(device, contact));
  }

  loses(device: Device, node: Node): boolean {
    return this.first((rule) => rule.loses?.(device, node)) ?? false;
  }

  late(device: Device, node: Node): number {
    return this.first((rule) => rule.late?.(device, node)) ?? 0;
  }

  loggedIn(device: Device, link: Link): void {
    for (const { rule } of this.active.values()) rule.loggedIn?.(this.service, device, link);
  }

  again(device: Device, node: Node): number | undefined {
    return this.first((rule) => rule.again?.(device, node));
  }

  replay(device: Device): ReplayFate | undefined {
    return this.first((rule) => rule.replay?.(device));
  }

  private first<T>(ask: (rule: Rule) => T | undefined): T | undefined {
    for (const { rule } of this.active.values()) {
      const answer = ask(rule);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  private reviewAll(): void {
    for (const link of this.service.links) this.service.reviewFlow(link);
  }
}
