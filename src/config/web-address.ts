/** Addresses and secrets as every section of a fleet file may name them. */
import { z } from "zod";
import { REFERENCE } from "./secret.ts";

export const isHttp = (text: string): boolean => {
  const url = URL.parse(text);
  return url !== null && (url.protocol === "http:" || url.protocol === "https:") && url.username === "" && url.password === "";
};
/** http:// or https://, or a reference to such an address. */
export const webAddress = z.string().refine((text) => REFERENCE.test(text) || isHttp(text), {
  error: "this is no http:// or https:// address without a password, and no reference to one, ${env:NAME} or ${file:PATH}",
});
export const secretReference = z
  .string()
  .regex(REFERENCE, { error: "a secret does not belong in this file: expected a reference, ${env:NAME} or ${file:PATH}" });
