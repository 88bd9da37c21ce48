import type { Logger } from '@punctual/telemetry';
import type { TsProtoServiceDefinition } from 'nice-grpc';

type Method = TsProtoServiceDefinition['methods'][string];

/** Stands in for a request whose bytes are not the message that they should be. */
export class UnreadableMessage {
  readonly reason: unknown;

  constructor(reason: unknown) {
    this.reason = reason;
  }
}

/**
 * A definition as the server uses it. gRPC's library answers INTERNAL with the text of the error when a message cannot be read or
 * written: a request that cannot be read is the client's mistake and reaches the handler's middleware, which says so, and an answer
 * that cannot be written shows nothing.
 */
export function wireDefinition<Definition extends TsProtoServiceDefinition>(
  definition: Definition,
  logger: Logger,
): Definition {
  const methods = Object.fromEntries(
    Object.entries(definition.methods).map(([name, method]) => [name, wireMethod(method, logger)]),
  );
  return { ...definition, methods };
}

function wireMethod(method: Method, logger: Logger): Method {
  const { requestType, responseType } = method;
  const answer = <T>(write: () => T): T => {
    try {
      return write();
    } catch (error) {
      logger.error('an answer cannot be encoded', { method: method.name, error });
      throw new Error('internal');
    }
  };
  return {
    ...method,
    requestType: {
      ...requestType,
      decode(bytes) {
        try {
          return requestType.decode(bytes);
        } catch (error) {
          return new UnreadableMessage(error);
        }
      },
    },
    responseType: {
      ...responseType,
      encode: (message) => answer(() => responseType.encode(message)),
      fromPartial: (value) => answer(() => responseType.fromPartial?.(value) ?? value),
    },
  };
}
