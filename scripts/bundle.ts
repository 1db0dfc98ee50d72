/** What a browser runs of a folder in src/dashboard: all scripts in one, all styles in one. */
import { fileURLToPath } from "node:url";
import { build, type Rolldown } from "vite";

export const bundle = async (folder: string): Promise<{ code: string; style: string }> => {
  const root = fileURLToPath(new URL(`../src/dashboard/${folder}/`, import.meta.url));
  const result = await build({
    root,
    configFile: false,
    logLevel: "error",
    mode: "production",
    define: { "process.env.NODE_ENV": '"production"' },
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      write: false,
      target: "es2023",
      modulePreload: false,
      cssMinify: true,
      minify: true,
      rolldownOptions: { input: `${root}main.tsx`, output: { format: "es", codeSplitting: false }, external: [/^elkjs/] },
    },
  });
  const { output } = (Array.isArray(result) ? result[0] : result) as Rolldown.RolldownOutput;
  const code = output.flatMap((file) => (file.type === "chunk" ? [file.code] : [])).join("");
  const style = output.flatMap((file) => (file.type === "asset" && file.fileName.endsWith(".css") ? [String(file.source)] : []));
  return { code: code.trim(), style: style.join("").trim() };
};
