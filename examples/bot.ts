/** A bot that answers whoever writes: `node bot.ts fleet.yaml`. Link its devices from another terminal: `greenroom device link sales-1/a`. */
import { createSupervisor } from "greenroom";

const supervisor = createSupervisor(process.argv[2] ?? "fleet.yaml");

supervisor.onMessage(async (message, reply) => {
  if (message.isGroup || message.kind !== "text") return;
  if (message.text === "hours") await reply("We are open from 9 to 17.");
  else await reply(`You wrote "${message.text}". Write "hours" to hear when we are open.`, { quote: true });
});
supervisor.on("alert.raised", ({ data }) => console.error(data.text));
process.once("SIGINT", () => void supervisor.stop());
process.once("SIGTERM", () => void supervisor.stop());

await supervisor.start();
