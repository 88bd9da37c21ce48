export {
  type AsyncApiChannel,
  type AsyncApiDocument,
  type AsyncApiMessage,
  type AsyncApiOperation,
  buildAsyncApi,
  summaryOf,
} from './asyncapi.ts';
export { headersOf } from './asyncapi-headers.ts';
export {
  ERROR_GRPC_STATUS,
  ERROR_STATUS,
  type ErrorBody,
  type ErrorCode,
  type ErrorGrpcStatus,
  errorBody,
  isErrorCode,
} from './errors.ts';
export { type EventData, type EventType, events, isEventType, parseEvent } from './events/index.ts';
export {
  FULFILLMENTS,
  type Fulfillment,
  ORDER_REASONS,
  type OrderCancelled,
  type OrderCompleted,
  type OrderCreated,
  type OrderPaid,
  type OrderReason,
  type OrderRefunded,
  type OrderStatusChanged,
} from './events/order.ts';
export {
  PAYMENT_FAILURES,
  type PaymentFailed,
  type PaymentFailure,
  type PaymentRefunded,
  type PaymentSuccess,
} from './events/payment.ts';
export type { ProductDeleted, ProductState } from './events/product.ts';
export type { StockLevel, StockRejected, StockReleased, StockReserved } from './events/stock.ts';
export type { UserCreated, UserDeleted, UserUpdated, UserVerified } from './events/user.ts';
export {
  type ConsumerGroup,
  consumerGroups,
  eventFlows,
  mailJobFlows,
  orderTimerFlows,
  SERVICES,
  type ServiceName,
  topicFlows,
} from './flows.ts';
export * as adminApi from './http/admin.ts';
export {
  API_NAMES,
  type ApiName,
  apiRoutes,
  gatewayOpenApi,
  serviceApis,
  serviceOpenApi,
} from './http/apis.ts';
export * as authApi from './http/auth.ts';
export * as orderApi from './http/orders.ts';
export * as paymentApi from './http/payments.ts';
export { PROTO_NAMES } from './http/platform.ts';
export * as productApi from './http/products.ts';
export * as userApi from './http/users.ts';
export { messageJsonSchema } from './json-schema.ts';
export {
  isMailJobType,
  MAX_ORDERS_TO_WAKE,
  type MailedOrder,
  type MailJob,
  type MailJobType,
  mailJobs,
  type OrderTimer,
  orderTimer,
  parseMailJob,
} from './mail-jobs.ts';
export {
  dataSchemaOf,
  isMessageType,
  type MessageType,
  messageTypes,
  type OrderTimerType,
  orderTimers,
  type QueueMessageType,
  queueMessages,
} from './messages.ts';
export { buildOpenApi, type OpenApiDocument, type PlainOperation } from './openapi.ts';
export {
  dayText,
  formatMoney,
  idText,
  MAX_ORDER_ITEMS,
  MAX_PAGE_SIZE,
  MAX_PRICE_MINOR,
  MAX_QUANTITY,
  moneyInput,
  type Paging,
} from './primitives.ts';
export {
  type DescriptorSet,
  type ProtoDocs,
  type ProtoEnum,
  type ProtoField,
  type ProtoMessage,
  type ProtoMethod,
  type ProtoService,
  protoDocs,
} from './proto-docs.ts';
export { type ExchangeFlow, exchangeFlows, type QueueFlow, queueFlows } from './queues.ts';
export { MAX_IDS_PER_RECEIPT, MESSAGE_ID, type Receipt, receipt } from './receipt.ts';
export { type Access, defineRoute, type Route } from './route.ts';
export { TOPICS, type Topic } from './topics.ts';
