import { events as contracts, isEventType } from '@punctual/contracts';
import type { History, Poison } from '../types.ts';
import type { Evidence, KafkaEvent } from './evidence.ts';

/** An event that is what its type promises. */
export type ShopEvent = KafkaEvent & {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/** What faults say that they have put in. */
export function poisonOf({ faults }: Pick<History, 'faults'>): Poison[] {
  return faults.flatMap(({ notes }) => (Array.isArray(notes.poison) ? (notes.poison as Poison[]) : []));
}

/**
 * The events of the shop, each once, where it stood first: delivery is at least once, so a record that comes again with its
 * id says nothing new. What no consumer could read, and what a fault made up, is no event of the shop.
 */
export function shopEvents(history: Pick<History, 'faults'>, evidence: Pick<Evidence, 'events'>): ShopEvent[] {
  const invented = new Set(poisonOf(history).map(({ id }) => id));
  const seen = new Set<string>();
  const found: ShopEvent[] = [];
  for (const event of evidence.events) {
    const { id, type, data } = event;
    if (id === null || type === null || data === null || seen.has(id) || invented.has(id)) continue;
    if (!isEventType(type) || contracts[type].topic !== event.topic) continue;
    if (!contracts[type].data.safeParse(data).success) continue;
    seen.add(id);
    found.push({ ...event, id, type, data });
  }
  return found;
}

/** The order that an event is about. */
export function orderIdOf({ data }: ShopEvent): number {
  return Number(data.order_id);
}
