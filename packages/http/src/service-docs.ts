import { readFileSync } from 'node:fs';
import { type ApiName, serviceApis } from '@punctual/contracts';

/** What a service shows of itself: its OpenAPI document, and by file name its .proto file with those that it imports. */
export type ServiceDocs = { readonly openapi: object; readonly protos: Readonly<Record<string, string>> };

/** Reads a service's documents as they were generated from, or stand in, the contracts. Throws when one is not there. */
export function readServiceDocs(service: ApiName): ServiceDocs {
  const openapi: object = JSON.parse(readContracts(`../generated/openapi.${service}.json`));
  const names = serviceApis[service].protos.map((name) => `${name}.proto`);
  return { openapi, protos: Object.fromEntries(names.map((name) => [name, readContracts(`../proto/${name}`)])) };
}

/** `path` is seen from the contracts' source. */
function readContracts(path: string): string {
  return readFileSync(new URL(path, import.meta.resolve('@punctual/contracts')), 'utf8');
}
