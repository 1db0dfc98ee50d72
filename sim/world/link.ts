/** One dial of one device: from the command to `closed`, which is said exactly once. */
import type { CloseReason, ConnectionFact } from "../../machines/ports/connection.ts";
import type { LeaseTerm, Millis, WaId } from "../../machines/ports/ids.ts";
import { reasonOf } from "./closing.ts";
import type { Endpoint, Envelope } from "./parcels.ts";
import type { NodeClock } from "./clock.ts";
import type { Service } from "./service.ts";
import type { Wire } from "./wire.ts";

/** At most one `evidence` per link in this time; the first after quiet is never held back, nor is a probe's answer. */
const EVIDENCE_EVERY: Millis = 50;
/** The adapter's deadlines fire in slots of this length, none early. */
const SLOT: Millis = 20;

export interface LinkOwner {
  readonly clock: NodeClock;
  readonly service: Service;
  emit(fact: ConnectionFact): void;
  /** Said before `closed` is. */
  onClosed(): void;
  onEnvelope(link: Link, envelope: Envelope): void;
  onPaired(link: Link, jid: string, lid: string, creds: Uint8Array): void;
}
type Stage = "dialling" | "linking" | "opened" | "serving" | "closed";

export class Link implements Endpoint {
  readonly wire: Wire;
  readonly dial: number;
  readonly leaseTerm: LeaseTerm;
  readonly #owner: LinkOwner;
  readonly #deadline: unknown;
  /** What to do when the link ends, besides saying so. */
  readonly #atEnd = new Set<() => void>();
  #stage: Stage = "dialling";
  #evidenceAt = Number.NEGATIVE_INFINITY;

  constructor(wire: Wire, leaseTerm: LeaseTerm, connectTimeout: Millis, owner: LinkOwner) {
    this.wire = wire;
    this.dial = wire.dial;
    this.leaseTerm = leaseTerm;
    this.#owner = owner;
    this.#deadline = this.after(connectTimeout, () => this.end("timedOut", 408, null));
  }

  get stage(): Stage {
    return this.#stage;
  }
  get closed(): boolean {
    return this.#stage === "closed";
  }
  /** WhatsApp accepted the login: frames may be written. */
  get ready(): boolean {
    return this.#stage === "opened" || this.#stage === "serving";
  }

  /** When the adapter's deadline of this length fires: in slots, never early. */
  slot(length: Millis): Millis {
    return Math.ceil((this.#owner.clock.now() + length) / SLOT) * SLOT;
  }

  after(length: Millis, fire: () => void): unknown {
    const { clock } = this.#owner;
    return clock.setTimeout(fire, this.slot(length) - clock.now());
  }

  /** Runs `then` when the link ends, unless taken back before. */
  atEnd(then: () => void): () => void {
    this.#atEnd.add(then);
    return () => void this.#atEnd.delete(then);
  }

  /** Connected: offers follow, each with a deadline of its own. */
  startLinking(): void {
    this.#owner.clock.clearTimeout(this.#deadline);
    this.#stage = "linking";
  }

  /** Ours: we drop it. Otherwise it was ended. The first call decides the reason. */
  end(reason: CloseReason, code: number | null, until: Millis | null, ours = false): void {
    if (this.closed) return;
    const { clock, service } = this.#owner;
    const { device, id } = this.wire;
    this.#stage = "closed";
    clock.clearTimeout(this.#deadline);
    service.ledger.record(ours ? { kind: "dropped", link: id, device } : { kind: "ended", link: id, device, reason, code });
    // No half of the socket survives; WhatsApp hears of it behind what was written before, if the wire still carries.
    this.wire.giveUp(() => service.hangUp(this));
    this.#owner.onClosed();
    for (const then of this.#atEnd) then();
    this.#owner.emit({ kind: "closed", device, dial: this.dial, at: clock.now(), reason, code, until });
  }

  /** The process is gone: nobody is told anything here. */
  vanish(tells: boolean): void {
    if (this.closed) return;
    this.#stage = "closed";
    const { service } = this.#owner;
    service.ledger.record({ kind: "dropped", link: this.wire.id, device: this.wire.device });
    this.wire.giveUp(tells ? () => service.hangUp(this) : null);
  }

  /** A frame was read: false if nobody reads any more. It is evidence before it is anything else, unless some was told less than `every` ms ago. */
  heard(every = EVIDENCE_EVERY): boolean {
    if (this.closed) return false;
    const { clock } = this.#owner;
    const at = clock.now();
    if (at - this.#evidenceAt >= every) {
      this.#evidenceAt = at;
      this.#owner.emit({ kind: "evidence", device: this.wire.device, dial: this.dial, at });
    }
    // The listener may have dropped the link upon it.
    return !this.closed;
  }

  // ---- what WhatsApp says ----

  success(): void {
    if (!this.heard() || this.#stage !== "dialling") return;
    this.#stage = "opened";
    this.#owner.clock.clearTimeout(this.#deadline);
    this.#owner.emit({ kind: "opened", device: this.wire.device, dial: this.dial, at: this.#owner.clock.now() });
  }

  offlineDone(): void {
    if (!this.heard() || this.#stage !== "opened") return;
    this.#stage = "serving";
    this.#owner.service.ledger.record({ kind: "serving", link: this.wire.id, device: this.wire.device });
    this.#owner.emit({ kind: "serving", device: this.wire.device, dial: this.dial, at: this.#owner.clock.now() });
  }

  envelope(envelope: Envelope): void {
    if (this.heard()) this.#owner.onEnvelope(this, envelope);
  }

  acked(waId: WaId): void {
    if (this.heard()) this.#owner.emit({ kind: "acked", device: this.wire.device, at: this.#owner.clock.now(), waId });
  }

  refused(waId: WaId, code: number): void {
    if (this.heard()) this.#owner.emit({ kind: "refused", device: this.wire.device, at: this.#owner.clock.now(), waId, code });
  }

  notice(): void {
    this.heard();
  }

  offer(text: string): void {
    if (!this.heard()) return;
    const offer = { kind: text.startsWith("qr") ? ("qr" as const) : ("code" as const), text };
    this.#owner.emit({ kind: "linkOffer", device: this.wire.device, dial: this.dial, at: this.#owner.clock.now(), offer });
  }

  paired(jid: string, lid: string, creds: Uint8Array): void {
    if (this.heard()) this.#owner.onPaired(this, jid, lid, creds);
  }

  failure(code: number, until: Millis | null): void {
    if (this.closed) return;
    // A connection that drops is no stanza; everything else is.
    if (code !== 428 && !this.heard()) return;
    this.end(this.#stage === "linking" && code === 408 ? "unlinked" : reasonOf(code), code, until);
  }
}
