import { z } from 'zod';
import { named } from '../documented.ts';
import {
  id,
  idText,
  instant,
  moneyInput,
  moneyOutput,
  moneyText,
  optionalText,
  pageQuery,
  text,
  wholeNumberText,
} from '../primitives.ts';
import { defineRoute } from '../route.ts';

export const PRODUCT_SORTS = ['id', 'name', 'price', 'created_at', 'quantity'] as const;

export const product = named(
  'Product',
  z.object({
    id,
    name: z.string(),
    description: z.string(),
    price: moneyOutput,
    currency: z.string(),
    quantity: z.int().describe('What can still be ordered.'),
    version: z.int().positive().describe('Rises with each change of the catalog entry; the ETag.'),
    created_at: instant,
    updated_at: instant,
  }),
);
export type ProductView = z.infer<typeof product>;

const name = text(200);
const description = optionalText(5_000);
const currency = z.string().regex(/^[A-Z]{3}$/, 'must be a currency code such as USD');
const MAX_STOCK = 1_000_000_000;

export const createProductBody = z
  .strictObject({
    name,
    description: description.default(''),
    price: moneyInput,
    currency: currency.default('USD'),
    quantity: z.int().min(0).max(MAX_STOCK).default(0),
  })
  .meta({ example: { name: 'Walnut Desk', description: 'Oiled.', price: '649.00', currency: 'USD', quantity: 25 } });
export const replaceProductBody = z
  .strictObject({ name, description, price: moneyInput, currency })
  .meta({ example: { name: 'Walnut Desk', description: 'Oiled.', price: '599.00', currency: 'USD' } });
