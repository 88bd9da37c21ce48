import type { History, Verdict } from '../types.ts';
import { poisonOf, type ShopEvent, shopEvents } from './event-stream.ts';
import type { Evidence, ProductRow, ReservationRow } from './evidence.ts';
import { createTally, type Tally } from './tally.ts';

const CLAIM =
  'Of every product, available + reserved + sold is what was ever brought in, none of them is ever below zero, reservations add ' +
  'up to what is reserved and sold, and the events tell the same stock.';

type Level = { readonly available: number; readonly stockVersion: number };

/** attempted: products; acknowledged: reservations that hold or have sold pieces. */
export function checkStock(history: Pick<History, 'faults'>, evidence: Evidence): Verdict {
  const tally = createTally('I1', CLAIM);
  const reserved = piecesOf(evidence.reservations, 'reserved');
  const sold = piecesOf(evidence.reservations, 'sold');
  const levels = levelsOf(shopEvents(history, evidence));
  tally.attempted(evidence.products.length);
  tally.acknowledged(evidence.reservations.filter(({ state }) => state === 'reserved' || state === 'sold').length);
  for (const product of evidence.products) {
    checkSums(tally, product);
    checkPieces(tally, product, 'reserved', reserved.get(product.id) ?? 0);
    checkPieces(tally, product, 'sold', sold.get(product.id) ?? 0);
    checkLevels(tally, product, levels.get(product.id) ?? []);
  }
  checkNeverBelowZero(tally, history, evidence);
  const known = new Set(evidence.products.map(({ id }) => id));
  for (const id of new Set([...reserved.keys(), ...sold.keys()])) {
    if (!known.has(id)) tally.unexpected(`product ${id} is reserved or sold and has no stock`);
  }
  return tally.verdict();
}

function checkSums(tally: Tally, product: ProductRow): void {
  const { id, available, reserved, sold, stocked, projectedStocked, deleted } = product;
  const shown = `available ${available} + reserved ${reserved} + sold ${sold}, brought in ${stocked}`;
  const sum = available + reserved + sold;
  if (sum < stocked) tally.lost(`product ${id} lacks ${stocked - sum} pieces: ${shown}`);
  if (sum > stocked) tally.unexpected(`product ${id} has ${sum - stocked} pieces too many: ${shown}`);
  if (Math.min(available, reserved, sold) < 0) tally.unexpected(`product ${id} is oversold: ${shown}`);
  if (!deleted && projectedStocked !== stocked) {
    tally.unexpected(`product ${id}: the catalog says ${projectedStocked} brought in, its stream ${stocked}`);
  }
}

function checkPieces(tally: Tally, product: ProductRow, state: 'reserved' | 'sold', pieces: number): void {
  const stated = product[state];
  if (stated < pieces) tally.lost(`product ${product.id}: reservations have ${pieces} ${state}, its stock ${stated}`);
  if (stated > pieces) {
    tally.unexpected(`product ${product.id}: its stock has ${stated} ${state}, reservations ${pieces}`);
  }
}

/** The event with the highest version tells what is available, since selling reserved pieces, which no event tells, leaves it. */
function checkLevels(tally: Tally, product: ProductRow, levels: readonly Level[]): void {
  const byVersion = new Map<number, number>();
  for (const { available, stockVersion } of levels) {
    const before = byVersion.get(stockVersion);
    if (before !== undefined && before !== available) {
      tally.unexpected(
        `product ${product.id}: events tell both ${before} and ${available} at stock version ${stockVersion}`,
      );
    }
    byVersion.set(stockVersion, available);
  }
  const latest = Math.max(...byVersion.keys());
  if (byVersion.size === 0 || product.deleted) return;
  const available = byVersion.get(latest);
  if (latest > product.stockVersion) {
    tally.unexpected(
      `product ${product.id}: an event tells stock version ${latest}, the stock is at ${product.stockVersion}`,
    );
  } else if (available !== product.available) {
    tally.lost(
      `product ${product.id}: the last event tells ${available} available, the stock has ${product.available}`,
    );
  }
}

/**
 * Stock that fell below zero and was given back shows in the events only, and in none that the contract lets pass: so this
 * looks at all records, except those that a fault made up.
 */
function checkNeverBelowZero(tally: Tally, history: Pick<History, 'faults'>, { events }: Evidence): void {
  const invented = new Set(poisonOf(history).map(({ id }) => id));
  const told = new Set<number>();
  for (const { id, topic, data } of events) {
    if (topic !== 'stock' || id === null || invented.has(id) || !Array.isArray(data?.levels)) continue;
    for (const { product_id: productId, available } of data.levels as WireLevel[]) {
      if (available >= 0 || told.has(productId)) continue;
      told.add(productId);
      tally.unexpected(`product ${productId} was oversold: event ${id} tells ${available} available`);
    }
  }
}

function piecesOf(reservations: readonly ReservationRow[], state: ReservationRow['state']): Map<number, number> {
  const pieces = new Map<number, number>();
  for (const reservation of reservations) {
    if (reservation.state !== state) continue;
    for (const { productId, quantity } of reservation.lines) {
      pieces.set(productId, (pieces.get(productId) ?? 0) + quantity);
    }
  }
  return pieces;
}

type WireLevel = { product_id: number; available: number; stock_version: number };

function levelsOf(events: readonly ShopEvent[]): Map<number, Level[]> {
  const found = new Map<number, Level[]>();
  for (const { topic, type, data } of events) {
    let told: WireLevel[] = [];
    if (topic === 'stock') told = data.levels as WireLevel[];
    else if (type === 'product.created' || type === 'product.updated') told = [data as WireLevel];
    for (const { product_id: id, available, stock_version: stockVersion } of told) {
      const list = found.get(id);
      if (list === undefined) found.set(id, [{ available, stockVersion }]);
      else list.push({ available, stockVersion });
    }
  }
  return found;
}
