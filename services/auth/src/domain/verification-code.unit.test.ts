import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type CodePolicy, decideSend, drawCode, mailIntent } from './verification-code.ts';

const policy: CodePolicy = { ttlMs: 600_000, cooldownMs: 60_000, maxTries: 5, maxPerWindow: 5 };

describe('decideSend', () => {
  const cases: [string, { sentInWindow: number; sinceLastMs: number | undefined }, string][] = [
    ['sends the first code', { sentInWindow: 0, sinceLastMs: undefined }, 'send'],
    ['waits for the cooldown to the last millisecond', { sentInWindow: 1, sinceLastMs: 59_999 }, 'cooling-down'],
    ['sends when the cooldown is over', { sentInWindow: 1, sinceLastMs: 60_000 }, 'send'],
    [
      'waits when another transaction has sent after this one began',
      { sentInWindow: 1, sinceLastMs: -3 },
      'cooling-down',
    ],
    ['sends the fifth code of the hour', { sentInWindow: 4, sinceLastMs: 60_000 }, 'send'],
    ['refuses the sixth code of the hour', { sentInWindow: 5, sinceLastMs: 60_000 }, 'too-many'],
  ];
  for (const [name, history, decision] of cases) {
    it(name, () => assert.equal(decideSend(history, policy), decision));
  }
});

describe('drawCode', () => {
  it('has six digits for every number below a million', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999 }), (drawn) => {
        const code = drawCode(() => drawn);
        assert.match(code, /^\d{6}$/);
        assert.equal(Number(code), drawn);
      }),
    );
  });

  it('asks for a number below a million', () => {
    drawCode((max) => {
      assert.equal(max, 1_000_000);
      return 0;
    });
  });
});

it('names one mail per code', () => {
  assert.equal(mailIntent({ id: 17, expiresAt: new Date(1_000) }), 'verification:17:1000');
});
