import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AMQP_PREFIX, attributeHeaders, decodeEnvelope, KAFKA_PREFIX, MAX_BODY_BYTES } from './codec.ts';
import { type Envelope, PoisonError, type Schemas } from './envelope.ts';

const anything = { parse: (data: unknown) => data };
const text = fc.string({ minLength: 1, unit: 'grapheme' });
const envelopes: fc.Arbitrary<Envelope> = fc.record(
  {
    id: fc.uuid(),
    type: fc.constant('order.created'),
    source: text,
    subject: text,
    time: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    data: fc.jsonValue(),
    traceparent: text,
    attempt: fc.constant(1),
  },
  { requiredKeys: ['id', 'type', 'source', 'subject', 'time', 'data', 'attempt'] },
);

const valid: Envelope = { id: '1', type: 't', source: '/s', subject: 'x', time: 'now', data: { a: 1 }, attempt: 1 };

function read<M>(headers: Record<string, unknown>, body: Buffer | null, schemas: Schemas<M>) {
  return decodeEnvelope(headers, body, { prefix: KAFKA_PREFIX, schemas });
}

describe('the message format', () => {
  for (const [broker, prefix] of [
    ['Kafka', KAFKA_PREFIX],
    ['RabbitMQ', AMQP_PREFIX],
  ] as const) {
    it(`carries every attribute and the data through ${broker} unchanged`, () => {
      fc.assert(
        fc.property(envelopes, fc.boolean(), (envelope, asBuffers) => {
          const headers = Object.entries(attributeHeaders(envelope, prefix)).map(([name, value]) => [
            name,
            asBuffers ? Buffer.from(value) : value,
          ]);
          const body = Buffer.from(JSON.stringify(envelope.data));
          const schemas = { 'order.created': anything };
          const decoded = decodeEnvelope(Object.fromEntries(headers), body, { prefix, schemas });
          assert.deepEqual(decoded, { ...envelope, data: JSON.parse(body.toString()) });
        }),
      );
    });
  }

  it('says that it is CloudEvents 1.0', () => {
    assert.equal(attributeHeaders(valid, KAFKA_PREFIX).ce_specversion, '1.0');
    assert.equal(attributeHeaders(valid, AMQP_PREFIX)['cloudEvents:specversion'], '1.0');
  });

  const headers = attributeHeaders(valid, KAFKA_PREFIX);
  const poison: [string, Record<string, unknown>, Buffer | null, RegExp][] = [
    ['no attributes', {}, Buffer.from('{}'), /no CloudEvents 1.0 message/],
    ['another version', { ...headers, ce_specversion: '2.0' }, Buffer.from('{}'), /specversion is 2.0/],
    ['no id', { ...headers, ce_id: undefined }, Buffer.from('{}'), /attribute id is missing/],
    ['an empty type', { ...headers, ce_type: '' }, Buffer.from('{}'), /attribute type is missing/],
    ['an unknown type', { ...headers, ce_type: 'constructor' }, Buffer.from('{}'), /not expected/],
    ['no body', headers, null, /body is missing/],
    ['a body that is not JSON', headers, Buffer.from('{"a":'), /not JSON/],
    ['a body that is too large', headers, Buffer.alloc(MAX_BODY_BYTES + 1, 32), /1000001 bytes/],
  ];
  for (const [what, given, body, reason] of poison) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => read(given, body, { t: anything }),
        (error) => error instanceof PoisonError && reason.test(error.message),
      );
    });
  }

  it('refuses data that its schema refuses, with the reason', () => {
    const schemas = {
      t: {
        parse(): never {
          throw new Error('a must be a string');
        },
      },
    };
    assert.throws(() => read(headers, Buffer.from('{"a":1}'), schemas), /what t promises: a must be a string/);
  });

  it('hands on what the schema returns, not what came in', () => {
    const { data } = read(headers, Buffer.from('{"a":1}'), { t: { parse: () => 'parsed' } });
    assert.equal(data, 'parsed');
  });
});
