/** Kafka topics: one per aggregate, keyed by the aggregate's id so that one aggregate's events stay in order. */
export const TOPICS = ['user', 'product', 'order', 'stock', 'payment'] as const;
export type Topic = (typeof TOPICS)[number];

/** RabbitMQ exchange (topic) that carries mail jobs; the routing key is the job's type. */
export const NOTIFICATIONS_EXCHANGE = 'notifications';

/** Delayed exchange that wakes an order's timers; the routing key is the timer's kind. */
export const ORDER_TIMERS_EXCHANGE = 'order.timers';
