/** A fleet file to begin with, with comments for who has never seen one. */

export interface Wishes {
  readonly name: string;
  readonly line: string;
  /** In order of preference. */
  readonly masters: readonly string[];
  readonly servants: readonly string[];
  /** Two devices for each master. */
  readonly twins: boolean;
}

export const fleetText = ({ name, line, masters, servants, twins }: Wishes): string => `\
# Which WhatsApp accounts there are, and which lines they serve. Save it, and a running \`up\` takes it up.
fleet: ${quoted(name)}

# One SQLite file. Credentials in it are encrypted; the key is beside it (greenroom.key), or in GREENROOM_KEY.
store:
  file: ./greenroom.db

# One entry for each number. Two devices of one account are twins: when one fails, the other speaks at once, from the same number.
# pacing says how fast a number may send: a new one that writes fast is soon banned.
accounts:
${masters.map((master) => `  ${quoted(master)}: { role: master, devices: ${twins ? "[a, b]" : "[a]"}, pacing: { perSecond: 0.5, burst: 10 } }`).join("\n")}
${servants.map((servant) => `  ${quoted(servant)}: { role: servant, devices: [a] }\n`).join("")}
# A line is what people write to and hear from. Its masters stand in for each other, in this order.
lines:
  ${quoted(line)}:
    masters: [${masters.map(quoted).join(", ")}]
${servants.length > 0 ? `    servants: [${servants.map(quoted).join(", ")}]\n` : ""}\
    # When another number takes over, some messages may or may not have gone out:
    whenNumberChanges: hold # wait for an operator's word; or resend: perhaps a second time

# The HTTP API, on this machine only. greenroom init has shown the first admin's key; more: greenroom key create NAME
# api: { port: 8480 }

# Everything else has defaults: greenroom config print shows them.
`;

/** What YAML might take for something else than text gets quotes. Whether it is a name at all is checked by whoever loads it. */
const quoted = (text: string): string =>
  /^[A-Za-z][A-Za-z0-9._-]*$/.test(text) && !WORDS.test(text) ? text : JSON.stringify(text);
const WORDS = /^(true|false|yes|no|on|off|null|y|n)$/i;
