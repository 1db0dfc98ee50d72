/** Light, dark, or as the system has it. */
export type Theme = "system" | "light" | "dark";
const PLACE = "greenroom-theme";

export const theme = (): Theme => {
  const kept = localStorage.getItem(PLACE);
  return kept === "light" || kept === "dark" ? kept : "system";
};
export const applyTheme = (chosen: Theme = theme()): void => {
  localStorage.setItem(PLACE, chosen);
  if (chosen === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
};
