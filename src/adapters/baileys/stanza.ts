/** Reading stanzas. */
import type { BinaryNode } from "@whiskeysockets/baileys";

export const childrenOf = (node: BinaryNode): readonly BinaryNode[] => (Array.isArray(node.content) ? node.content : []);
export const childOf = (node: BinaryNode, tag: string): BinaryNode | undefined =>
  childrenOf(node).find((child) => child.tag === tag);
