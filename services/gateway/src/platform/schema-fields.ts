/** What the documentation page reads of a JSON Schema. */
export type Schema = {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
};

export type Field = {
  /** From the root, such as `items[].product_id`. */
  readonly path: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly note: string;
};

/** The forms that data may have, newest first: mostly there is one. */
export function formsOf(schema: Schema): Field[][] {
  return (schema.anyOf ?? [schema]).map((form) => fieldsOf(form, ''));
}

function fieldsOf({ properties = {}, required = [] }: Schema, prefix: string): Field[] {
  return Object.entries(properties).flatMap(([name, property]) => {
    const path = `${prefix}${name}`;
    const { schema: inner, suffix } = unwrap(property);
    const field = { path, type: typeOf(property), isRequired: required.includes(name), note: noteOf(property) };
    return [field, ...fieldsOf(inner, `${path}${suffix}.`)];
  });
}

/** The schema of a list's items, however deep. */
function unwrap(schema: Schema): { schema: Schema; suffix: string } {
  if (schema.items === undefined) return { schema, suffix: '' };
  const inner = unwrap(schema.items);
  return { schema: inner.schema, suffix: `[]${inner.suffix}` };
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
  if (schema.format !== undefined) return `${schema.type ?? 'any'} (${schema.format})`;
  return schema.type ?? 'any';
}

function noteOf(schema: Schema): string {
  const notes = [
    ...(schema.description === undefined ? [] : [schema.description]),
    ...(schema.exclusiveMinimum === undefined ? [] : [`more than ${schema.exclusiveMinimum}`]),
    ...(schema.minimum === undefined ? [] : [`at least ${schema.minimum}`]),
    ...(schema.default === undefined ? [] : [`${JSON.stringify(schema.default)} when missing`]),
  ];
  return notes.join('; ');
}
