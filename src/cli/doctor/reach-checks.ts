/** WhatsApp as seen from here, and our clock as seen from there. */
import { request } from "node:https";
import { connect } from "node:net";
import type { FleetConfig } from "../../config/index.ts";
import { bad, doubtful, type Finding, good } from "./finding.ts";

/** Where devices connect to unless the fleet names another place. */
const WHATSAPP = new URL("https://web.whatsapp.com");
const WITHIN = 5000;
/** Codes are bound to the time, and so are certificates; half a minute is harmless, five are not. */
const CLOCK = { off: 30_000, wrong: 300_000 };

export const reachFindings = async ({ whatsapp }: Pick<FleetConfig, "whatsapp">, real = WHATSAPP): Promise<Finding[]> => {
  if (whatsapp) return [await portFinding(new URL(whatsapp.url))];
  const answer = await dateOf(real);
  if (answer instanceof Error) {
    return [
      bad("WhatsApp", `${real.host} can't be reached (${answer.message}): check network, proxy and firewall (TCP 443)`),
      doubtful("clock", "nobody to compare it with: that is done once WhatsApp can be reached"),
    ];
  }
  const { at, tookMs } = answer;
  return [good("WhatsApp", `${real.host} answers (${Math.round(tookMs)} ms)`), clockFinding(Date.now() - tookMs / 2 - at)];
};

/** `ahead`: milliseconds by which our clock is before theirs. */
export const clockFinding = (ahead: number): Finding => {
  const text = `this machine's clock is ${(Math.abs(ahead) / 1000).toFixed(0)} s ${ahead > 0 ? "ahead" : "behind"}`;
  if (Math.abs(ahead) > CLOCK.wrong) return bad("clock", `${text}: logins may be refused. Turn on NTP`);
  return Math.abs(ahead) > CLOCK.off ? doubtful("clock", `${text}: turn on NTP`) : good("clock", "agrees with WhatsApp's");
};

/** The Date header has whole seconds: half of one is added. */
const dateOf = (url: URL): Promise<{ at: number; tookMs: number } | Error> =>
  new Promise((resolve) => {
    const began = performance.now();
    const asked = request(url, { method: "HEAD", timeout: WITHIN }, ({ headers }) => {
      asked.destroy();
      const at = Date.parse(headers.date ?? "");
      resolve(Number.isNaN(at) ? new Error("it answers without a date") : { at: at + 500, tookMs: performance.now() - began });
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${WITHIN / 1000} s`)));
    asked.on("error", resolve);
    asked.end();
  });

const portFinding = (url: URL): Promise<Finding> =>
  new Promise((resolve) => {
    const port = Number(url.port) || (url.protocol === "wss:" ? 443 : 80);
    const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ""), port, timeout: WITHIN });
    const end = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    socket.on("connect", () => end(good("WhatsApp", `${url.href} (whatsapp.endpoint) accepts connections`)));
    socket.on("timeout", () => end(bad("WhatsApp", `${url.href} (whatsapp.endpoint) does not answer`)));
    socket.on("error", (error) => end(bad("WhatsApp", `${url.href} (whatsapp.endpoint): ${error.message}`)));
  });
