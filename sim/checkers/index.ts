/** All that must always hold in a single run. */
import { detectionsAlert, recoveriesResolve } from "./alerts.ts";
import { inboxFills, outboxDrains, seatsAreHeld } from "./eventually.ts";
import { nobodyDies } from "./actors.ts";
import { oneCanary } from "./canary.ts";
import { capsAreKept } from "./caps.ts";
import { gateKeepsTerms } from "./gate.ts";
import { grantsFollowTerms } from "./grants.ts";
import { linksEndWithLeases } from "./leases.ts";
import { violationsOf, type Life, type Property, type Violation } from "./life.ts";
import {
  calledBackStays,
  duplicatesAreMarked,
  gateBeforeBytes,
  inOrder,
  keptBeforeReceipt,
  keysBeforeBytes,
  nothingLost,
} from "./messages.ts";
import { alertsAreTold } from "./notices.ts";
import { paceIsKept } from "./pacing.ts";
import { movesAreUnheard } from "./rebalance.ts";
import { movesKeepToTheirs } from "./regions.ts";
import { restrictedBeginNothing } from "./restricted.ts";
import { candidatesAreHeard, candidatesMaySpeak, changesAreAudited, oneHolderPerTerm, rollbackRestores } from "./seats.ts";
import { oneSocket } from "./sockets.ts";
import { movesAreFew } from "./evening.ts";
import { nobodyStarves } from "./overtaking.ts";
import { sharesAreFair } from "./sharing.ts";
import { conversationsStay } from "./stays.ts";
import { switchoversGoUnseen, switchoversLeadBack } from "./switchovers.ts";

export const properties: readonly Property[] = [
  oneHolderPerTerm,
  changesAreAudited,
  rollbackRestores,
  candidatesAreHeard,
  candidatesMaySpeak,
  gateKeepsTerms,
  oneSocket,
  oneCanary,
  linksEndWithLeases,
  nothingLost,
  calledBackStays,
  inOrder,
  duplicatesAreMarked,
  keysBeforeBytes,
  gateBeforeBytes,
  keptBeforeReceipt,
  paceIsKept,
  capsAreKept,
  movesAreUnheard,
  movesAreFew,
  movesKeepToTheirs,
  conversationsStay,
  sharesAreFair,
  nobodyStarves,
  restrictedBeginNothing,
  switchoversGoUnseen,
  switchoversLeadBack,
  nobodyDies,
  detectionsAlert,
  recoveriesResolve,
  alertsAreTold,
  seatsAreHeld,
  grantsFollowTerms,
  outboxDrains,
  inboxFills,
];

export const check = (life: Life): Violation[] => properties.flatMap((property) => violationsOf(property, life));
