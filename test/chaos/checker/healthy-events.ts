/** What the healthy run left on Kafka. */
import type { KafkaEvent } from './evidence.ts';
import { LIVES, PRICE_MINOR, STARTED_MS, USER } from './healthy-lives.ts';

const INSTANT = new Date(STARTED_MS).toISOString();

function kafka(topic: string, type: string, about: number, data: Record<string, unknown>, offset: number): KafkaEvent {
  return { topic, partition: 0, offset, id: `${type}/${about}`, type, key: String(about), data };
}

export function kafkaOrders(): KafkaEvent[] {
  const told = LIVES.flatMap((life) =>
    life.steps.filter(({ type }) => type.startsWith('order.')).map(({ type }) => ({ life, type })),
  );
  return told.map(({ life: { id, productId, quantity, reason }, type }, offset) =>
    kafka(
      'order',
      type,
      id,
      {
        order_id: id,
        user_id: USER.id,
        items: [{ product_id: productId, quantity, unit_price_minor: PRICE_MINOR }],
        total_minor: quantity * PRICE_MINOR,
        currency: 'USD',
        ...(reason === null ? {} : { reason }),
        ...Object.fromEntries(
          ['created', 'expires', 'paid', 'completed', 'cancelled', 'refunded'].map((at) => [`${at}_at`, INSTANT]),
        ),
      },
      offset,
    ),
  );
}

/** What is available of products 1 and 2 after each change, as the events tell it. */
const LEVELS: Readonly<Record<string, { product_id: number; available: number; stock_version: number }>> = {
  'stock.reserved/1': { product_id: 1, available: 8, stock_version: 2 },
  'stock.reserved/2': { product_id: 1, available: 7, stock_version: 3 },
  'stock.released/2': { product_id: 1, available: 8, stock_version: 4 },
  'stock.reserved/5': { product_id: 1, available: 7, stock_version: 5 },
  'stock.reserved/3': { product_id: 2, available: 4, stock_version: 2 },
  'stock.released/3': { product_id: 2, available: 5, stock_version: 3 },
};

export function kafkaStock(): KafkaEvent[] {
  const told = LIVES.flatMap(({ id, stockTold }) => stockTold.map((type) => ({ id, type })));
  return told.map(({ id, type }, offset) => {
    const level = LEVELS[`${type}/${id}`];
    const data = {
      order_id: id,
      levels: level === undefined ? [] : [level],
      missing: [],
      cause: 'order.cancelled',
      ...Object.fromEntries(['reserved', 'rejected', 'released'].map((at) => [`${at}_at`, INSTANT])),
    };
    return kafka('stock', type, id, data, offset);
  });
}

export function kafkaPayments(): KafkaEvent[] {
  const told = [
    { type: 'payment.success', order_id: 1, payment_id: 1 },
    { type: 'payment.success', order_id: 3, payment_id: 2 },
    { type: 'payment.refunded', order_id: 3, payment_id: 2 },
    { type: 'payment.failed', order_id: 5, payment_id: 3 },
  ];
  return told.map(({ type, ...about }, offset) => {
    const data = {
      ...about,
      user_id: USER.id,
      amount_minor: PRICE_MINOR,
      currency: 'USD',
      cause: 'order.refunded',
      code: 'CARD_DECLINED',
      ...Object.fromEntries(['captured', 'failed', 'refunded'].map((at) => [`${at}_at`, INSTANT])),
    };
    return kafka('payment', type, about.order_id, data, offset);
  });
}

export function kafkaProducts(): KafkaEvent[] {
  return [10, 5].map((available, index) => {
    const data = {
      product_id: index + 1,
      version: 1,
      name: 'A thing',
      description: '',
      price_minor: PRICE_MINOR,
      currency: 'USD',
      available,
      stock_version: 1,
      changed_at: INSTANT,
    };
    return kafka('product', 'product.created', index + 1, data, index);
  });
}
