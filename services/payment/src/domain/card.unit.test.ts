import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isExpired, isLuhn } from './card.ts';

const digits = fc.stringMatching(/^[0-9]{11,18}$/);

function withCheckDigit(payload: string): string {
  const found = Array.from('0123456789').find((digit) => isLuhn(payload + digit));
  return payload + (found ?? '');
}

describe('the check digit of a card number', () => {
  it('is right on the test cards', () => {
    for (const number of ['4242424242424242', '4000000000000002', '4000000000009995', '378282246310005'])
      assert.ok(isLuhn(number), number);
  });

  it('is exactly one of ten', () => {
    fc.assert(
      fc.property(digits, (payload) => {
        const right = Array.from('0123456789').filter((digit) => isLuhn(payload + digit));
        assert.equal(right.length, 1);
      }),
    );
  });

  it('finds every single mistyped digit', () => {
    fc.assert(
      fc.property(digits, fc.nat(), fc.integer({ min: 1, max: 9 }), (payload, place, shift) => {
        const number = withCheckDigit(payload);
        const index = place % number.length;
        const wrong = (Number(number[index]) + shift) % 10;
        assert.equal(isLuhn(number.slice(0, index) + wrong + number.slice(index + 1)), false);
      }),
    );
  });
});

describe('a card', () => {
  it('is good until the end of its month', () => {
    const card = { month: 2, year: 2_028 };
    assert.equal(isExpired(card, new Date('2028-02-29T23:59:59.999Z')), false);
    assert.equal(isExpired(card, new Date('2028-03-01T00:00:00.000Z')), true);
  });
});
