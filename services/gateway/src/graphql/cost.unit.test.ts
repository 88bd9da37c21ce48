import assert from 'node:assert/strict';
import { getIntrospectionQuery, parse } from 'graphql';
import { costOf } from './cost.ts';
import { EXAMPLES } from './examples.ts';
import { executableSchema } from './schema.ts';

const schema = executableSchema();
const ENOUGH = 10_000;

function cost(text: string, variableValues: Readonly<Record<string, unknown>> = {}): number {
  return costOf({ schema, document: parse(text), variableValues });
}

/** A page of this many, each with one field below `nodes`. */
const listOf = (size: number) => 1 + size * 2;

describe('the cost of a document', () => {
  it('is that of what is below a list, as often as its limit says', () => {
    assert.equal(cost('{ me { id email } }'), 3);
    assert.equal(cost('{ products(limit: 7) { nodes { id } } }'), listOf(7));
    assert.equal(cost('{ products { nodes { id } } }'), listOf(20));
    assert.equal(cost('{ a: products(limit: 3) { nodes { id } } me { id } }'), listOf(3) + 2);
  });

  it('counts a limit that is a variable, its default and the field’s own', () => {
    const given = 'query ($n: Int) { products(limit: $n) { nodes { id } } }';
    assert.equal(cost(given, { n: 100 }), listOf(100));
    assert.equal(cost(given), listOf(20));
    assert.equal(cost(given, { n: null }), listOf(20));
    assert.equal(cost('query ($n: Int = 50) { products(limit: $n) { nodes { id } } }'), listOf(50));
  });

  it('is never less for a limit that is refused', () => {
    assert.equal(cost('{ products(limit: -100) { nodes { id } } }'), listOf(1));
    assert.equal(cost('{ products(limit: 2000000000) { nodes { id } } }'), listOf(100));
  });

  it('counts fragments where they are spread, and takes no time for fragments within fragments', () => {
    const page = 'fragment page on ProductPage { nodes { ... on Product { id } } }';
    assert.equal(cost(`{ products(limit: 5) { ...page } } ${page}`), listOf(5));
    const nested = Array.from({ length: 60 }, (_, index) => {
      const next = index < 59 ? `...f${index + 1} ...f${index + 1}` : '';
      return `fragment f${index} on Product { id ${next} }`;
    });
    assert.ok(cost(`{ products { nodes { ...f0 } } } ${nested.join(' ')}`) > 2 ** 59);
  });

  it('is that of the operation that is executed', () => {
    const document = parse('query A { me { id } } query B { products(limit: 100) { nodes { id } } }');
    assert.equal(costOf({ schema, document, operationName: 'A' }), 2);
    assert.equal(costOf({ schema, document, operationName: 'B' }), listOf(100));
  });

  it('leaves what is wrong with variables to the execution', () => {
    assert.equal(cost('query ($n: Int) { products(limit: $n) { nodes { id } } }', { n: 'many' }), 0);
  });

  it('leaves room for the examples, for introspection, and for a hundred orders with all that belongs to them', () => {
    for (const { query, variables } of EXAMPLES) assert.ok(cost(query, variables) < ENOUGH, query);
    assert.ok(cost(getIntrospectionQuery()) < ENOUGH);
    const orders = `{ orders(limit: 100) { nodes {
      id status reason stock fulfillment totalAmount currency shippingAddress description notes expiresAt createdAt updatedAt
      user { id email name role } items { productId name quantity unitPrice totalPrice product { id name price currency quantity } }
      payment { id status amount cardLast4 capturedAt } timeline { at type actor from to } } pageInfo { total hasMore } } }`;
    assert.ok(cost(orders) < ENOUGH);
    const many = Array.from({ length: 15 }, (_, index) => `a${index}: ${orders.slice(1, -1)}`);
    assert.ok(cost(`{ ${many.join(' ')} }`) > ENOUGH);
  });
});
