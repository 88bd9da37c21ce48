import assert from 'node:assert/strict';
import { z } from 'zod';
import { problemsOf } from './validation.ts';

function problems(schema: z.ZodType, value: unknown) {
  const result = schema.safeParse(value);
  assert.ok(!result.success);
  return problemsOf(result.error, 'body');
}

describe('problemsOf', () => {
  it('writes paths as a client would', () => {
    const schema = z.object({ items: z.array(z.object({ quantity: z.int() })) });
    assert.deepEqual(
      problems(schema, { items: [{ quantity: 1 }, { quantity: 'x' }] }).map((problem) => problem.field),
      ['items[1].quantity'],
    );
  });

  it('names each unknown key by its path', () => {
    const schema = z.strictObject({ a: z.strictObject({}) });
    assert.deepEqual(
      problems(schema, { a: { b: 1, c: 2 }, d: 3 })
        .map((problem) => problem.field)
        .sort(),
      ['a.b', 'a.c', 'd'],
    );
  });

  it('names the body when the whole value is wrong', () => {
    assert.deepEqual(problems(z.strictObject({}), [])[0]?.field, 'body');
  });

  it('speaks of a union with the branch whose type fits', () => {
    const schema = z.object({ price: z.union([z.string().regex(/^\d+$/, 'must be digits'), z.number()]) });
    assert.deepEqual(problems(schema, { price: 'abc' }), [{ field: 'price', message: 'must be digits' }]);
    assert.equal(problems(schema, { price: true })[0]?.field, 'price');
  });

  it('stops at twenty', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, 1]));
    assert.equal(problems(z.strictObject({}), many).length, 20);
  });
});
