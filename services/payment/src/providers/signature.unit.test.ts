import assert from 'node:assert/strict';
import fc from 'fast-check';
import { WebhookRefused } from './provider.ts';
import { sign, TOLERANCE_MS, verifySignature } from './signature.ts';

const SECRET = 'a secret';
const now = new Date('2026-01-31T09:30:00.000Z');
const later = (ms: number) => new Date(now.getTime() + ms);

function isTaken(body: string | Buffer, header: unknown, at = now, secret = SECRET): boolean {
  try {
    verifySignature(Buffer.from(body), header, secret, at);
    return true;
  } catch (error) {
    assert.ok(error instanceof WebhookRefused);
    return false;
  }
}

describe('a webhook signature', () => {
  it('is taken for the very bytes that were signed, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const body = Buffer.from(bytes);
        assert.ok(isTaken(body, sign(body, SECRET, now)));
      }),
    );
  });

  it('is refused when a byte, the secret or the time is another', () => {
    const header = sign('{"amount":1}', SECRET, now);
    assert.equal(isTaken('{"amount":2}', header), false);
    assert.equal(isTaken('{"amount":1} ', header), false);
    assert.equal(isTaken('{"amount":1}', header, now, 'another'), false);
    assert.equal(isTaken('{"amount":1}', header.replace(/t=\d+/, `t=${Math.floor(now.getTime() / 1_000) + 1}`)), false);
  });

  it('is refused outside of five minutes, before and after', () => {
    const header = sign('{}', SECRET, now);
    assert.ok(isTaken('{}', header, later(TOLERANCE_MS)));
    assert.ok(isTaken('{}', header, later(-TOLERANCE_MS)));
    assert.equal(isTaken('{}', header, later(TOLERANCE_MS + 1)), false);
    assert.equal(isTaken('{}', header, later(-TOLERANCE_MS - 1)), false);
  });

  it('is refused when it is missing or of no known form', () => {
    const mac = '0'.repeat(64);
    for (const header of [undefined, '', 't=1', `v1=${mac}`, `t=,v1=${mac}`, `t=1,v1=${mac.slice(1)}`, ['t=1', mac]])
      assert.equal(isTaken('{}', header), false, String(header));
  });
});
