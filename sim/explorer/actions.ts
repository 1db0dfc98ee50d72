/** What may happen next in a world. Names are stable: a trace is a list of them. */
import type { DeviceId, Millis, SeatTerm } from "../../machines/ports/ids.ts";
import type { SeatRow } from "../../machines/ports/store.ts";
import { EDGES, edgesAt, heard, type Link } from "./link.ts";
import type { FaultKind } from "./bounds.ts";
import { changeSeat, failed, type LeaseRow } from "./rows.ts";
import type { Cargo, Flight, Timer, World } from "./world.ts";

export interface Action {
  readonly name: string;
  /** In plain words. */
  readonly text: string;
  /** Null: what happens when nothing goes wrong. */
  readonly fault: FaultKind | null;
  /** Changes nothing but the time: leases are renewed, and nothing else is armed. */
  readonly isIdle?: boolean;
  apply(world: World): void;
}

export const actionsOf = (world: World): readonly Action[] => {
  if (!world.isUp) return [restart];
  const usual = [...landings(world), ...linkMoves(world), ...timers(world), ...(world.store === "well" ? [] : [storeBack])];
  return world.faults > 0 ? [...usual, ...faults(world)] : usual;
};

/** A copy of `world` in which `action` has happened. */
export const after = (world: World, action: Action): World => {
  const next = world.fork();
  if (action.fault !== null) next.faults--;
  action.apply(next);
  return next;
};

// ---- what lands ----

const landings = (world: World): Action[] =>
  world.flights.flatMap((flight, place) => {
    if (isBehind(world.flights, flight, place)) return [];
    return [
      {
        name: `land ${nameOf(flight)}`,
        text: LANDS[flight.cargo.kind](flight.cargo as never),
        fault: null,
        apply: (next: World) => {
          next.flights = next.flights.filter((other) => other !== flight);
          land(next, flight.cargo);
        },
      },
    ];
  });

/** Facts of one device's link keep their order. */
const isBehind = (flights: readonly Flight[], { cargo }: Flight, place: number): boolean =>
  isFact(cargo) && flights.slice(0, place).some((other) => isFact(other.cargo) && other.cargo.device === cargo.device);
const isFact = (cargo: Cargo): cargo is Extract<Cargo, { kind: "serving" | "closed" }> =>
  cargo.kind === "serving" || cargo.kind === "closed";

const land = (world: World, cargo: Cargo): void => {
  switch (cargo.kind) {
    case "ask":
      return askStore(world, cargo);
    case "answer":
      return world.answer(cargo);
    case "probe":
      return probe(world, cargo);
    case "serving":
      return world.serving(cargo.device, cargo.dial);
    case "closed":
      return world.closed(cargo.device, cargo.dial, cargo.reason);
  }
};

const askStore = (world: World, { from, ask }: Extract<Cargo, { kind: "ask" }>): void => {
  if (world.store === "away") world.undecided.add(ask.seat);
  else world.send({ kind: "answer", to: from, event: world.store === "failing" ? failed(ask.op) : changeSeat(world.seats, ask) });
};

const probe = (world: World, { device, from }: Extract<Cargo, { kind: "probe" }>): void => {
  const link = world.links.get(device) as Link;
  // On a silent link nothing comes back, and the asker's own deadline ends the wait.
  if (link.state === "silent") return;
  if (link.state === "up") world.setLink(device, { shownAt: world.now });
  world.tell({ to: from, event: { type: link.state === "up" ? "probe.seen" : "probe.missing", device } as { type: string } });
};

const LANDS: { readonly [K in Cargo["kind"]]: (cargo: Extract<Cargo, { kind: K }>) => string } = {
  ask: ({ ask }) =>
    ask.op === "seat.change"
      ? `the store is asked to give ${ask.seat} to ${ask.holder} if its term is still ${ask.expect}`
      : `the store is asked to note that ${ask.seat} is in service under term ${ask.term}`,
  answer: ({ to, event }) => `the store's answer (${event.type.slice("store.".length)}) reaches ${to}`,
  probe: ({ device, from }) => `the probe that ${from} asked for reaches ${device}`,
  serving: ({ device, dial }) => `the node hears that dial ${dial} of ${device} serves`,
  closed: ({ device, dial, reason }) => `the node hears that dial ${dial} of ${device} ended (${reason})`,
};

