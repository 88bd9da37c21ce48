/** What GraphiQL opens with: one tab each. The journey needs a login; put `{"Authorization": "Bearer …"}` under Headers. */
export type Example = { readonly query: string; readonly variables?: Readonly<Record<string, unknown>> };

const catalog = `# The catalog, and a search in it. Nobody needs to log in for these.
query Catalog {
  products(limit: 5, sort: PRICE_DESC) {
    nodes { id name price currency quantity }
    pageInfo { total hasMore }
  }
  productSearch(q: "lamp", inStock: true) {
    engine
    nodes { nameHighlight product { id price } }
    facets { priceRanges { from to count } inStock }
  }
  productSuggestions(q: "la") { productId name }
}`;

const login = `# Gives the token for the other tabs: Headers, {"Authorization": "Bearer <accessToken>"}.
mutation Login($input: LoginInput!) {
  login(input: $input) { accessToken refreshToken tokenType expiresIn }
}`;

const order = `# The same requestId is one order, however often this is sent.
mutation Order($input: CreateOrderInput!) {
  createOrder(input: $input) {
    id status stock totalAmount currency expiresAt
    items { name quantity unitPrice product { quantity } }
  }
}`;

const orders = `# Orders with all that belongs to them: a few calls to the services, however many orders there are.
query Orders {
  me { email role }
  orders(limit: 10) {
    nodes {
      id status stock fulfillment totalAmount
      user { name email }
      items { name quantity product { price quantity } }
      payment { id status amount cardLast4 }
      timeline { at type actor from to }
    }
    pageInfo { total hasMore }
  }
}`;

const pay = `mutation Pay($id: ID!) {
  payOrder(id: $id) { id status payment { id status amount } }
}`;

const follow = `# Stays open, and tells every change of the order as it happens.
subscription Follow($id: ID!) {
  orderStatusChanged(id: $id) { status fulfillment reason at }
}`;

export const EXAMPLES: readonly Example[] = [
  { query: catalog },
  { query: login, variables: { input: { email: 'customer@punctual.test', password: 'punctual-customer' } } },
  {
    query: order,
    variables: {
      input: {
        requestId: 'my-first-order',
        shippingAddress: '1 Main Street',
        items: [{ productId: '1', quantity: 1 }],
      },
    },
  },
  { query: orders },
  { query: pay, variables: { id: '1' } },
  { query: follow, variables: { id: '1' } },
];
