/** `greenroom send LINE TO [TEXT]`: hands a message to a line. Done once it is durable; the line sees to the rest. */
import { resolve } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { Command, InvalidArgumentError } from "commander";
import type { OutgoingContent } from "../../runtime/outgoing.ts";
import { type Cli, CliError } from "../cli.ts";
import { parseDuration } from "../../config/duration.ts";
import { examples, wholeNumber } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";

interface Options extends TargetOptions {
  readonly key?: string;
  readonly priority?: number;
  readonly region?: string;
  readonly expires?: number;
  readonly image?: string;
  readonly video?: string;
  readonly audio?: string;
  readonly voice?: string;
  readonly document?: string;
  readonly caption?: string;
  readonly location?: readonly [number, number];
  readonly contact?: readonly [string, string];
  readonly react?: string;
  readonly replyTo?: string;
}

export const sendCommand = (cli: Cli): Command =>
  withTarget(
    new Command("send")
      .description("have a line send a message; done once it is stored")
      .argument("<line>", "which line speaks")
      .argument("<to>", "phone number with the country's code, or a WhatsApp address (a group's as well)")
      .argument("[text]", "the message (default: what comes on stdin), or the caption of what an option names")
      .option("--key <key>", "sent again with the same key, it is the same message and goes out once")
      .option("--priority <level>", "0 (bulk) to 9 (urgent); default: what the contact's tier is worth", wholeNumber(0, 9))
      .option("--region <name>", "where the contact is, in the words of the line's regions")
      .option("--expires <span>", "such as 90s or 12h: what has not left by then fails", span)
      .option("--image <file>", "JPEG, PNG or WebP, 16 MB at most")
      .option("--video <file>", "MPEG-4 or 3GPP, 16 MB at most")
      .option("--audio <file>", "music or speech, 16 MB at most")
      .option("--voice <file>", "as a voice note: Opus in an Ogg file, 16 MB at most")
      .option("--document <file>", "any file, 100 MB at most")
      .option("--caption <text>", "what stands below a picture, a video or a document")
      .option("--location <degrees>", "latitude and longitude, such as 52.52,13.405", degrees)
      .option("--contact <card>", "name and number, such as Ana:+491701234567", card)
      .option("--react <emoji>", "to the message that --reply-to names; an empty one takes it back")
      .option("--reply-to <message>", "the message that this one answers: what send printed, or WhatsApp's id"),
  )
    .addHelpText(
      "after",
      examples([
        ['greenroom send sales +491701234567 "Your order is on its way"', ""],
        ["echo hello | greenroom send sales 491701234567 --key order-17", "from a script that may be repeated"],
        ['greenroom send sales 491701234567 --image parcel.jpg --caption "Here it is"', ""],
      ]),
    )
    .action((line: string, to: string, text: string | undefined, options: Options) =>
      cli.run(options.json === true, async () => {
        const { key, priority, region, expires, replyTo } = options;
        const named = contentOf(text, options);
        const said = named === null ? (text ?? (await fromStdin())) : "";
        const content = named ?? (replyTo === undefined ? null : { kind: "text" as const, text: said });
        const answer = await ask(cli, options, "send", {
          line,
          to,
          ...(content === null ? { text: said } : { content: answering(content, replyTo) }),
          ...(key === undefined ? {} : { key }),
          ...(priority === undefined ? {} : { priority }),
          ...(region === undefined ? {} : { region }),
          ...(expires === undefined ? {} : { expiresIn: expires }),
        });
        if (options.json) cli.json(answer);
        else cli.print(`${answer.duplicate ? "Known already" : "Accepted"}: ${answer.id}, by ${answer.seat}`);
        return 0;
      }),
    );

const span = (text: string): number => {
  const value = parseDuration(text);
  if (value === undefined || value < 1) throw new InvalidArgumentError("expected a duration such as 90s or 12h.");
  return value;
};

/** A reaction says in itself what it is about. */
const answering = (content: OutgoingContent, replyTo: string | undefined): OutgoingContent =>
  replyTo === undefined || content.kind === "reaction" ? content : ({ ...content, replyTo } as OutgoingContent);

/** What the options name; null: the text. */
const contentOf = (text: string | undefined, options: Options): OutgoingContent | null => {
  const { image, video, audio, voice, document, caption, location, contact, react, replyTo } = options;
  const found: OutgoingContent[] = [];
  // The supervisor reads the file, and works elsewhere.
  if (image !== undefined) found.push({ kind: "image", file: resolve(image) });
  if (video !== undefined) found.push({ kind: "video", file: resolve(video) });
  if (audio !== undefined) found.push({ kind: "audio", file: resolve(audio) });
  if (voice !== undefined) found.push({ kind: "audio", file: resolve(voice), voice: true });
  if (document !== undefined) found.push({ kind: "document", file: resolve(document) });
  if (location) found.push({ kind: "location", latitude: location[0], longitude: location[1] });
  if (contact) found.push({ kind: "contact", name: contact[0], phone: contact[1] });
  if (react !== undefined) {
    if (replyTo === undefined) throw usage("--react needs --reply-to: name the message to react to");
    found.push({ kind: "reaction", to: replyTo as never, emoji: react });
  }
  const [only, another] = found;
  if (another)
    throw usage(
      "a message is one thing: give one of --image, --video, --audio, --voice, --document, --location, --contact, --react",
    );
  if (!only) {
    if (caption !== undefined) throw usage("--caption belongs to --image, --video or --document");
    return null;
  }
  if (caption !== undefined && text !== undefined) throw usage("give the caption once: as --caption, or as the text");
  const said = caption ?? text;
  if (said === undefined) return only;
  if (only.kind === "image" || only.kind === "video" || only.kind === "document") return { ...only, caption: said };
  throw usage(`a message of this kind (${only.kind}) has no text: send it on its own`);
};

const usage = (what: string): CliError => new CliError("E_USAGE", what, 2);

const degrees = (text: string): readonly [number, number] => {
  const found = /^(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?)$/.exec(text.trim());
  if (!found) throw new InvalidArgumentError("expected latitude and longitude, such as 52.52,13.405");
  return [Number(found[1]), Number(found[2])];
};
const card = (text: string): readonly [string, string] => {
  const at = text.lastIndexOf(":");
  if (at < 1) throw new InvalidArgumentError("expected a name and a number, such as Ana:+491701234567");
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
};

const fromStdin = async (): Promise<string> => {
  const said = process.stdin.isTTY ? "" : (await textOf(process.stdin)).replace(/\n$/, "");
  if (said === "")
    throw new CliError("E_NO_TEXT", "there is nothing to send: give the text as the last argument, or on stdin", 2);
  return said;
};
