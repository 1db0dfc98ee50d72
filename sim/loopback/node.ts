/** Building and reading the binary XML that WhatsApp speaks. */
import type { BinaryNode } from "@whiskeysockets/baileys";

export type Node = BinaryNode;
export type Content = NonNullable<BinaryNode["content"]>;
export type Attrs = Record<string, string | undefined>;

/** Attributes that are undefined are left out: absent and empty mean different things to a client. */
export function el(tag: string, attrs: Attrs = {}, content?: Content): Node {
  const present: Record<string, string> = {};
  for (const key in attrs) {
    const value = attrs[key];
    if (value !== undefined) present[key] = value;
  }
  return content === undefined ? { tag, attrs: present } : { tag, attrs: present, content };
}

export function children(node: Node | undefined, tag?: string): Node[] {
  if (!node || !Array.isArray(node.content)) return [];
  return tag === undefined ? node.content : node.content.filter((each) => each.tag === tag);
}

export function child(node: Node | undefined, tag: string): Node | undefined {
  return node && Array.isArray(node.content) ? node.content.find((each) => each.tag === tag) : undefined;
}

/** The bytes of a node's content, whichever way the codec delivered them. */
export function bytes(node: Node | undefined): Buffer | undefined {
  const content = node?.content;
  if (content === undefined || Array.isArray(content)) return undefined;
  return typeof content === "string"
    ? Buffer.from(content, "utf8")
    : Buffer.from(content.buffer, content.byteOffset, content.length);
}

export function requiredBytes(node: Node | undefined, what: string): Buffer {
  const found = bytes(node);
  if (!found) throw new Error(`stanza without ${what}`);
  return found;
}

/** The same node with more attributes. */
export function withAttrs(node: Node, attrs: Attrs): Node {
  return node.content === undefined
    ? el(node.tag, { ...node.attrs, ...attrs })
    : el(node.tag, { ...node.attrs, ...attrs }, node.content);
}

export function bigEndian(value: number, length: number): Buffer {
  const out = Buffer.alloc(length);
  out.writeUIntBE(value, 0, length);
  return out;
}

export const SERVER = "s.whatsapp.net";
/** Unix seconds as the `t` attribute carries them. */
export const stamp = (at = Date.now()): string => String(Math.floor(at / 1000));
