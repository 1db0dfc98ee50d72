/** Functions of your own, in the supervisor that `greenroom up` starts: the fleet file has `plugins: ./plugins.ts`. */
import { appendFile } from "node:fs/promises";
import { definePlugins } from "greenroom";

export default definePlugins({
  version: "1.0.0",
  onMessage: {
    hours: async (message, reply) => {
      if (message.text === "hours") await reply("We are open from 9 to 17.");
    },
  },
  strategies: [
    {
      // Everybody goes to the last seat that can take somebody: the first ones keep room for known conversations.
      name: "last-first",
      begin: () => (seats) => {
        for (let place = seats.size - 1; place >= 0; place--) if (seats.isEligible(place)) return place;
        return -1;
      },
    },
  ],
  alertChannels: {
    notebook: (notice) => appendFile("alerts.txt", notice.items.map(({ text }) => `${text}\n`).join("")),
  },
  eventSinks: {
    journal: (event) => appendFile("events.txt", `${event.type} ${event.subject}\n`),
  },
});
