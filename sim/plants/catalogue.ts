/** The planted bugs. Each is a mistake that somebody could make, and names the property that has to notice it. */
import { HOLDERS } from "./holders.ts";
import { NOTICING } from "./noticing.ts";
import type { Plant } from "./plant.ts";
import { QUEUE } from "./queue.ts";
import { SERVANTS } from "./servants.ts";
import { SHARING } from "./sharing.ts";
import { TERMS } from "./terms.ts";

export const PLANTS: readonly Plant[] = [...TERMS, ...QUEUE, ...SHARING, ...SERVANTS, ...HOLDERS, ...NOTICING];
