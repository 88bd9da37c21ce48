/** What is asked of a catalog search and what it answers, whichever engine it is. */

/** Where one price range ends and the next begins, in minor units. */
const PRICE_BOUNDS_MINOR = [1_000, 5_000, 10_000, 50_000, 100_000] as const;

export type PriceRange = {
  /** Included; undefined for the lowest range. */
  fromMinor: number | undefined;
  /** Not included; undefined for the highest range. */
  toMinor: number | undefined;
};

/** From the lowest to the highest, without gaps. */
export const PRICE_RANGES: readonly PriceRange[] = [undefined, ...PRICE_BOUNDS_MINOR].map((fromMinor, index) => ({
  fromMinor,
  toMinor: PRICE_BOUNDS_MINOR[index],
}));

export type QuestionSort = {
  field: 'relevance' | 'name' | 'price' | 'created_at' | 'quantity';
  descending: boolean;
};

export type CatalogQuestion = {
  /** Undefined or without a word: everything matches. */
  text?: string | undefined;
  minPriceMinor?: number | undefined;
  maxPriceMinor?: number | undefined;
  inStock?: boolean | undefined;
  sort: QuestionSort;
  limit: number;
  offset: number;
};

/** A product as it was when it was indexed. */
export type FoundProduct = {
  id: number;
  name: string;
  description: string;
  price_minor: number;
  currency: string;
  version: number;
  stockVersion: number;
  createdAt: Date;
  updatedAt: Date;
};

export type CatalogHit = {
  product: FoundProduct;
  available: number;
  /** HTML: escaped, with <em> around what matched. */
  nameHtml: string;
  /** The most telling part, likewise. */
  descriptionHtml: string;
};

/** Counts of what there would be if a filter were not set: each of all filters but its own. */
export type CatalogFacets = {
  priceRanges: (PriceRange & { count: number })[];
  inStock: number;
  outOfStock: number;
};

export type CatalogAnswer = {
  hits: CatalogHit[];
  /** Exact, or the least that there is. */
  total: number;
  totalIsExact: boolean;
  facets: CatalogFacets;
};

export type NameSuggestion = { id: number; name: string };
