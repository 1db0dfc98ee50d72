/** A probe under way: said once, with its round trip or null. Most are answered at once: only one that may not be gets a timer. */
import type { Millis } from "../../machines/ports/ids.ts";
import type { Link, LinkOwner } from "./link.ts";
import type { Echo } from "./wire.ts";

export class Probe implements Echo {
  readonly #link: Link;
  readonly #no: number;
  readonly #owner: LinkOwner;
  readonly #askedAt: Millis;
  #expireAt: Millis = Number.POSITIVE_INFINITY;
  #isOpen = true;

  constructor(link: Link, no: number, owner: LinkOwner) {
    this.#link = link;
    this.#no = no;
    this.#owner = owner;
    this.#askedAt = owner.clock.now();
  }

  send(deadline: Millis): void {
    this.#expireAt = this.#link.slot(deadline);
    const back = this.#link.wire.echo("probe", "pong", this);
    if (back === null || this.#askedAt + back >= this.#expireAt) this.strays();
  }

  arrived(): void {
    const { clock } = this.#owner;
    if (clock.now() >= this.#expireAt) this.#say(null);
    // Not held back, unless some was told in this very millisecond.
    if (!this.#link.heard(1)) return this.strays();
    this.#say(clock.now() - this.#askedAt);
  }

  strays(): void {
    const { clock } = this.#owner;
    clock.setTimeout(() => this.#say(null), this.#expireAt - clock.now());
  }

  #say(rtt: Millis | null): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { device, dial } = this.#link.wire;
    this.#owner.emit({ kind: "probed", device, dial, at: this.#owner.clock.now(), probe: this.#no, rtt });
  }
}