export const changeProductBody = z
  .strictObject({
    name: name.optional(),
    description: description.optional(),
    price: moneyInput.optional(),
    currency: currency.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'must change at least one field')
  .meta({ minProperties: 1, example: { price: '599.00' } });
export const adjustStockBody = z
  .strictObject({
    change: z
      .int()
      .min(-MAX_STOCK)
      .max(MAX_STOCK)
      .refine((value) => value !== 0, 'must not be 0')
      .meta({
        description: 'Pieces added (or, when negative, taken away); what is reserved or sold is never taken.',
        not: { const: 0 },
      }),
    reason: text(200),
  })
  .meta({ example: { change: 10, reason: 'a delivery' } });

const byId = z.strictObject({ id: idText });
const tag = 'products';
const TAG = '(?:W/)?"[1-9][0-9]{0,8}"';
const ifMatch = {
  'If-Match': {
    description:
      'The ETag (version) that the change is based on, some of them (at most 20), or `*` for whatever there is.',
    required: true,
    pattern: `^(?:\\*|${TAG}(?:, ?${TAG}){0,19})$`,
  },
};

const sortText = z
  .string()
  .regex(
    new RegExp(`^-?(${PRODUCT_SORTS.join('|')})$`),
    `must be one of ${PRODUCT_SORTS.join(', ')}, with a leading - for descending`,
  );

export const listProductsQuery = z.strictObject({
  q: optionalText(200).optional().describe('Part of the name or of the description, taken literally.'),
  name: optionalText(200).optional().describe('Part of the name.'),
  description: optionalText(200).optional().describe('Part of the description.'),
  min_price: moneyText.optional(),
  max_price: moneyText.optional().describe('Not below min_price.'),
  in_stock: z.enum(['true', 'false']).optional(),
  sort: sortText.default('id').describe('A leading - is for descending.'),
  ...pageQuery,
});

export const listProducts = defineRoute({
  id: 'listProducts',
  method: 'get',
  path: '/products',
  tag,
  summary: 'Search, filter, sort and page the catalog',
  access: 'public',
  query: listProductsQuery,
  success: { status: 200, schema: product },
  list: true,
  errors: ['VALIDATION_FAILED'],
});

/** What a search can be ordered by; of equal ones the lower id comes first. */
export const SEARCH_SORTS = ['name', 'price', 'created_at', 'quantity'] as const;
/** A search pages through so many results at most: deeper ones would have to be collected, whoever asks for them. */
export const MAX_SEARCH_RESULTS = 10_000;
export const SEARCH_ENGINES = ['opensearch', 'postgres'] as const;
export type SearchEngine = (typeof SEARCH_ENGINES)[number];
export const SEARCH_ENGINE_HEADER = 'Search-Engine';

export const foundProduct = product.extend({
  /** HTML: the text escaped, with <em> around what matched. */
  highlight: z.object({ name: z.string(), description: z.string() }),
});
export type FoundProduct = z.infer<typeof foundProduct>;

export const facets = z.object({
  /** How many there would be in each range, whatever price was asked for; `from` is included, `to` is not. */
  price_ranges: z.array(
    z.object({ from: moneyOutput.nullable(), to: moneyOutput.nullable(), count: z.int().nonnegative() }),
  ),
  /** How many there would be, whatever stock was asked for. */
  stock: z.object({ in_stock: z.int().nonnegative(), out_of_stock: z.int().nonnegative() }),
});
export type Facets = z.infer<typeof facets>;

export const suggestion = z.object({ id, name: z.string() });
export type Suggestion = z.infer<typeof suggestion>;

const MAX_SUGGESTIONS = 20;
export const searchProductsQuery = z.strictObject({
  q: optionalText(200).optional(),
  min_price: moneyText.optional(),
  max_price: moneyText.optional().describe('Not below min_price.'),
  in_stock: z.enum(['true', 'false']).optional(),
  sort: z
    .string()
    .regex(
      new RegExp(`^(relevance|-?(${SEARCH_SORTS.join('|')}))$`),
      `must be relevance, or one of ${SEARCH_SORTS.join(', ')} with a leading - for descending`,
    )
    .default('relevance'),
  ...pageQuery,
});

export const suggestProductsQuery = z.strictObject({ q: text(100), limit: wholeNumberText(10, MAX_SUGGESTIONS) });

export const searchProducts = defineRoute({
  id: 'searchProducts',
  method: 'get',
  path: '/products/search',
  tag,
  summary: 'Full text that forgives typing errors, with facets and highlights, best match first',
  access: 'public',
  query: searchProductsQuery.refine(({ page, limit }) => page * limit <= MAX_SEARCH_RESULTS, {
    path: ['page'],
    message: `must not lead beyond the first ${MAX_SEARCH_RESULTS} results`,
  }),
  success: { status: 200, schema: foundProduct, headers: ['SearchEngine'] },
  list: true,
  beside: { facets },
  errors: ['VALIDATION_FAILED'],
});

export const suggestProducts = defineRoute({
  id: 'suggestProducts',
  method: 'get',
  path: '/products/suggest',
  tag,
  summary: 'Names that what was typed so far may become',
  access: 'public',
  query: suggestProductsQuery,
  success: { status: 200, schema: z.array(suggestion), headers: ['SearchEngine'] },
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
  success: { status: 200, schema: product, headers: ['ETag'] },
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
  success: { status: 201, schema: product, headers: ['ETag', 'Location'] },
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
  success: { status: 200, schema: product, headers: ['ETag'] },
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
  success: { status: 200, schema: product, headers: ['ETag'] },
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
  success: { status: 200, schema: product, headers: ['ETag'] },
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
    schema: named(
      'ProductEvent',
      z.object({
        product_id: id,
        version: z.int(),
        type: z.string(),
        data: z.record(z.string(), z.unknown()),
        actor: z.string(),
        at: instant,
      }),
    ),
  },
  list: true,
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND'],
});

export const productRoutes = [
  listProducts,
  searchProducts,
  suggestProducts,
  getProduct,
  createProduct,
  replaceProduct,
  changeProduct,
  deleteProduct,
  adjustStock,
  listProductEvents,
];
