import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { z } from 'zod';
import { dayText, email, formatMoney, idText, line, MAX_PRICE_MINOR, moneyInput, text } from './primitives.ts';

const accepts = (schema: z.ZodType, value: unknown) => schema.safeParse(value).success;

describe('money', () => {
  it('comes back as it was sent, for every amount', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_PRICE_MINOR }), (minor) => {
        assert.equal(moneyInput.parse(formatMoney(minor)), minor);
      }),
    );
  });

  for (const [written, minor] of [
    ['25000.00', 2_500_000],
    ['0.1', 10],
    ['7', 700],
    [1.01, 101],
    [19.9, 1990],
    [0, 0],
  ] as const) {
    it(`reads ${JSON.stringify(written)} as ${minor} minor units`, () =>
      assert.equal(moneyInput.parse(written), minor));
  }

  for (const written of [
    '-1',
    '1.005',
    '1e3',
    '',
    ' 1',
    '1,00',
    'NaN',
    1.005,
    -1,
    Number.POSITIVE_INFINITY,
    1e21,
    Number.NaN,
    null,
    true,
  ]) {
    it(`refuses ${JSON.stringify(written)}${typeof written === 'number' ? ` (${written})` : ''}`, () =>
      assert.equal(accepts(moneyInput, written), false));
  }
});

describe('a day in a query', () => {
  it('is read in both ways of writing it', () => {
    assert.equal(dayText.parse('2026-01-31'), '2026-01-31');
    assert.equal(dayText.parse('31-01-2026'), '2026-01-31');
    assert.equal(dayText.parse('29-02-2028'), '2028-02-29');
  });

  for (const day of ['2026-02-30', '30-02-2026', '2026-13-01', '2026-1-1', '01/02/2026', '29-02-2026', '', 'today']) {
    it(`is refused when no calendar has it: ${JSON.stringify(day)}`, () => assert.equal(accepts(dayText, day), false));
  }
});

describe('an id in a path', () => {
  it('is a positive safe integer in digits', () => {
    assert.equal(idText.parse('17'), 17);
    assert.equal(idText.parse(String(Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER);
  });
  for (const written of ['0', '-1', '1.0', '01', '1e3', '9007199254740992', '99999999999999999999', 'x', '']) {
    it(`is refused as ${JSON.stringify(written)}`, () => assert.equal(accepts(idText, written), false));
  }
});

describe('text', () => {
  it('is trimmed before it is measured', () => {
    assert.equal(text(3).parse('  abc '), 'abc');
    assert.equal(accepts(text(3), '    '), false);
  });
  it('on one line holds no control character', () => {
    assert.equal(accepts(line(50), 'a\r\nBcc: b@example.com'), false);
    assert.equal(accepts(line(50), 'Ana Müller'), true);
  });
  it('that is an address is lower case and one recipient', () => {
    assert.equal(email.parse(' Ana@Example.COM '), 'ana@example.com');
    for (const written of [
      'a@b',
      'a b@example.com',
      'a@example.com,b@example.com',
      'a@example.com\r\nBcc: x',
      'Ana <a@example.com>',
    ]) {
      assert.equal(accepts(email, written), false, written);
    }
  });
  it('that is an address is no longer than mail servers take its parts', () => {
    const label = 'b'.repeat(63);
    assert.ok(accepts(email, `${'a'.repeat(64)}@${label}.example.com`));
    for (const written of [`${'a'.repeat(65)}@example.com`, `a@b${label}.com`, 'a@b-.com', 'a@-b.com'])
      assert.equal(accepts(email, written), false, written);
  });
});
