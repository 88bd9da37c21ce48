import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { runWithContext } from './context.ts';
import { createLogger, type LogLevel, silentLogger } from './logger.ts';

type Line = Record<string, unknown>;

function capture(level?: LogLevel) {
  const lines: Line[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  return { lines, logger: createLogger({ service: 'order', level, stream }) };
}

describe('createLogger', () => {
  it('writes one JSON line with time, level, service, message and fields', () => {
    const { lines, logger } = capture();
    logger.info('order placed', { order_id: 7, items: [{ product_id: 1 }] });
    assert.equal(lines.length, 1);
    const { time, ...rest } = lines[0] ?? {};
    assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.deepEqual(rest, {
      level: 'info',
      service: 'order',
      message: 'order placed',
      order_id: 7,
      items: [{ product_id: 1 }],
    });
  });

  it('keeps the message constant when a field is named like one of its own', () => {
    const { lines, logger } = capture();
    logger.info('mail sent', { message: 'other', level: 'high' });
    assert.equal(lines[0]?.message, 'mail sent');
    assert.equal(lines[0]?.field_message, 'other');
    assert.equal(lines[0]?.field_level, 'high');
  });

  it('adds the ids of the current context', () => {
    const { lines, logger } = capture();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    runWithContext({ requestId: 'r1', correlationId: 'c1', traceparent }, () => logger.info('inside'));
    logger.info('outside');
    assert.equal(lines[0]?.request_id, 'r1');
    assert.equal(lines[0]?.correlation_id, 'c1');
    assert.equal(lines[0]?.trace_id, 'a'.repeat(32));
    assert.equal(lines[1]?.request_id, undefined);
  });

  it('respects its level, and a child carries its fields', () => {
    const { lines, logger } = capture('warn');
    const child = logger.child({ component: 'relay' }).child({ lane: 'kafka' });
    child.info('hidden');
    child.warn('shown');
    assert.deepEqual(
      lines.map(({ message, component, lane }) => ({ message, component, lane })),
      [{ message: 'shown', component: 'relay', lane: 'kafka' }],
    );
  });

  it('is silent when told so', () => {
    const { lines, logger } = capture('silent');
    logger.error('hidden');
    silentLogger().child({}).error('hidden');
    assert.deepEqual(lines, []);
  });
});