const nameOf = ({ cargo, isLate }: Flight): string => {
  const late = isLate ? " (late)" : "";
  switch (cargo.kind) {
    case "ask":
      return `${cargo.ask.op} of ${cargo.ask.seat}${late}`;
    case "answer":
      return `${cargo.event.type} for ${cargo.to}${late}`;
    case "probe":
      return `probe of ${cargo.device} for ${cargo.from}${late}`;
    default:
      return `${cargo.kind} ${cargo.device} dial ${cargo.dial}${late}`;
  }
};

// ---- links ----

const linkMoves = (world: World): Action[] =>
  [...world.links].flatMap(([device, link]) => {
    if (link.state === "down") return mayDial(link, device, world.flights) ? [dial(device, link.isDead)] : [];
    if (link.state === "silent") return [speak(device)];
    return isAwaited(world, device, link) ? [show(device)] : [];
  });

/** The node dials again once it has heard that the last link ended. */
const mayDial = (link: Link, device: DeviceId, flights: readonly Flight[]): boolean =>
  link.state === "down" &&
  link.isLeased &&
  !link.isCut &&
  !link.isGivenUp &&
  !flights.some(({ cargo, isLate }) => cargo.kind === "closed" && cargo.device === device && !isLate);

const dial = (device: DeviceId, isDead: boolean): Action => ({
  name: `dial ${device}`,
  text: isDead ? `a dial of ${device} is refused: it was logged out` : `a dial of ${device} succeeds`,
  fault: null,
  apply: (world) => {
    const { dial: last } = world.links.get(device) as Link;
    const next = last + 1;
    if (isDead) {
      world.setLink(device, { dial: next });
      world.send({ kind: "closed", device, dial: next, reason: "loggedOut" });
      return;
    }
    world.setLink(device, { state: "up", dial: next, shownAt: world.now });
    world.serving(device, next);
  },
});

/** It serves, but the node hears of it when it may be too late. */
const slowDial = ({ links, flights }: World): Bare[] =>
  [...links].flatMap(([device, link]) =>
    mayDial(link, device, flights) && !link.isDead
      ? [
          {
            name: `slow dial ${device}`,
            text: `FAULT a dial of ${device} succeeds, but the node does not hear of it yet`,
            apply: (world: World) => {
              const next = link.dial + 1;
              world.setLink(device, { state: "up", dial: next, shownAt: world.now });
              world.flights = [...world.flights, { cargo: { kind: "serving", device, dial: next }, isLate: true }];
            },
          },
        ]
      : [],
  );

const speak = (device: DeviceId): Action => ({
  name: `speak ${device}`,
  text: `the silent link of ${device} speaks again`,
  fault: null,
  apply: (world) => {
    const link = world.links.get(device) as Link;
    world.setLink(device, { ...heard({ ...link, state: "up" }, world.now), shownAt: world.now });
    if (link.level > 0) world.report(device, "fresh");
  },
});

/** Somebody waits for a ranking in which the device could appear, and it has shown nothing yet in this tick. */
const isAwaited = ({ roster, now }: World, device: DeviceId, link: Link): boolean => {
  const view = roster?.devices.get(device);
  if (!roster || !view || view.lastSeenAt === now || link.heard !== link.dial) return false;
  for (const { asker, holder } of roster.seats.values())
    if (asker && holder !== device && !asker.exclude.includes(device)) return true;
  return false;
};

const show = (device: DeviceId): Action => ({
  name: `show ${device}`,
  text: `${device} answers its detector's probe, and the roster hears of it`,
  fault: null,
  apply: (world) => {
    world.setLink(device, { shownAt: world.now });
    world.tell({ to: "roster", event: { type: "device.seen", device, lastEvidenceAt: world.now } as { type: string } });
  },
});

// ---- time ----

const isRenewal = ({ id }: Timer): boolean => id.includes(".renewLeft.");

/**
 * Only what is due next may fire, equals in any order; and time passes only when nothing is on its way but what a fault has delayed,
 * and every link that can be dialled is: what is slower than a timer is a fault, not weather. Leases that are due are renewed first: it brings them back to where
 * they were, and nobody else looks at them.
 */
