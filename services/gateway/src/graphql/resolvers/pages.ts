import type { Window, WindowInfo } from '@punctual/contracts/grpc/common';
import { unavailable } from '@punctual/http';

export type PageArgs = { limit?: number | null; offset?: number | null };

/** The part of a list that is asked for; the service refuses what is out of bounds. */
export function windowOf({ limit, offset }: PageArgs): Partial<Window> {
  return { limit: limit ?? undefined, offset: offset ?? undefined };
}

export function pageOf<Node>(nodes: readonly Node[], info: WindowInfo | undefined) {
  const { total = nodes.length, totalIsExact = false, hasMore = false } = info ?? {};
  return { nodes, pageInfo: { total, totalIsExact, hasMore } };
}

/** The message inside an answer, which every answer has. */
export function present<Message>(message: Message | undefined, service: string): Message {
  if (message === undefined) throw unavailable(service);
  return message;
}

/** GraphQL tells an argument that is null from one that is missing; gRPC does not. */
export function given<Value>(value: Value | null | undefined): Value | undefined {
  return value ?? undefined;
}
