/** The state of the whole pretended WhatsApp, and the one way by which stanzas reach a device. */
import type { Link } from "./connection.ts";
import { type Account, type Device, Directory } from "./directory.ts";
import { Events } from "./events.ts";
import { FaultBoard } from "./faults/board.ts";
import type { Group } from "./groups.ts";
import { FREE } from "./lane.ts";
import type { Registration } from "./registration.ts";
import { type Node, el, SERVER } from "./node.ts";
import { Phone } from "./phone.ts";
import { type Draw, type Latency, latencyOf, seeded } from "./random.ts";
import { confirmToCompanion } from "./receipts.ts";

export interface ServiceOptions {
  readonly seed: number;
  readonly latency: Latency | undefined;
  /** Who drops a second message with the same id from the same account: the service, or (as by default) the recipient's phone. */
  readonly dedupe: "client" | "server" | "off";
  readonly log: (line: string) => void;
}

export class Service {
  readonly directory = new Directory((account) => new Phone(account, (node) => confirmToCompanion(this, account, node)));
  readonly events = new Events();
  readonly groups = new Map<string, Group>();
  readonly links = new Set<Link>();
  /** Clients that wait to be linked, by link. */
  readonly registrations = new Map<Link, Registration>();
  /** Which device logged in with which `?client=` hint. */
  readonly clients = new Map<string, { account: string; device: number }>();
  readonly media = new Map<string, Buffer>();
  readonly draw: Draw;
  readonly options: ServiceOptions;
  readonly faults: FaultBoard;
  mediaHost: string | undefined;
  /** The usual delay of a frame, if there is one. */
  readonly latency: Draw | undefined;
  /** The longest that a stanza was kept back on its way to a client, in milliseconds. */
  longestStall = 0;
  private lastId = 0;
  private lastOrder = 0;

  constructor(options: ServiceOptions) {
    this.options = options;
    this.draw = seeded(options.seed);
    this.latency = options.latency && latencyOf(seeded(options.seed + 1), options.latency);
    this.faults = new FaultBoard(this);
  }

  /** A stanza id of the server's own. */
  nextId(): string {
    return `loop-${++this.lastId}`;
  }

  /** One counter for all phones, so that arrivals at different people can be put in order. */
  nextOrder(): number {
    return ++this.lastOrder;
  }

  log(line: string): void {
    this.options.log(line);
  }

  /** Gives the stanza to the device now, or keeps it until it comes back. */
  deliver(device: Device, node: Node): void {
    device.mailbox.keep(node);
    if (device.stage === "live" || device.stage === "withheld") this.transmit(device, node);
  }

  /** Writes to the present link, if there is one and no fault takes it. An answer to a request is lost when the link is gone. */
  transmit(device: Device, node: Node): void {
    const { link } = device;
    if (this.faults.loses(device, node)) return;
    link?.send(node, this.faults.late(device, node));
    const later = this.faults.again(device, node);
    if (later === 0) link?.send(node);
    else if (later !== undefined) this.faults.after(later, () => link?.send(node));
  }

  /** To the phone and all linked devices but one. */
  deliverToAccount(account: Account, node: Node, except?: Device): void {
    account.phone.receive(node);
    for (const device of account.devices.values()) if (device !== except) this.deliver(device, node);
  }

  notify(device: Device, type: string, content: Node[], from = SERVER): void {
    this.deliver(
      device,
      el("notification", { id: this.nextId(), from, type, t: String(Math.floor(Date.now() / 1000)) }, content),
    );
  }

  /** Lets the active faults decide anew how frames flow on a link. */
  reviewFlow(link: Link): void {
    const lanes = this.faults.flow(link);
    const normal = this.latency ? { held: false, delay: this.latency } : FREE;
    const inbound = this.options.latency?.ways === "out" ? FREE : normal;
    link.setFlow(lanes?.inbound ?? inbound, lanes?.outbound ?? normal);
  }
}
