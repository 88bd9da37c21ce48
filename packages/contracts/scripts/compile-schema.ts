/** Compiles JSON Schemas with the ajv that the AsyncAPI parser brings along: the root's own is too old for 2020-12. */
import { createRequire } from 'node:module';

type Validate = ((data: unknown) => boolean) & { readonly errors?: unknown };
type Dialect = new (options: Readonly<Record<string, unknown>>) => { compile(schema: unknown): Validate };

const parserRequire = createRequire(createRequire(import.meta.url).resolve('@asyncapi/parser'));

/** What is wrong with data, undefined when nothing is. Throws when the schema is none. Formats are not checked, patterns are. */
export type Check = (data: unknown) => unknown;

export function compileSchema(schema: unknown): Check {
  const { default: Dialect2020 } = parserRequire('ajv/dist/2020') as { default: Dialect };
  const validate = new Dialect2020({ strict: true, strictTypes: false, validateFormats: false }).compile(schema);
  return (data) => (validate(data) ? undefined : validate.errors);
}
