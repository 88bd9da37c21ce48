export type { PoisonRecord } from './dead-letters.ts';
export type { Envelope, EnvelopeOf, Schemas } from './envelope.ts';
export { PoisonError } from './envelope.ts';
export { RejectMessage, RetryLater, WaitInPlace } from './errors.ts';
export { filterNew } from './inbox.ts';
export type { InboxPrunerOptions } from './inbox-pruner.ts';
export { createInboxPruner } from './inbox-pruner.ts';
export type { KafkaConnection, KafkaOptions, TopicSpec } from './kafka/connection.ts';
export { createKafka } from './kafka/connection.ts';
export type { FollowOptions, KafkaFollower } from './kafka/follower.ts';
export type { KafkaMessage } from './kafka/message.ts';
export type { SubscribeOptions } from './kafka/subscribe-options.ts';
export type { KafkaSubscription } from './kafka/subscription.ts';
export { messagingMigrations, receiptMigrations } from './migrations.ts';
export type { KafkaOutboxMessage, OutboxMessage, RabbitOutboxMessage } from './outbox/outbox.ts';
export { addToOutbox } from './outbox/outbox.ts';
export type { Relay, RelayOptions } from './outbox/relay.ts';
export { createRelay } from './outbox/relay.ts';
export type { PublishFailure, RabbitConnection, RabbitMessage, RabbitOptions } from './rabbit/connection.ts';
export { createRabbit, PublishError } from './rabbit/connection.ts';
export type { ConsumeOptions } from './rabbit/consume-options.ts';
export type { RabbitConsumer } from './rabbit/consumer.ts';
export type { Receivable } from './receipts/receipt.ts';
export type { Receipts, ReceiptsOptions } from './receipts/receipts.ts';
export { createReceipts } from './receipts/receipts.ts';
export type { DelayedExchangeSpec, DelayStrategy, QueueSpec, ShopTopologyOptions, Topology } from './topology.ts';
export {
  dueExchange,
  MAIL_DEAD,
  MAIL_QUEUE,
  MAIL_RETRY,
  NOTIFICATIONS,
  ORDER_EXPIRY_KEY,
  ORDER_REMINDER_KEY,
  ORDER_TIMERS,
  ORDER_TIMERS_DEAD,
  ORDER_TIMERS_QUEUE,
  RECEIPTS,
  receiptQueue,
  shopTopology,
} from './topology.ts';
