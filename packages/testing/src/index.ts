export { eventually, type EventuallyOptions } from './eventually.ts';
export { inboxClient, type InboxClient, type Mail } from './inbox-client.ts';
export { type Servers, servers } from './servers.ts';
export {
  type Answer,
  type Customer,
  createShopClient,
  expectStatus,
  type OrderRequest,
  type ShopClient,
} from './shop-client.ts';
export { testDatabase, type TestDatabase } from './test-database.ts';
export { testName, topicPrefix } from './test-name.ts';
export { testRedis } from './test-redis.ts';
export { testTokens, type TestTokens, type TokenOptions } from './test-tokens.ts';
export { testVhost, type TestVhost } from './test-vhost.ts';
