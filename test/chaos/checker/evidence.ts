/**
 * What the platform holds once it has come to rest: plain data, so that a run's evidence can be kept and judged again.
 * Instants are milliseconds since 1970, ids numbers, amounts minor units.
 */
export type OrderStatus = 'PENDING' | 'PAID' | 'COMPLETED' | 'CANCELLED' | 'REFUNDED';
export type ReservationState = 'reserved' | 'rejected' | 'released' | 'sold' | 'cancelled_before_created';

export type UserRow = { readonly id: number; readonly email: string; readonly verified: boolean };

/** `stocked` is what the product's own stream of events says was brought in: initial and restocked. */
export type ProductRow = {
  readonly id: number;
  readonly deleted: boolean;
  readonly stocked: number;
  readonly projectedStocked: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  readonly stockVersion: number;
};

export type ReservationRow = {
  readonly orderId: number;
  readonly state: ReservationState;
  readonly lines: readonly { readonly productId: number; readonly quantity: number }[];
};

export type OrderRow = {
  readonly id: number;
  readonly userId: number;
  readonly requestId: string;
  readonly status: OrderStatus;
  readonly reason: string | null;
  readonly stock: 'pending' | 'reserved' | 'rejected';
  readonly description: string;
  readonly shippingAddress: string;
  readonly notes: string;
  readonly totalMinor: number;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly paymentId: number | null;
  readonly items: readonly { readonly productId: number; readonly quantity: number; readonly unitPriceMinor: number }[];
};

export type TimerRow = {
  readonly orderId: number;
  readonly kind: string;
  readonly dueAtMs: number;
  readonly state: 'waiting' | 'fired' | 'skipped' | 'cancelled';
};

/** One entry of an order's timeline; `from` and `to` are statuses, or the fulfilment for `order.status_changed`. */
export type TimelineRow = {
  readonly id: number;
  readonly orderId: number;
  readonly atMs: number;
  readonly type: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
};

/** What the order service believes of a product's stock. */
export type ProductCopyRow = { readonly productId: number; readonly available: number; readonly stockVersion: number };

export type PaymentRow = {
  readonly id: number;
  readonly orderId: number;
  readonly amountMinor: number;
  readonly status: 'pending' | 'processing' | 'succeeded' | 'failed' | 'refunded';
  readonly idempotencyKey: string;
  readonly providerReference: string | null;
  readonly refundWanted: boolean;
};

export type ChargeRow = {
  readonly id: string;
  readonly idempotencyKey: string;
  readonly outcome: 'captured' | 'declined' | 'closed';
  readonly amountMinor: number;
};

export type RefundRow = {
  readonly id: string;
  readonly idempotencyKey: string;
  readonly chargeId: string;
  readonly amountMinor: number;
};

/** A row of the mail service's send ledger. */
export type MailRow = {
  readonly intent: string;
  readonly type: string;
  readonly recipient: string;
  readonly messageId: string;
  readonly status: 'sending' | 'sent' | 'deferred' | 'failed' | 'dropped';
  readonly attempts: number;
  readonly inDoubt: number;
};

export type OutboxRow = {
  readonly service: string;
  readonly transport: string;
  readonly messageId: string;
  readonly type: string;
  readonly subject: string;
};

export type InboxRow = { readonly consumer: string; readonly eventId: string };

/** `text` is key and payload as text, in which a marker can be found. */
export type DeadLetterRow = {
  readonly consumer: string;
  readonly eventId: string | null;
  readonly topic: string;
  readonly reason: string;
  readonly text: string;
};

/** A record on Kafka. `data` is null for what is no JSON object. */
export type KafkaEvent = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly id: string | null;
  readonly type: string | null;
  readonly key: string | null;
  readonly data: Readonly<Record<string, unknown>> | null;
};

/** Records that a consumer group has not committed. */
export type Lag = { readonly group: string; readonly topic: string; readonly records: number };

export type Queue = { readonly name: string; readonly messages: number };

export type RabbitDeadLetter = {
  readonly queue: string;
  readonly id: string | null;
  readonly reason: string;
  readonly text: string;
};

/** A mail that arrived. */
export type ReceivedMail = { readonly messageId: string; readonly to: string; readonly subject: string };

export type Evidence = {
  /** By the database's clock. */
  readonly takenAtMs: number;
  readonly users: readonly UserRow[];
  readonly products: readonly ProductRow[];
  readonly reservations: readonly ReservationRow[];
  readonly orders: readonly OrderRow[];
  readonly timers: readonly TimerRow[];
  /** By order, in the order in which its transactions were decided. */
  readonly timeline: readonly TimelineRow[];
  readonly productCopies: readonly ProductCopyRow[];
  readonly payments: readonly PaymentRow[];
  readonly charges: readonly ChargeRow[];
  readonly refunds: readonly RefundRow[];
  readonly webhooksWaiting: number;
  readonly mails: readonly MailRow[];
  readonly outbox: readonly OutboxRow[];
  readonly inbox: readonly InboxRow[];
  readonly deadLetters: readonly DeadLetterRow[];
  /** In the order of each partition; what was sent twice is there twice. */
  readonly events: readonly KafkaEvent[];
  readonly lags: readonly Lag[];
  /** Work queues: those of delays and of dead letters are left out. */
  readonly queues: readonly Queue[];
  readonly rabbitDeadLetters: readonly RabbitDeadLetter[];
  readonly received: readonly ReceivedMail[];
};
