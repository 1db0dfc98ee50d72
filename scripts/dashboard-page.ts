/** Builds the dashboard's page: all in one file. */
import { bundle } from "./bundle.ts";

export const dashboardPage = async (): Promise<string> => {
  const { code, style } = await bundle("app");
  return `<!doctype html>
<!-- Made by "npm run dashboard" from src/dashboard/app. -->
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<link rel="icon" href="data:,">
<title>Greenroom</title><style>${style}</style>
<script type="module">${code.replaceAll("</script", "<\\/script")}</script></head><body><div id="app"></div>
<noscript>This page needs JavaScript. Without it the terminal says the same: <code>greenroom status</code>, <code>greenroom top</code>.</noscript></body></html>
`;
};
