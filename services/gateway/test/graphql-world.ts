import { Role, type User } from '@punctual/contracts/grpc/auth';
import { type DeepPartial, Fulfillment, type Order, OrderStatus, StockState } from '@punctual/contracts/grpc/order';
import { type Payment, PaymentStatus } from '@punctual/contracts/grpc/payment';
import type { Product } from '@punctual/contracts/grpc/product';

/** Messages as the services send them, for a test to play with. */

const AT = new Date('2026-01-31T09:30:00.000Z');
const dates = { createdAt: AT, updatedAt: AT };

export function user(id: number, fields: Partial<User> = {}): User {
  return {
    id,
    email: `user-${id}@punctual.test`,
    role: Role.CUSTOMER,
    active: true,
    verified: true,
    ...dates,
    ...fields,
  };
}

export function product(id: number, fields: Partial<Product> = {}): Product {
  return {
    id,
    name: `Product ${id}`,
    description: '',
    priceMinor: 1_990,
    currency: 'USD',
    quantity: 5,
    version: 1,
    stockVersion: 1,
    deleted: false,
    ...dates,
    ...fields,
  };
}

export function order(id: number, fields: Partial<Order> = {}): Order {
  return {
    id,
    userId: 7,
    requestId: `request-${id}`,
    status: OrderStatus.PENDING,
    reason: undefined,
    stock: StockState.RESERVED,
    fulfillment: Fulfillment.UNFULFILLED,
    description: '',
    shippingAddress: '1 Main Street',
    notes: '',
    items: [{ id: id * 10, productId: id, name: 'As ordered', quantity: 2, unitPriceMinor: 5, totalPriceMinor: 10 }],
    totalMinor: 10,
    currency: 'USD',
    expiresAt: AT,
    ...dates,
    ...fields,
  };
}

export function payment(id: number, orderId: number, fields: DeepPartial<Payment> = {}) {
  return {
    id,
    orderId,
    amountMinor: 10,
    currency: 'USD',
    status: PaymentStatus.SUCCEEDED,
    cardLast4: '4242',
    capturedAt: AT,
    ...dates,
    ...fields,
  };
}

export function infoOf(total: number, hasMore = false) {
  return { total, totalIsExact: true, hasMore };
}
