import { createHash } from 'node:crypto';
import { z } from 'zod';
import { documentVersion } from '../domain/document-version.ts';
import type { Product } from '../domain/product.ts';

/** What the index holds of a product; the mapping in index-definition.ts has these fields and no others. */
export const productDocument = z.object({
  id: z.number(),
  name: z.string(),
  description: z.string(),
  price_minor: z.number(),
  currency: z.string(),
  quantity: z.number(),
  in_stock: z.boolean(),
  version: z.number(),
  stock_version: z.number(),
  created_at: z.string(),
  updated_at: z.string(),
  deleted: z.boolean(),
});
export type ProductDocument = z.infer<typeof productDocument>;

export type VersionedDocument = { document: ProductDocument; version: number };

/** A document as comparisons see it: `digest` is of all that is in it. */
export type DocumentState = { id: number; version: number; digest: string };

export type Indexed = { product: Product; available: number; stockVersion: number };

/**
 * A deleted product stays, marked: OpenSearch forgets the version of a document that was deleted after a minute
 * (index.gc_deletes), and a writer that was stopped for longer would bring the product back.
 */
export function toDocument({ product, available, stockVersion }: Indexed): VersionedDocument {
  return {
    version: documentVersion({ version: product.version, stockVersion }),
    document: {
      id: product.id,
      name: product.name,
      description: product.description,
      price_minor: product.price_minor,
      currency: product.currency,
      quantity: available,
      in_stock: available > 0,
      version: product.version,
      stock_version: stockVersion,
      created_at: product.createdAt.toISOString(),
      updated_at: product.updatedAt.toISOString(),
      deleted: product.deletedAt !== null,
    },
  };
}

/** Equal for equal content, in whatever order its fields stand. */
export function digestOf(document: Readonly<Record<string, unknown>>): string {
  const fields = Object.entries(document).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(fields)).digest('base64');
}
