import type { Product, ProductEvent, ProductFact } from '../domain/product.ts';

/** A row of `products`, or of the copy that a rebuild makes. */
export type ProductRow = {
  id: number;
  name: string;
  description: string;
  price_minor: number;
  currency: string;
  stocked: number;
  version: number;
  created_at: Date;
  updated_at: Date;
  deleted_at: Date | null;
};

export type EventRow = {
  product_id: number;
  version: number;
  type: ProductFact['type'];
  data: ProductFact['data'];
  actor: string;
  at: Date;
};

export const PRODUCT_COLUMNS =
  'id, name, description, price_minor, currency, stocked, version, created_at, updated_at, deleted_at';
export const EVENT_COLUMNS = 'product_id, version, type, data, actor, at';

export function toProduct({ created_at, updated_at, deleted_at, ...row }: ProductRow): Product {
  return { ...row, createdAt: created_at, updatedAt: updated_at, deletedAt: deleted_at };
}

export function toProductRow({ createdAt, updatedAt, deletedAt, ...product }: Product): ProductRow {
  return { ...product, created_at: createdAt, updated_at: updatedAt, deleted_at: deletedAt };
}

/** Type and data were written together by this service, so they belong together. */
export function toEvent({ product_id, type, data, ...rest }: EventRow): ProductEvent {
  return { ...({ type, data } as ProductFact), productId: product_id, ...rest };
}
