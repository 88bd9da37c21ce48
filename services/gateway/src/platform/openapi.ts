import { gatewayOpenApi, type OpenApiDocument } from '@punctual/contracts';

/** The document of the whole public API, with the public address in both mounts. */
export function publicOpenApi(publicUrl: string): OpenApiDocument {
  return {
    ...gatewayOpenApi(),
    externalDocs: { description: 'gRPC, events and queues', url: `${publicUrl}/docs/grpc` },
    servers: [{ url: publicUrl }, { url: `${publicUrl}/api/v1` }],
  };
}
