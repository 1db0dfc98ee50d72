/** A driver on a stepping clock, with a store and connections that the test plays itself. */
import type { AnyStateMachine } from "xstate";
import { Driver, type DriverOptions } from "../../machines/driver/driver.ts";
import type { ConnectionCommand } from "../../machines/ports/connection.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { StoreAnswer, StoreCommand } from "../../machines/ports/store.ts";
import type { Address } from "../../machines/protocol.ts";
import { createClock } from "../../sim/world/clock.ts";

export const LATE_AFTER: Millis = 250;

export interface Asked {
  readonly command: StoreCommand;
  readonly answer: (kind: string) => void;
}

export class Bench {
  readonly clock = createClock(1_000_000);
  readonly asked: Asked[] = [];
  readonly commands: ConnectionCommand[] = [];
  readonly deaths: { address: Address; kind: string; message: string }[] = [];
  readonly late: Millis[] = [];
  readonly alerts: string[] = [];
  readonly driver: Driver;
  /** What `perform` does besides noting the command. */
  onCommand: (command: ConnectionCommand) => void = () => undefined;

  constructor(over: Partial<DriverOptions> = {}) {
    this.driver = new Driver({
      clock: this.clock,
      store: {
        ask: (command, reply) => {
          const answer = (kind: string) => reply({ op: command.op, reqId: command.reqId, kind } as unknown as StoreAnswer<never>);
          this.asked.push({ command: command as StoreCommand, answer });
        },
      },
      connections: {
        perform: (command) => {
          this.commands.push(command);
          this.onCommand(command);
        },
        onFact: () => undefined,
      },
      life: "life",
      journal: null,
      onStart: () => undefined,
      onAlert: ({ op, key }) => void this.alerts.push(`${op} ${key}`),
      onAudit: () => undefined,
      onEvent: () => undefined,
      onDeath: (address, kind, error) => void this.deaths.push({ address, kind, message: (error as Error).message }),
      lateAfter: LATE_AFTER,
      onLate: (by) => void this.late.push(by),
      ...over,
    });
  }

  chart(address: string, machine: AnyStateMachine, input: unknown = {}): void {
    this.driver.startChart(address as Address, address.split(":", 1)[0] as string, machine, input);
  }
  tell(to: string, event: { readonly type: string; readonly [key: string]: unknown }): void {
    this.driver.tell(to as Address, event);
  }
  run(span: Millis): void {
    this.clock.run(this.clock.now() + span);
  }
  value(address: string): unknown {
    return this.driver.peek(address as Address)?.value;
  }
}
