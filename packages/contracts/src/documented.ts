import { z } from 'zod';

export type Json = Record<string, unknown>;

/**
 * What the OpenAPI documents say of a schema where zod cannot tell: checks that are functions, and names. Both registries hold a schema
 * and what is derived from it by `.optional()`, `.describe()` and their like.
 */
const inputs = z.registry<Json>();
const names = z.registry<{ readonly name: string }>();

/** Shows a schema to clients as this JSON Schema of what they send. It must not promise more than the schema takes. */
export function shownAs<T extends z.ZodType>(schema: T, input: Json): T {
  inputs.add(schema, input);
  return schema;
}

/** Makes what is answered a component of the documents, under this name. */
export function named<T extends z.ZodType>(name: string, schema: T): T {
  names.add(schema, { name });
  return schema;
}

/** How clients are shown what they send: before defaults and transformations. JSON Schema 2020-12, as OpenAPI 3.1 takes it. */
export function inputSchema(schema: z.core.$ZodType): Json {
  return withoutDialect(
    z.toJSONSchema(schema, {
      io: 'input',
      unrepresentable: 'any',
      override({ zodSchema, jsonSchema }) {
        const shown = inputs.get(zodSchema);
        if (shown !== undefined) replace(jsonSchema, shown);
        // zod leaves out the default of what is transformed, since it may be of the output; ours are what a client would send.
        if (zodSchema._zod.def.type === 'default') jsonSchema.default = zodSchema._zod.def.defaultValue;
      },
    }),
  );
}

/** Is told of each schema with a name. */
type Found = (name: string, schema: z.core.$ZodType) => void;

/** What is answered; schemas with a name are references, and `found` is told of each. */
export function outputSchema(schema: z.core.$ZodType, found: Found): Json {
  const name = names.get(schema)?.name;
  if (name === undefined) return expanded(schema, found);
  found(name, schema);
  return referenceTo(name);
}

/** What a component of this name is: the schema itself, with references to the others. */
export function expanded(schema: z.core.$ZodType, found: Found): Json {
  return withoutDialect(
    z.toJSONSchema(schema, {
      io: 'output',
      unrepresentable: 'any',
      override({ zodSchema, jsonSchema }) {
        // The format says it; zod's pattern of it is a calendar.
        if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
        const name = zodSchema === schema ? undefined : names.get(zodSchema)?.name;
        if (name === undefined) return;
        found(name, zodSchema);
        replace(jsonSchema, referenceTo(name));
      },
    }),
  );
}

function referenceTo(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

/** What was said of this place with `.describe()` stays. */
function replace(target: Json, replacement: Json): void {
  const { description } = target;
  for (const key of Object.keys(target)) delete target[key];
  Object.assign(target, replacement, description === undefined ? {} : { description });
}

/** The dialect is stated once by OpenAPI itself. */
function withoutDialect({ $schema: _, ...schema }: Json): Json {
  return schema;
}
