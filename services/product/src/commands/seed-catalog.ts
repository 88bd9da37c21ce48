import type { CatalogEntry } from '../domain/product.ts';
import { existingNames } from '../store/product-store.ts';
import { type Catalog, createProduct } from './catalog.ts';

const ACTOR = 'seed';

type Seed = Omit<CatalogEntry, 'currency'> & { quantity: number };

/** Names are the key: a product that is there already, under whatever price, is left alone. */
const PRODUCTS: readonly Seed[] = [
  {
    name: 'Walnut Desk',
    description: 'Solid walnut top on a steel frame, 140 × 70 cm.',
    price_minor: 64_900,
    quantity: 12,
  },
  {
    name: 'Mesh Office Chair',
    description: 'Adjustable back, arms and height; rolls on hard floors.',
    price_minor: 28_900,
    quantity: 25,
  },
  { name: 'Reading Lamp', description: 'Dimmable warm light with a linen shade.', price_minor: 5_450, quantity: 60 },
  {
    name: 'Mechanical Keyboard',
    description: 'Tactile switches, 75 % layout, wired.',
    price_minor: 11_900,
    quantity: 40,
  },
  {
    name: 'Wireless Mouse',
    description: 'Six buttons; one charge lasts three months.',
    price_minor: 3_990,
    quantity: 80,
  },
  { name: 'Notebook, dotted', description: 'A5, 192 numbered pages, lies flat.', price_minor: 1_450, quantity: 300 },
  { name: 'Fountain Pen', description: 'Steel nib, medium; comes with a converter.', price_minor: 3_250, quantity: 75 },
  {
    name: 'Ceramic Mug',
    description: 'Stoneware, 350 ml, made for the dishwasher.',
    price_minor: 1_690,
    quantity: 150,
  },
  {
    name: 'Pour-over Kettle',
    description: 'Gooseneck spout and a thermometer in the lid.',
    price_minor: 7_900,
    quantity: 30,
  },
  { name: 'Wool Blanket', description: 'Merino, 130 × 180 cm, woven in one piece.', price_minor: 9_800, quantity: 20 },
  {
    name: 'Canvas Backpack',
    description: 'Waxed canvas, 22 litres, a sleeve for a 15-inch laptop.',
    price_minor: 12_450,
    quantity: 35,
  },
  {
    name: 'Limited Print No. 7',
    description: 'Numbered and signed; when they are gone they are gone.',
    price_minor: 25_000,
    quantity: 5,
  },
];

/** Creates the demonstration catalog through the command that the API uses; returns how many products were new. */
export async function seedCatalog(catalog: Catalog): Promise<number> {
  const existing = await existingNames(
    catalog.db.primary,
    PRODUCTS.map(({ name }) => name),
  );
  const missing = PRODUCTS.filter(({ name }) => !existing.has(name));
  for (const product of missing) await createProduct(catalog, { ...product, currency: 'USD' }, ACTOR);
  return missing.length;
}
