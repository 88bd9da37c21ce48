import { z } from 'zod';
import { id, idText, instant, moneyInput, moneyOutput, pageQuery, text } from '../primitives.ts';
import { defineRoute } from '../route.ts';

export const PRODUCT_SORTS = ['id', 'name', 'price', 'created_at', 'quantity'] as const;

export const product = z.object({
  id,
  name: z.string(),
  description: z.string(),
  price: moneyOutput,
  currency: z.string(),
  /** What can still be ordered. */
  quantity: z.int(),
  version: z.int(),
  created_at: instant,
  updated_at: instant,
});
export type ProductView = z.infer<typeof product>;

const name = text(200);
const description = z.string().trim().max(5_000);
const currency = z.string().regex(/^[A-Z]{3}$/, 'must be a currency code such as USD');
const MAX_STOCK = 1_000_000_000;

export const createProductBody = z.strictObject({
  name,
  description: description.default(''),
  price: moneyInput,
  currency: currency.default('USD'),
  quantity: z.int().min(0).max(MAX_STOCK).default(0),
});
export const replaceProductBody = z.strictObject({ name, description, price: moneyInput, currency });
export const changeProductBody = z
  .strictObject({
    name: name.optional(),
    description: description.optional(),
    price: moneyInput.optional(),
    currency: currency.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'must change at least one field');
export const adjustStockBody = z.strictObject({
  /** Pieces added (or, when negative, taken away); what is reserved or sold is never taken. */
  change: z
    .int()
    .min(-MAX_STOCK)
    .max(MAX_STOCK)
    .refine((value) => value !== 0, 'must not be 0'),
  reason: text(200),
});

const byId = z.strictObject({ id: idText });
const tag = 'products';
const ifMatch = { 'If-Match': { description: 'The ETag (version) that the change is based on', required: true } };

const sortText = z
  .string()
  .regex(
    new RegExp(`^-?(${PRODUCT_SORTS.join('|')})$`),
    `must be one of ${PRODUCT_SORTS.join(', ')}, with a leading - for descending`,
  );

export const listProducts = defineRoute({
  id: 'listProducts',
  method: 'get',
  path: '/products',
  tag,
  summary: 'Search, filter, sort and page the catalog',
  access: 'public',
  query: z.strictObject({
    q: z.string().trim().max(200).optional(),
    name: z.string().trim().max(200).optional(),
    description: z.string().trim().max(200).optional(),
    min_price: moneyInput.optional(),
    max_price: moneyInput.optional(),
    in_stock: z.enum(['true', 'false']).optional(),
    sort: sortText.default('id'),
    ...pageQuery,
  }),
  success: { status: 200, schema: product },
  list: true,
  errors: ['VALIDATION_FAILED'],
});

export const getProduct = defineRoute({
  id: 'getProduct',
  method: 'get',
  path: '/products/:id',
  tag,
  summary: 'One product; the ETag is its version',
  access: 'public',
  params: byId,
  success: { status: 200, schema: product },
  errors: ['VALIDATION_FAILED', 'NOT_FOUND'],
});

export const createProduct = defineRoute({
  id: 'createProduct',
  method: 'post',
  path: '/products',
  tag,
  summary: 'Add a product to the catalog',
  access: 'admin',
  body: createProductBody,
  success: { status: 201, schema: product },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN'],
});

export const replaceProduct = defineRoute({
  id: 'replaceProduct',
  method: 'put',
  path: '/products/:id',
  tag,
  summary: 'Replace what the catalog says of a product',
  access: 'admin',
  headers: ifMatch,
  params: byId,
  body: replaceProductBody,
  success: { status: 200, schema: product },
  errors: [
    'VALIDATION_FAILED',
    'UNAUTHENTICATED',
    'FORBIDDEN',
    'NOT_FOUND',
    'VERSION_CONFLICT',
    'PRECONDITION_REQUIRED',
  ],
});

export const changeProduct = defineRoute({
  id: 'changeProduct',
  method: 'patch',
  path: '/products/:id',
  tag,
  summary: 'Change some of what the catalog says of a product',
  access: 'admin',
  headers: ifMatch,
  params: byId,
  body: changeProductBody,
  success: { status: 200, schema: product },
  errors: [
    'VALIDATION_FAILED',
    'UNAUTHENTICATED',
    'FORBIDDEN',
    'NOT_FOUND',
    'VERSION_CONFLICT',
    'PRECONDITION_REQUIRED',
  ],
});

export const deleteProduct = defineRoute({
  id: 'deleteProduct',
  method: 'delete',
  path: '/products/:id',
  tag,
  summary: 'Take a product out of the catalog; orders that hold it keep it',
  access: 'admin',
  headers: ifMatch,
  params: byId,
  success: { status: 204 },
  errors: [
    'VALIDATION_FAILED',
    'UNAUTHENTICATED',
    'FORBIDDEN',
    'NOT_FOUND',
    'VERSION_CONFLICT',
    'PRECONDITION_REQUIRED',
  ],
});

export const adjustStock = defineRoute({
  id: 'adjustStock',
  method: 'post',
  path: '/products/:id/stock',
  tag,
  summary: 'Add pieces to stock or take some away; never below zero',
  access: 'admin',
  params: byId,
  body: adjustStockBody,
  success: { status: 200, schema: product },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'OUT_OF_STOCK'],
});

export const listProductEvents = defineRoute({
  id: 'listProductEvents',
  method: 'get',
  path: '/products/:id/events',
  tag,
  summary: 'The stream of changes that made the product what it is',
  access: 'admin',
  params: byId,
  query: z.strictObject(pageQuery),
  success: {
    status: 200,
    schema: z.object({
      product_id: id,
      version: z.int(),
      type: z.string(),
      data: z.record(z.string(), z.unknown()),
      actor: z.string(),
      at: instant,
    }),
  },
  list: true,
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND'],
});

export const productRoutes = [
  listProducts,
  getProduct,
  createProduct,
  replaceProduct,
  changeProduct,
  deleteProduct,
  adjustStock,
  listProductEvents,
];
