/** Reads TypeScript sources as far as house rules need it: without comments, with or without what stands in strings. */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Source {
  /** From the root of the checkout, with `/`. */
  readonly path: string;
  readonly text: string;
}
export interface Import {
  readonly line: number;
  /** As written. */
  readonly specifier: string;
  /** Of a relative one: from the root of the checkout. */
  readonly target: string | null;
}

export const sourcesIn = (...folders: readonly string[]): Source[] =>
  folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => ({ path: relative(ROOT, file).replaceAll("\\", "/"), text: readFileSync(file, "utf8") })),
  );

const IMPORT = /(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\()\s*(["'])([^"'\n]+)\1/g;

export const importsOf = ({ path, text }: Source): Import[] => {
  const code = blank(text, { strings: false });
  return [...code.matchAll(IMPORT)].map((match) => {
    const specifier = match[2] as string;
    const isRelative = specifier.startsWith(".");
    return { line: lineAt(code, match.index), specifier, target: isRelative ? posix.join(posix.dirname(path), specifier) : null };
  });
};

/** Where `pattern` stands in code: not in comments, strings or regular expressions. */
export const usesOf = ({ text }: Source, pattern: RegExp): { readonly line: number; readonly found: string }[] => {
  const code = blank(text, { strings: true });
  return [...code.matchAll(new RegExp(pattern, "g"))].map((match) => ({
    line: lineAt(code, match.index),
    found: match[0].trim(),
  }));
};

const lineAt = (text: string, index: number): number => text.slice(0, index).split("\n").length;

/** Same length and lines; comments (and strings, if asked) are spaces. What stands in `${…}` is code, and stays. */
export const blank = (text: string, { strings }: { strings: boolean }): string => {
  const out = text.split("");
  const erase = (from: number, to: number): void => {
    for (let index = from; index < to; index++) if (out[index] !== "\n") out[index] = " ";
  };
  /** Depths of braces at which a template's `${` was opened. */
  const templates: number[] = [];
  let depth = 0;
  let index = 0;
  const template = (from: number): number => {
    let end = from;
    while (end < text.length && text[end] !== "`" && !text.startsWith("${", end)) end += text[end] === "\\" ? 2 : 1;
    if (strings) erase(from, end);
    if (text.startsWith("${", end)) {
      templates.push(depth);
      return end + 2;
    }
    return end + 1;
  };
  while (index < text.length) {
    const char = text[index] as string;
    if (text.startsWith("//", index)) {
      const end = endOf(text, "\n", index);
      erase(index, end);
      index = end;
    } else if (text.startsWith("/*", index)) {
      const end = endOf(text, "*/", index) + 2;
      erase(index, end);
      index = end;
    } else if (char === '"' || char === "'") {
      let end = index + 1;
      while (end < text.length && text[end] !== char && text[end] !== "\n") end += text[end] === "\\" ? 2 : 1;
      if (strings) erase(index + 1, end);
      index = end + 1;
    } else if (char === "`") {
      index = template(index + 1);
    } else if (char === "}" && templates.at(-1) === depth) {
      templates.pop();
      index = template(index + 1);
    } else if (char === "/" && isRegExpAt(text, index)) {
      const end = regExpEnd(text, index);
      if (strings) erase(index, end);
      index = end;
    } else {
      if (char === "{") depth++;
      if (char === "}") depth--;
      index++;
    }
  }
  return out.join("");
};

const endOf = (text: string, end: string, from: number): number => {
  const found = text.indexOf(end, from);
  return found < 0 ? text.length : found;
};

/** A slash divides after a value, and begins a regular expression after anything else. */
const isRegExpAt = (text: string, index: number): boolean => {
  const before = text.slice(Math.max(0, index - 40), index).trimEnd();
  return before === "" || /[=(,:;!&|?{}[+\-*%<>~^]$|\b(return|typeof|case|of|in)$/.test(before);
};

const regExpEnd = (text: string, from: number): number => {
  let inClass = false;
  let index = from + 1;
  for (; index < text.length && text[index] !== "\n"; index++) {
    if (text[index] === "\\") index++;
    else if (text[index] === "[") inClass = true;
    else if (text[index] === "]") inClass = false;
    else if (text[index] === "/" && !inClass) return index + 1;
  }
  return index;
};
