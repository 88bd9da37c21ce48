import type { ConsumeMessage, Options } from 'amqplib';
import { AMQP_PREFIX, attributeHeaders, CONTENT_TYPE } from '../codec.ts';
import type { Envelope } from '../envelope.ts';

/** A message as it goes over the wire; `dueAtMs` sends it through the delayed exchange of that name. */
export type WireMessage = {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly id: string;
  readonly type: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly dueAtMs?: number;
};

export const DUE_AT = 'x-due-at';
export const ATTEMPT = 'x-attempt';
export const FIRST_FAILURE_AT = 'x-first-failure-at';
export const LAST_FAILURE_AT = 'x-last-failure-at';
export const REASON = 'x-reason';
export const ATTEMPTS = 'x-attempts';
export const QUEUE = 'x-queue';

type Addressed = { readonly exchange: string; readonly routingKey: string };

export function wireOf({ exchange, routingKey }: Addressed, envelope: Envelope, json?: string): WireMessage {
  return {
    exchange,
    routingKey,
    body: Buffer.from(json ?? JSON.stringify(envelope.data)),
    id: envelope.id,
    type: envelope.type,
    headers: {
      ...attributeHeaders(envelope, AMQP_PREFIX),
      ...(envelope.attempt === 1 ? {} : { [ATTEMPT]: envelope.attempt }),
    },
    ...(envelope.dueAt === undefined ? {} : { dueAtMs: envelope.dueAt.getTime() }),
  };
}

/**
 * A delivered message, to be sent on under another address: body and our own headers as they came, the broker's history
 * (x-death, x-delivery-count) left behind, since a new delivery starts with a clean one.
 */
export function forwarded(message: ConsumeMessage, { exchange, routingKey }: Addressed): WireMessage {
  const headers: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(message.properties.headers ?? {})) {
    const isOurs =
      name.startsWith(AMQP_PREFIX) || name === 'traceparent' || name === ATTEMPT || name === FIRST_FAILURE_AT;
    if (isOurs && (typeof value === 'string' || typeof value === 'number')) headers[name] = value;
  }
  const { messageId, type } = message.properties;
  return {
    exchange,
    routingKey,
    body: message.content,
    id: typeof messageId === 'string' ? messageId : '',
    type: typeof type === 'string' ? type : '',
    headers,
  };
}

export function publishOptions(message: WireMessage, { mandatory }: { mandatory: boolean }): Options.Publish {
  return {
    persistent: true,
    mandatory,
    contentType: CONTENT_TYPE,
    messageId: message.id,
    type: message.type,
    headers: message.headers,
  };
}

export function numberHeader(message: ConsumeMessage, name: string): number | undefined {
  const value: unknown = message.properties.headers?.[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
