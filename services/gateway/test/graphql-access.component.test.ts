import assert from 'node:assert/strict';
import { AppError } from '@punctual/http';
import { stopTokens } from './gateway-fixture.ts';
import { codesOf, type GraphqlFixture, startGraph, tokenOf } from './graphql-fixture.ts';

const CARD = '{number: "4242424242424242", expMonth: 1, expYear: 2030, cvc: "123"}';
const FOR_USERS: Readonly<Record<string, string>> = {
  me: '{ me { id } }',
  user: '{ user(id: 1) { id } }',
  orders: '{ orders { pageInfo { total } } }',
  order: '{ order(id: 1) { id } }',
  payments: '{ payments { pageInfo { total } } }',
  payment: '{ payment(id: 1) { id } }',
  createOrder:
    'mutation { createOrder(input: {requestId: "a", shippingAddress: "b", items: [{productId: 1, quantity: 1}]}) { id } }',
  payOrder: 'mutation { payOrder(id: 1) { id } }',
  cancelOrder: 'mutation { cancelOrder(id: 1) { id } }',
  createPayment: `mutation { createPayment(input: {orderId: 1, card: ${CARD}}) { id } }`,
  processPayment: 'mutation { processPayment(id: 1) { id } }',
};
const FOR_ADMINS: Readonly<Record<string, string>> = {
  users: '{ users { pageInfo { total } } }',
  refundPayment: 'mutation { refundPayment(id: 1) { id } }',
};
const FOR_ANYBODY: Readonly<Record<string, string>> = {
  products: '{ products { pageInfo { total } } }',
  product: '{ product(id: 1) { id } }',
  productSearch: '{ productSearch(q: "a") { engine } }',
  productSuggestions: '{ productSuggestions(q: "a") { name } }',
  register: 'mutation { register(input: {email: "a@b.test", password: "0123456789"}) { id } }',
  verify: 'mutation { verify(input: {email: "a@b.test", verificationToken: "123456"}) { verified } }',
  resendVerification: 'mutation { resendVerification(input: {email: "a@b.test"}) { message } }',
  login: 'mutation { login(input: {email: "a@b.test", password: "0123456789"}) { accessToken } }',
  refresh: 'mutation { refresh(input: {refreshToken: "a"}) { accessToken } }',
  logout: 'mutation { logout(input: {refreshToken: "a"}) }',
};

/** Every service answers NOT_FOUND here, so that code says that one was asked. */
describe('access to the graph', function () {
  this.timeout(20_000);
  let graph: GraphqlFixture;

  before(async () => {
    graph = await startGraph({
      getOrder() {
        throw new AppError({ code: 'NOT_FOUND', message: 'There is no order 1.' });
      },
    });
  });
  beforeEach(() => graph.calls.splice(0));
  after(async () => {
    await graph.stop();
    await stopTokens();
  });

  it('knows who may ask for every field of the schema', async () => {
    const { data } = await graph.ask<Record<'query' | 'mutation', { fields: { name: string }[] }>>(
      '{ query: __type(name: "Query") { fields { name } } mutation: __type(name: "Mutation") { fields { name } } }',
    );
    const fields = [...data.query.fields, ...data.mutation.fields].map(({ name }) => name);
    const known = [...Object.keys(FOR_USERS), ...Object.keys(FOR_ADMINS), ...Object.keys(FOR_ANYBODY)];
    assert.deepEqual(fields.sort(), known.sort());
  });

  for (const [field, document] of Object.entries({ ...FOR_USERS, ...FOR_ADMINS })) {
    it(`to ${field} needs a login`, async () => {
      const answer = await graph.ask(document, { headers: { 'x-user-id': '1', 'x-role': 'admin' } });
      assert.deepEqual([answer.status, codesOf(answer)], [200, ['UNAUTHENTICATED']]);
      assert.deepEqual(answer.data, { [field]: null });
      assert.equal(graph.calls.length, 0, 'a service was asked');
    });
  }

  for (const [field, document] of Object.entries(FOR_ADMINS)) {
    it(`to ${field} is for administrators`, async () => {
      const refused = await graph.ask(document, { token: await tokenOf(7) });
      assert.deepEqual(codesOf(refused), ['FORBIDDEN']);
      assert.equal(graph.calls.length, 0, 'a service was asked');
      assert.deepEqual(codesOf(await graph.ask(document, { token: await tokenOf(1, 'admin') })), ['NOT_FOUND']);
    });
  }

  for (const [field, document] of Object.entries(FOR_ANYBODY)) {
    it(`to ${field} is everybody's`, async () => {
      assert.deepEqual(codesOf(await graph.ask(document)), ['NOT_FOUND']);
      assert.equal(graph.calls.length, 1);
      assert.equal(graph.calls[0]?.authorization, undefined);
    });
  }

  it('is each field’s own matter: what needs no login is answered beside what does', async () => {
    const answer = await graph.ask('{ me { id } __typename }');
    assert.deepEqual(answer.data, { me: null, __typename: 'Query' });
    assert.deepEqual(answer.errors?.[0]?.path, ['me']);
  });

  it('with a bad token is none, for public fields too', async () => {
    for (const token of ['a.b.c', await tokenOf(7, 'customer', -1)]) {
      const answer = await graph.ask('{ products { pageInfo { total } } }', { token });
      assert.deepEqual([answer.status, codesOf(answer)], [401, ['UNAUTHENTICATED']]);
      assert.match(answer.headers.get('www-authenticate') ?? '', /invalid_token/);
    }
    assert.equal(graph.calls.length, 0);
  });

  it('to somebody else’s order is as if there were none', async () => {
    const answer = await graph.ask('{ order(id: 1) { id timeline { type } } }', { token: await tokenOf(7) });
    assert.deepEqual([answer.data, codesOf(answer)], [{ order: null }, ['NOT_FOUND']]);
  });
});
