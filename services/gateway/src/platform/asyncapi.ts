import { readFileSync } from 'node:fs';
import type { AsyncApiDocument } from '@punctual/contracts';

/** Read, not built: its examples are the contracts' published messages, which are files as well. */
const GENERATED = new URL('../generated/asyncapi.json', import.meta.resolve('@punctual/contracts'));

/** The document of events and queues, as it was generated from the contracts. Throws when it is not there. */
export function readAsyncApi(): AsyncApiDocument {
  return JSON.parse(readFileSync(GENERATED, 'utf8')) as AsyncApiDocument;
}
