/** The Node that this needs, in a file that any Node can read. */

/** A sentence, or nothing if this Node will do. */
export const tooOld = (version: string): string | undefined => {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 24 || (major === 24 && minor >= 15)) return undefined;
  return `greenroom needs Node 24.15 or newer, and this is ${version}: get one from https://nodejs.org`;
};
