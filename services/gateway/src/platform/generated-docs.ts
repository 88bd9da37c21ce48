import { readFileSync } from 'node:fs';
import { type AsyncApiDocument, PROTO_NAMES, type ProtoDocs } from '@punctual/contracts';

/** What the pages show besides the REST API. */
export type GeneratedDocs = {
  readonly asyncapi: AsyncApiDocument;
  readonly grpc: ProtoDocs;
  /** The .proto files by name, such as `order.proto`. */
  readonly protos: Readonly<Record<string, string>>;
};

/**
 * Read, not built: the examples of events are the contracts' published messages, and the comments of gRPC stand in .proto files. Throws
 * when one is not there.
 */
export function readGeneratedDocs(): GeneratedDocs {
  return {
    asyncapi: JSON.parse(readContracts('../generated/asyncapi.json')) as AsyncApiDocument,
    grpc: JSON.parse(readContracts('../generated/grpc/services.json')) as ProtoDocs,
    protos: Object.fromEntries(PROTO_NAMES.map((name) => [`${name}.proto`, readContracts(`../proto/${name}.proto`)])),
  };
}

/** `path` is seen from the contracts' source. */
function readContracts(path: string): string {
  return readFileSync(new URL(path, import.meta.resolve('@punctual/contracts')), 'utf8');
}
