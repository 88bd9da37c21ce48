import { z } from 'zod';
import type { Json } from './documented.ts';
import { dataSchemaOf, type MessageType } from './messages.ts';

/**
 * JSON Schema 2020-12 of a message's data, as a reader should check it: fields that are not listed are allowed, since a newer
 * writer may send them, and a field with a default may be missing, since an older one did not.
 */
export function messageJsonSchema(type: MessageType, description: string): Json {
  const { $schema, ...schema } = z.toJSONSchema(dataSchemaOf(type), { io: 'input' });
  return { $schema, $id: `urn:punctual:message:${type}`, title: type, description, ...schema };
}

/** The same in the dialect that AsyncAPI 3.0 reads without a plugin. */
export function asyncApiSchema(type: MessageType): Json {
  const { $schema: _, ...schema } = z.toJSONSchema(dataSchemaOf(type), { io: 'input', target: 'draft-7' });
  return { title: type, ...schema };
}
