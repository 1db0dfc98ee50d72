/** The device connections of a node, on Baileys. This folder is the only one in src that may name it. */
export { createBaileysConnections } from "./connections.ts";
export { makeDownload } from "./downloads.ts";
export { contentOf, isMessage } from "./reading.ts";
