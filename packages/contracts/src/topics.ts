/** Kafka topics: one per aggregate, keyed by the aggregate's id so that one aggregate's events stay in order. */
export const TOPICS = ['user', 'product', 'order', 'stock', 'payment'] as const;
export type Topic = (typeof TOPICS)[number];
