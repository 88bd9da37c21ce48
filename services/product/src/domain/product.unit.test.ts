import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  adjustStock,
  BrokenStream,
  type CatalogEntry,
  changeProduct,
  createProduct,
  deleteProduct,
  evolve,
  MAX_STOCKED,
  type Product,
  type ProductEvent,
  ProductRefused,
  type Refusal,
} from './product.ts';

const t0 = new Date('2026-01-01T00:00:00.000Z');
const t1 = new Date('2026-01-02T00:00:00.000Z');
const by = { actor: 'user:1', at: t1 };
const created: ProductEvent = {
  type: 'product.created',
  data: { name: 'Lamp', description: 'Warm light', price_minor: 2_500, currency: 'USD', quantity: 10 },
  productId: 7,
  version: 1,
  actor: 'seed',
  at: t0,
};
const deleted: ProductEvent = { type: 'product.deleted', data: {}, productId: 7, version: 2, actor: 'user:1', at: t1 };

function given(...events: ProductEvent[]): Product {
  const state = events.reduce<Product | undefined>(evolve, undefined);
  assert.ok(state);
  return state;
}

function refusalOf(decide: () => unknown): Refusal {
  try {
    decide();
  } catch (error) {
    if (error instanceof ProductRefused) return error.refusal;
    throw error;
  }
  assert.fail('it was not refused');
}

describe('product', () => {
  it('is created at version 1 with its first pieces', () => {
    const event = createProduct(7, { ...created.data, name: 'Lamp' } as CatalogEntry & { quantity: number }, {
      actor: 'seed',
      at: t0,
    });
    assert.deepEqual(event, created);
    assert.deepEqual(given(event), {
      id: 7,
      name: 'Lamp',
      description: 'Warm light',
      price_minor: 2_500,
      currency: 'USD',
      stocked: 10,
      version: 1,
      createdAt: t0,
      updatedAt: t0,
      deletedAt: null,
    });
  });

  it('records only the fields that differ', () => {
    const event = changeProduct(given(created), { name: 'Lamp', price_minor: 2_000 }, [1], by);
    assert.deepEqual(event, { type: 'product.changed', data: { price_minor: 2_000 }, productId: 7, version: 2, ...by });
  });

  it('records nothing when nothing differs', () => {
    assert.equal(changeProduct(given(created), { name: 'Lamp' }, [1], by), undefined);
  });

  it('refuses a change that is based on another version and names the current one', () => {
    const expected = { code: 'VERSION_CONFLICT', productId: 7, currentVersion: 1 };
    assert.deepEqual(
      refusalOf(() => changeProduct(given(created), { name: 'X' }, [2], by)),
      expected,
    );
    assert.deepEqual(
      refusalOf(() => deleteProduct(given(created), [], by)),
      expected,
    );
  });

  it('takes a change that is based on any version', () => {
    assert.equal(changeProduct(given(created), { name: 'X' }, 'any', by)?.version, 2);
    assert.equal(deleteProduct(given(created), 'any', by).version, 2);
  });

  it('adds adjustments to what was stocked', () => {
    const event = adjustStock(given(created), { change: -3, reason: 'broken' }, by);
    assert.equal(given(created, event).stocked, 7);
  });

  it('refuses more stock than a sum can hold', () => {
    const refusal = refusalOf(() => adjustStock(given(created), { change: MAX_STOCKED, reason: 'typo' }, by));
    assert.equal(refusal.code, 'STOCK_LIMIT');
  });

  it('is not found once it is deleted, whatever is asked of it', () => {
    const product = given(created, deleted);
    assert.deepEqual(product.deletedAt, t1);
    for (const decide of [
      () => changeProduct(product, { name: 'X' }, 'any', by),
      () => adjustStock(product, { change: 1, reason: 'found' }, by),
      () => deleteProduct(product, 'any', by),
    ]) {
      assert.equal(refusalOf(decide).code, 'NOT_FOUND');
    }
  });

  it('does not accept a stream that no decisions can have written', () => {
    const late: ProductEvent = {
      type: 'stock.adjusted',
      data: { change: 1, reason: '' },
      productId: 7,
      version: 3,
      ...by,
    };
    for (const stream of [[deleted], [created, created], [created, late], [created, deleted, late]]) {
      assert.throws(() => given(...stream), BrokenStream);
    }
  });

  it('is what its stream says, for every stream that decisions can write', () => {
    const entry = {
      name: fc.string({ minLength: 1, maxLength: 5 }),
      description: fc.string({ maxLength: 5 }),
      price_minor: fc.nat(10_000),
      currency: fc.constantFrom('USD', 'EUR'),
    };
    const command = fc.oneof(
      fc.record({ kind: fc.constant('change' as const), changes: fc.record(entry, { requiredKeys: [] }) }),
      fc.record({ kind: fc.constant('adjust' as const), change: fc.integer({ min: -50, max: 50 }) }),
    );
    fc.assert(
      fc.property(fc.record({ ...entry, quantity: fc.nat(1_000) }), fc.array(command), (first, commands) => {
        const stream = [createProduct(1, first, { actor: 'a', at: t0 })];
        const model = { ...first };
        for (const step of commands) {
          const product = given(...stream);
          if (step.kind === 'adjust') {
            stream.push(adjustStock(product, { change: step.change, reason: 'count' }, by));
            model.quantity += step.change;
          } else {
            const event = changeProduct(product, step.changes, [product.version], by);
            if (event !== undefined) stream.push(event);
            Object.assign(model, step.changes);
          }
        }
        const { id, stocked, version, createdAt, updatedAt, deletedAt, ...seen } = given(...stream);
        assert.deepEqual({ ...seen, quantity: stocked }, model);
        assert.deepEqual(
          { id, version, createdAt, deletedAt },
          { id: 1, version: stream.length, createdAt: t0, deletedAt: null },
        );
        assert.deepEqual(updatedAt, stream.length === 1 ? t0 : t1);
      }),
    );
  });
});