const timers = (world: World): Action[] => {
  const due = dueNow(world);
  if (due === null) return [];
  const moves: Action[] = world.timers
    .filter((timer) => timer.due === due && !isRenewal(timer))
    .map((timer) => ({
      name: `timer ${timer.owner} ${timer.id.split(".")[2]}`,
      text: `${timer.owner}: ${timer.id.split(".")[2]} is over`,
      fault: null,
      apply: (to) => {
        renew(to, due);
        if (to.timers.includes(timer)) to.fire(timer);
      },
    }));
  for (const [device, link] of world.links) {
    if (edgesAt(link) === due) moves.push(judge(device, due));
  }
  if (moves.length > 0) return moves;
  const isIdle = world.timers.every(isRenewal) && [...world.links.values()].every((link) => edgesAt(link) === null);
  return [{ name: "renew", text: "the leases are renewed", fault: null, isIdle, apply: (to) => renew(to, due) }];
};

/** When time may go on to; null while something is on its way or can be dialled, or if nothing is armed. */
const dueNow = (world: World): Millis | null => {
  const { nextDue: due, now, flights, links } = world;
  if (due === null || due <= now) return due;
  if (flights.some(({ isLate }) => !isLate)) return null;
  for (const [device, link] of links) if (mayDial(link, device, flights)) return null;
  return due;
};

const renew = (world: World, due: Millis): void => {
  for (const timer of world.timers) if (timer.due === due && isRenewal(timer)) world.fire(timer);
};

/** The store fails one lease that is about to be renewed, or answers too late. */
const ofRenewals =
  (next: "refuse" | "stall", words: string) =>
  (world: World): Bare[] => {
    const due = dueNow(world);
    return world.timers.flatMap((timer) => {
      if (timer.due !== due || !isRenewal(timer)) return [];
      const device = timer.owner.slice("lease:".length) as DeviceId;
      return [
        {
          name: `${next} lease ${device}`,
          text: `FAULT the store ${words} the question about the lease of ${device}`,
          apply: (to: World) => {
            to.leases.set(device, { ...(to.leases.get(device) as LeaseRow), next });
            to.fire(timer);
          },
        },
      ];
    });
  };

const judge = (device: DeviceId, due: Millis): Action => ({
  name: `judge ${device}`,
  text: `the detector of ${device} has waited long enough and accuses it further`,
  fault: null,
  apply: (world) => {
    renew(world, due);
    world.now = Math.max(world.now, due);
    const { level } = world.links.get(device) as Link;
    const next = Math.min(3, level + 1) as 1 | 2 | 3;
    world.setLink(device, { level: next });
    world.report(device, EDGES[next]);
  },
});

const restart: Action = {
  name: "restart",
  text: "the node starts again from the store's rows",
  fault: null,
  apply: (world) => world.boot(),
};

// ---- faults ----

const faults = (world: World): Action[] => {
  const { kinds } = world.bounds;
  return FAULTS.flatMap(([kind, actions]) =>
    kinds.includes(kind) ? actions(world).map((action) => ({ ...action, fault: kind })) : [],
  );
};
type Bare = Omit<Action, "fault">;

const ofLinks =
  (make: (device: DeviceId) => Bare) =>
  ({ links }: World): Bare[] =>
    [...links].flatMap(([device, { state }]) => (state === "up" ? [make(device)] : []));

const silence = ofLinks((device) => ({
  name: `silence ${device}`,
  text: `FAULT the link of ${device} falls silent`,
  apply: (world) => world.setLink(device, { state: "silent", quietSince: world.now }),
}));
const close = ofLinks((device) => ({
  name: `close ${device}`,
  text: `FAULT the link of ${device} breaks`,
  apply: (world) => world.closeLink(device, "dropped"),
}));
const cut = ofLinks((device) => ({
  name: `cut ${device}`,
  text: `FAULT the link of ${device} breaks, and no dial succeeds any more`,
  apply: (world) => {
    world.closeLink(device, "dropped");
    world.setLink(device, { isCut: true });
  },
}));
/** Also while it is down: the next dial tells. */
const logout = ({ links }: World): Bare[] =>
  [...links].flatMap(([device, { isDead }]) =>
    isDead
      ? []
      : [
          {
            name: `logout ${device}`,
            text: `FAULT ${device} is logged out`,
            apply: (world: World) => {
              world.setLink(device, { isDead: true });
              world.closeLink(device, "loggedOut");
            },
          },
        ],
  );

/** Until it is back, the store does nothing that it is asked about seats; it says so, or it says nothing. */
const withoutStore =
  (store: "failing" | "away", words: string) =>
  (world: World): Bare[] =>
    world.store === "well"
      ? [
          {
            name: `store ${store}`,
            text: `FAULT the store ${words}`,
            apply: (to) => {
              to.store = store;
            },
          },
        ]
      : [];
