/** Always: one socket a device. */
import type { DeviceId } from "../../machines/ports/ids.ts";
import { eventsAmong, type Property } from "./life.ts";

export const oneSocket: Property = {
  name: "one-socket",
  says: "a device has at most one socket that was opened and that we have not let go",
  *broken(life) {
    const up = new Map<DeviceId, number>();
    for (const event of eventsAmong(life, "dialled", "dropped", "ended")) {
      if (event.kind === "dialled") {
        const other = up.get(event.device);
        if (other !== undefined) yield { at: event.at, text: `${event.device} opened link ${event.link} beside link ${other}` };
        up.set(event.device, event.link);
      } else if (up.get(event.device) === event.link) up.delete(event.device);
    }
  },
};
