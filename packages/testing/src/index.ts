export { type Answer, expectStatus } from './answer.ts';
export { definiteAnswer } from './definite-answer.ts';
export { type EventuallyOptions, eventually } from './eventually.ts';
export { type GraphqlEvents, openGraphqlEvents } from './graphql-events.ts';
export { type GrpcRefusal, grpcRefusal, type TestGrpcClientOptions, testGrpcClient } from './grpc-client.ts';
export { type InboxClient, inboxClient } from './inbox-client.ts';
export type { Mail } from './mail.ts';
export {
  parseSagaTable,
  SAGA_STATES,
  type SagaEvent,
  type SagaRow,
  type SagaState,
  SagaTableError,
  sagaLine,
  sagaTable,
} from './saga-table.ts';
export { type Servers, servers } from './servers.ts';
export {
  CUSTOMER_PASSWORD,
  type Customer,
  createShopClient,
  type OrderRequest,
  type ShopClient,
} from './shop-client.ts';
export {
  type Inspected,
  type Inspection,
  type TcpProxy,
  type TcpProxyOptions,
  tcpProxy,
} from './tcp-proxy.ts';
export type { Direction } from './tcp-pump.ts';
export { type TestDatabase, testDatabase } from './test-database.ts';
export { type TestEtcd, testEtcd } from './test-etcd.ts';
export { testName, topicPrefix } from './test-name.ts';
export { testRedis } from './test-redis.ts';
export { type TestSearchIndex, testSearchIndex } from './test-search-index.ts';
export { TEST_SERVICE_KEY, type TestTokens, type TokenOptions, testTokens } from './test-tokens.ts';
export { type TestVhost, testVhost } from './test-vhost.ts';
