export { ERROR_STATUS, type ErrorBody, type ErrorCode, errorBody } from './errors.ts';
export { type EventData, type EventType, events, isEventType, parseEvent } from './events/index.ts';
export {
  ORDER_REASONS,
  type OrderCancelled,
  type OrderCompleted,
  type OrderCreated,
  type OrderPaid,
  type OrderReason,
  type OrderRefunded,
} from './events/order.ts';
export type { ProductDeleted, ProductState } from './events/product.ts';
export type { StockLevel, StockRejected, StockReleased, StockReserved } from './events/stock.ts';
export type { UserCreated, UserVerified } from './events/user.ts';
export * as authApi from './http/auth.ts';
export * as orderApi from './http/orders.ts';
export * as productApi from './http/products.ts';
export {
  isMailJobType,
  type MailedOrder,
  type MailJob,
  type MailJobType,
  mailJobs,
  type OrderTimer,
  orderTimer,
  parseMailJob,
} from './mail-jobs.ts';
export { buildOpenApi, type OpenApiDocument } from './openapi.ts';
export {
  formatMoney,
  MAX_ORDER_ITEMS,
  MAX_PAGE_SIZE,
  MAX_PRICE_MINOR,
  MAX_QUANTITY,
  type Paging,
} from './primitives.ts';
export { type Access, defineRoute, type Route } from './route.ts';
export { TOPICS, type Topic } from './topics.ts';