const storeBack: Action = {
  name: "store back",
  text: "the store is well again",
  fault: null,
  apply: (world) => {
    world.store = "well";
  },
};

const crash = ({ flights }: World): Bare[] => {
  const isAsked = flights.some(({ cargo }) => cargo.kind === "ask");
  const lost: Bare = {
    name: "crash",
    text: "FAULT the node crashes; what is on its way to it is lost",
    apply: (world) => world.crash(false),
  };
  if (!isAsked) return [lost];
  return [
    { ...lost, text: "FAULT the node crashes; what it had asked of the store is lost" },
    {
      name: "crash after commit",
      text: "FAULT the node crashes; the store does what it was asked",
      apply: (world) => world.crash(true),
    },
  ];
};

const ofFlights =
  (make: (flight: Flight) => Bare | null) =>
  ({ flights }: World): Bare[] =>
    flights.flatMap((flight) => make(flight) ?? []);
const swap = (flights: readonly Flight[], old: Flight, ...fresh: readonly Flight[]): readonly Flight[] =>
  flights.flatMap((flight) => (flight === old ? fresh : [flight]));

const delay = ofFlights((flight) =>
  flight.isLate
    ? null
    : {
        name: `late ${nameOf(flight)}`,
        text: `FAULT ${nameOf(flight)} is delayed`,
        apply: (world) => {
          world.flights = swap(world.flights, flight, { ...flight, isLate: true });
        },
      },
);

/** Lost on the way to the store: undone. Lost on the way back: done. The asker is told the same either way. */
const lose = ofFlights((flight) => {
  const { cargo } = flight;
  const name = `lose ${nameOf(flight)}`;
  if (cargo.kind === "probe")
    return {
      name,
      text: `FAULT the ${nameOf(flight)} is lost`,
      apply: (world) => void (world.flights = swap(world.flights, flight)),
    };
  if (isFact(cargo) || (cargo.kind === "answer" && cargo.event.type === "store.failed")) return null;
  const [to, op] = cargo.kind === "ask" ? [cargo.from, cargo.ask.op] : [cargo.to, opOf(cargo.event)];
  return {
    name,
    text: cargo.kind === "ask" ? `FAULT the store fails, and ${op} is not done` : `FAULT the store fails, though ${op} is done`,
    apply: (world) => {
      world.flights = swap(world.flights, flight, { cargo: { kind: "answer", to, event: failed(op) }, isLate: flight.isLate });
    },
  };
});
const opOf = (event: object): string => (event as { answer: { op: string } }).answer.op;

const repeat = ofFlights((flight) =>
  flight.cargo.kind === "ask" || flight.cargo.kind === "answer"
    ? null
    : {
        name: `repeat ${nameOf(flight)}`,
        text: `FAULT ${nameOf(flight)} comes twice`,
        apply: (world) => {
          world.flights = [...world.flights, { ...flight, isLate: true }];
        },
      },
);

const otherWriter = ({ flights, seats, links }: World): Bare[] =>
  flights.flatMap(({ cargo }) => {
    // The node is to learn of it from the answer to its own question, and of nothing older.
    if (
      cargo.kind !== "ask" ||
      flights.some((other) => other.cargo !== cargo && other.cargo.kind !== "probe" && !isFact(other.cargo))
    )
      return [];
    const row = seats.get(cargo.ask.seat) as SeatRow;
    const wanted = cargo.ask.op === "seat.change" ? cargo.ask.holder : null;
    const holder = [...links.keys()].findLast((device) => device !== row.holder && device !== wanted);
    if (holder === undefined) return [];
    return [
      {
        name: `other writer ${row.id}`,
        text: `FAULT somebody else gives ${row.id} to ${holder} first`,
        apply: (world: World) =>
          void world.seats.set(row.id, { ...row, holder, phase: "serving", term: (row.term + 1) as SeatTerm }),
      },
    ];
  });

const FAULTS: readonly (readonly [FaultKind, (world: World) => Bare[]])[] = [
  ["silence", silence],
  ["close", close],
  ["cut", cut],
  ["logout", logout],
  ["crash", crash],
  ["slow-dial", slowDial],
  ["late", delay],
  ["lose", lose],
  ["repeat", repeat],
  ["refuse-lease", ofRenewals("refuse", "fails")],
  ["stall-lease", ofRenewals("stall", "does not answer")],
  ["other-writer", otherWriter],
  ["fail-store", withoutStore("failing", "refuses what it is asked")],
  ["lose-store", withoutStore("away", "is out of reach")],
];
