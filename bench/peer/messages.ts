/** What a benchmark may ask of the process that plays WhatsApp. Bytes travel as base64. */
export interface DeviceAddress {
  readonly account: string;
  readonly device: number;
}
export interface PublishedKeys {
  readonly noiseKey: string;
  readonly identity: string;
  readonly registration: string;
  readonly signedPreKey: { readonly id: string; readonly value: string; readonly signature: string };
  readonly preKeys: readonly { readonly id: string; readonly value: string }[];
}
export type PeerOp =
  | { op: "people"; numbers: string[]; reads: boolean }
  /** Links a device without the dialogue. Answered by `device`, `signed` and `lid`. */
  | { op: "adopt"; number: string; keys: PublishedKeys }
  /** `from` writes `count` messages to each of `to`. */
  | { op: "write"; from: string; to: string[]; count: number }
  /** `at` is when it began, in ms since the epoch. */
  | { op: "silence" | "drop"; targets: DeviceAddress[] }
  | { op: "heal" };
export interface Ready {
  readonly url: string;
  readonly root: string;
}
export type Answer = Record<string, unknown>;
