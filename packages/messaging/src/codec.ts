import { type Envelope, type EnvelopeOf, PoisonError, type Schemas } from './envelope.ts';

/** The attributes of CloudEvents binary mode under the header prefix of one protocol. */
export const KAFKA_PREFIX = 'ce_';
export const AMQP_PREFIX = 'cloudEvents:';
export const SPEC_VERSION = '1.0';
export const CONTENT_TYPE = 'application/json';
/** A larger body is poison: no producer of ours writes one. */
export const MAX_BODY_BYTES = 1_000_000;

const ATTRIBUTES = ['id', 'type', 'source', 'subject', 'time'] as const;
type Attributes = Record<(typeof ATTRIBUTES)[number], string>;
type HeaderValue = Buffer | string | (Buffer | string)[] | undefined;

export function attributeHeaders(envelope: Envelope, prefix: string): Record<string, string> {
  const headers: Record<string, string> = { [`${prefix}specversion`]: SPEC_VERSION };
  for (const name of ATTRIBUTES) headers[prefix + name] = envelope[name];
  if (envelope.traceparent !== undefined) headers.traceparent = envelope.traceparent;
  return headers;
}

/** One header as text; undefined when absent or not text. */
export function textHeader(headers: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = headers[name] as HeaderValue;
  if (typeof value === 'string') return value;
  return Buffer.isBuffer(value) ? value.toString('utf8') : undefined;
}

/** Reads headers and body back. Throws PoisonError, naming what is wrong, for anything that is no message of ours. */
export function decodeEnvelope<M>(
  headers: Readonly<Record<string, unknown>>,
  body: Buffer | null,
  { prefix, schemas }: { prefix: string; schemas: Schemas<M> },
): EnvelopeOf<M> {
  const version = textHeader(headers, `${prefix}specversion`);
  if (version !== SPEC_VERSION)
    throw new PoisonError(`no CloudEvents ${SPEC_VERSION} message: specversion is ${version}`);
  const attributes: Partial<Attributes> = {};
  for (const name of ATTRIBUTES) {
    const value = textHeader(headers, prefix + name);
    if (value === undefined || value === '') throw new PoisonError(`attribute ${name} is missing`);
    attributes[name] = value;
  }
  const traceparent = textHeader(headers, 'traceparent');
  return {
    ...(attributes as Attributes),
    data: decodeData((attributes as Attributes).type, body, schemas),
    ...(traceparent === undefined ? {} : { traceparent }),
    attempt: 1,
  } as EnvelopeOf<M>;
}

function decodeData<M>(type: string, body: Buffer | null, schemas: Schemas<M>): unknown {
  if (!isOfInterest(type, schemas)) throw new PoisonError(`type ${type} is not expected here`);
  if (body === null) throw new PoisonError('the body is missing');
  if (body.byteLength > MAX_BODY_BYTES) throw new PoisonError(`the body has ${body.byteLength} bytes`);
  let data: unknown;
  try {
    data = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new PoisonError('the body is not JSON', { cause });
  }
  try {
    return schemas[type].parse(data);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new PoisonError(`the data is not what ${type} promises: ${detail.slice(0, 500)}`, { cause });
  }
}

export function isOfInterest<M>(type: string, schemas: Schemas<M>): type is string & keyof M {
  return Object.hasOwn(schemas, type);
}
