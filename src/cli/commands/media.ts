/** `greenroom media`: files for messages, and what came with them. The supervisor reads and writes the files, on its machine. */
import { resolve } from "node:path";
import { Command } from "commander";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";

export const mediaCommand = (cli: Cli): Command => {
  const command = new Command("media").description("files for messages, and what came with them");
  command.addCommand(upload(cli)).addCommand(download(cli));
  return command.addHelpText("after", examples(SHOWN));
};

const SHOWN = [
  ["greenroom media upload catalogue.pdf", "its id, for messages sent over the API"],
  ["greenroom media download 812 picture.jpg", "what came with message 812 of the inbox"],
] as const;

const upload = (cli: Cli): Command =>
  withTarget(
    new Command("upload")
      .description("keep a file for messages to name: for an hour, and as long as one needs it")
      .argument("<file>", "any file, 100 MB at most"),
  )
    .addHelpText("after", examples([SHOWN[0]]))
    .action((file: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "mediaUpload", { file: resolve(file) });
        if (options.json) cli.json(answer);
        else cli.print(answer.id);
        return 0;
      }),
    );

const download = (cli: Cli): Command =>
  withTarget(
    new Command("download")
      .description("write what came with a message, or was uploaded, as a new file")
      .argument("<media>", "the message's number in the inbox, or the id of an upload")
      .argument("<file>", "where to"),
  )
    .addHelpText("after", examples([SHOWN[1]]))
    .action((media: string, file: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "mediaDownload", { media, to: resolve(file) });
        if (options.json) cli.json(answer);
        else
          cli.print(
            `${answer.to}: ${answer.bytes.toLocaleString("en")} bytes${answer.mimetype === null ? "" : `, ${answer.mimetype}`}`,
          );
        return 0;
      }),
    );
