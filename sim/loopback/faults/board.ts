/** The faults that are active now, in the order in which they began. */
import type { Link } from "../connection.ts";
import type { Device } from "../directory.ts";
import type { Node } from "../node.ts";
import type { Service } from "../service.ts";
import type { Dial, DialFate, Lanes, ReplayFate, Rule, SendFate } from "./rule.ts";

export interface ActiveFault {
  readonly id: number;
  readonly kind: string;
  /** `Date.now()` at injection. */
  readonly at: number;
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

  /**
   * Starts a fault. `begin` does what happens at once (closing links, say) after the rule is in force, so that a client which
   * comes back at once already meets it; `end` undoes what can be undone.
   */
  inject(
    kind: string,
    rule: Rule,
    options: { forMs?: number | undefined; begin?: () => void; end?: () => void } = {},
  ): ActiveFault {
    const id = ++this.lastId;
    const at = Date.now();
    const heal = (): void => {
      if (!this.active.delete(id)) return;
      options.end?.();
      this.reviewAll();
      this.service.events.emit("fault", { at: Date.now(), id, kind, phase: "healed" });
    };
    const fault: ActiveFault = { id, kind, at, heal };
    this.active.set(id, { fault, rule });
    this.reviewAll();
    this.service.events.emit("fault", { at, id, kind, phase: "injected" });
    options.begin?.();
    if (options.forMs !== undefined) {
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        heal();
      }, options.forMs);
      this.timers.add(timer);
    }
    return fault;
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

  login(account: string, device: number): Node | undefined {
    return this.first((rule) => rule.login?.(account, device));
  }

  sends(device: Device, contact: string, waId: string): SendFate | undefined {
    return this.first((rule) => rule.sends?.(device, contact, waId));
  }

  copies(device: Device, node: Node): number {
    return this.first((rule) => rule.copies?.(device, node)) ?? 1;
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
