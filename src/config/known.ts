/** What the schema knows at a path: for "did you mean", and to find the setting that an environment variable names. */
import { z } from "zod";
import type { Path } from "./document.ts";

type Schema = z.core.$ZodType;

/** What is inside optional, default and transforming wrappers. */
export const bare = (schema: Schema): Schema => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable)
    return bare(schema.def.innerType);
  return schema instanceof z.ZodPipe ? bare(schema.def.in) : schema;
};

export const schemaAt = (root: Schema, path: Path): Schema | undefined => {
  let schema: Schema | undefined = bare(root);
  for (const step of path) {
    if (schema === undefined) return undefined;
    const next: Schema | undefined = childOf(schema, step);
    schema = next && bare(next);
  }
  return schema;
};

/** Names that may stand in a map with fixed names; none for anything else. */
export const knownKeys = (schema: Schema | undefined): string[] =>
  schema instanceof z.ZodObject ? Object.keys(schema.def.shape) : [];

const childOf = (schema: Schema, step: string | number): Schema | undefined => {
  if (schema instanceof z.ZodObject) return Object.hasOwn(schema.def.shape, step) ? schema.def.shape[step] : undefined;
  if (schema instanceof z.ZodRecord) return schema.def.valueType;
  return schema instanceof z.ZodArray ? schema.def.element : undefined;
};
