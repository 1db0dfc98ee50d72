/**
 * Linking devices: which ones wait for their owner, and what there is to scan or to enter at present.
 *
 * A code is asked of WhatsApp only when somebody is there to use it: by `ask`, or by `invite`, which shows the devices that are
 * not linked one after the other.
 */
import type { ConnectionFact, LinkMethod } from "../../machines/ports/connection.ts";
import type { DeviceId, Millis } from "../../machines/ports/ids.ts";
import type { LinkState } from "../../machines/ports/store.ts";
import { systemClock } from "./clock.ts";
import { ControlError, type LinkAnswer, type LinkOffer, type PendingLink } from "./control-protocol.ts";
import type { Supervisor } from "./supervisor.ts";

/** How long somebody who asked for a code waits for it. */
const OFFER_WITHIN: Millis = 20_000;
/** Until a link that was called off has ended. */
const ENDED_WITHIN: Millis = 5000;
/** Pause before the next code when WhatsApp could not be reached, doubling up to the second figure. */
const AGAIN: Millis = 1000;
const AGAIN_AT_MOST: Millis = 30_000;
const POLL: Millis = 25;

/** States in which a device waits to be linked, or is being linked. */
const OPEN_STATES = new Set(["unlinked", "loggedOut", "wiping", "unwiped", "linking"]);

export class LinkDesk {
  readonly #supervisor: Supervisor;
  readonly #devices: () => readonly DeviceId[];
  readonly #offers = new Map<DeviceId, LinkOffer & { readonly dial: number }>();
  readonly #methods = new Map<DeviceId, LinkMethod>();
  readonly #listeners = new Set<() => void>();
  #isClosed = false;

  /** `devices`: those of the fleet that runs, in the order in which they are to be linked. */
  constructor(supervisor: Supervisor, devices: () => readonly DeviceId[]) {
    this.#supervisor = supervisor;
    this.#devices = devices;
    supervisor.onFact((fact) => this.#note(fact));
  }

  pending(): PendingLink[] {
    return this.#devices().flatMap((device) => {
      const { state, link } = this.#view(device);
      return link === "linked" ? [] : [{ device, state, offer: this.#offer(device) }];
    });
  }

  /** Told whenever an offer comes or goes. Returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves as soon as there is something to scan or to enter. Throws ControlError. */
  async ask(device: DeviceId, method: LinkMethod): Promise<LinkAnswer> {
    if (this.#view(device).link === "linked") return { device, linked: true, offer: null };
    await this.#begin(device, method);
    const end = systemClock.now() + OFFER_WITHIN;
    while (systemClock.now() < end) {
      const offer = this.#offer(device);
      if (offer && (offer.kind === "code" || offer.code !== undefined || !isForPhone(method)))
        return { device, linked: false, offer };
      if (this.#view(device).link === "linked") return { device, linked: true, offer: null };
      if (!this.#methods.has(device)) break;
      await later(POLL);
    }
    throw new ControlError(
      "E_UNREACHABLE",
      `WhatsApp gave no code for ${device}. Look at the network, then ask again; ${isForPhone(method) ? "the number must be the account's own, with the country's code" : "the supervisor goes on meanwhile"}`,
    );
  }

  /** Keeps a code on show for one device after the other until all are linked. Never rejects. */
  async invite(): Promise<void> {
    let pause = AGAIN;
    for (let next = this.#first(); next !== undefined && !this.#isClosed; next = this.#first()) {
      try {
        await this.ask(next, this.#methods.get(next) ?? { kind: "qr" });
        pause = AGAIN;
        while (!this.#isClosed && this.#methods.has(next)) await later(POLL * 4);
      } catch {
        await later(pause);
        pause = Math.min(AGAIN_AT_MOST, pause * 2);
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
  }

  #first(): DeviceId | undefined {
    return this.#devices().find((device) => this.#view(device).link !== "linked");
  }

  async #begin(device: DeviceId, method: LinkMethod): Promise<void> {
    const current = this.#methods.get(device);
    if (current && isSame(current, method)) return;
    if (current) await this.#callOff(device);
    const { state } = this.#view(device);
    if (!OPEN_STATES.has(state))
      throw new ControlError("E_REFUSED", `${device} can't be linked while it is ${state}. Look at: greenroom accounts`);
    this.#methods.set(device, method);
    this.#supervisor.node.link(device, method);
  }

  /** A device has one link at a time: what was offered before is worth nothing any more. */
  async #callOff(device: DeviceId): Promise<void> {
    this.#supervisor.node.driver.perform("orchestrator", [{ op: "connection", command: { op: "terminate", device } }]);
    const end = systemClock.now() + ENDED_WITHIN;
    while (this.#methods.has(device) && systemClock.now() < end) await later(POLL);
    this.#methods.delete(device);
  }

  #note(fact: ConnectionFact): void {
    if (fact.kind === "linkOffer") {
      const { device, dial, at, offer } = fact;
      const beside = this.#offers.get(device);
      const isBeside = this.#methods.get(device)?.kind === "qr" && offer.kind === "code";
      // A QR code that follows another keeps the pairing code that stands beside it.
      if (isBeside && beside) this.#offers.set(device, { ...beside, code: offer.text });
      else this.#offers.set(device, { ...offer, at, dial, ...(beside?.code === undefined ? {} : { code: beside.code }) });
    } else if (fact.kind === "linked") this.#end(fact.device);
    else if (fact.kind === "closed" && this.#methods.has(fact.device)) this.#end(fact.device);
    else return;
    for (const listener of this.#listeners) listener();
  }

  #end(device: DeviceId): void {
    this.#offers.delete(device);
    this.#methods.delete(device);
  }

  #offer(device: DeviceId): LinkOffer | null {
    const offer = this.#offers.get(device);
    if (!offer) return null;
    const { dial: _, ...shown } = offer;
    return shown;
  }

  #view(device: DeviceId): { readonly state: string; readonly link: LinkState } {
    const view = this.#supervisor.node.driver.peek(`connection:${device}`);
    const link = (view?.context as { link?: LinkState } | undefined)?.link ?? "unlinked";
    return { state: typeof view?.value === "string" ? view.value : "unknown", link };
  }
}

const isSame = (one: LinkMethod, other: LinkMethod): boolean => one.kind === other.kind && one.phone === other.phone;
const isForPhone = ({ phone }: LinkMethod): boolean => phone !== undefined;
const later = (ms: Millis): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
