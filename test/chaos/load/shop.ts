import { eventually, type InboxClient } from '@punctual/testing';
import type { Random } from '../random.ts';
import type { LoadNeed } from '../sabotage/index.ts';
import { createGateway, type Gateway, type Patience } from './attempts.ts';
import type { Recorder } from './recorder.ts';
import { createSession, type Session } from './sessions.ts';

export type KnownOrder = {
  readonly id: number;
  readonly by: Session;
  readonly requestId: string;
  readonly body: object;
  readonly placedMs: number;
  /** Of the last successful payment that we were told of. */
  paymentId: number | null;
};

/** What the load shares between its operations. */
export type Shop = {
  readonly gateway: Gateway;
  readonly inbox: InboxClient;
  readonly recorder: Recorder;
  readonly patience: Patience;
  readonly random: Random;
  readonly admin: Session;
  readonly customers: Session[];
  readonly products: Products;
  /** What this run has more of than usual. */
  readonly emphasis: ReadonlySet<LoadNeed>;
  /** A new product of the run. */
  newProduct(name: string, quantity: number): Promise<number>;
  /** Unpaid as far as we know, oldest first; bounded. */
  readonly open: KnownOrder[];
  /** Paid as far as we know, oldest first; bounded. */
  readonly paid: KnownOrder[];
  /** A name for one order request, the same in every run of the seed. */
  nextRequestId(): string;
};

export type Products = {
  readonly plenty: readonly number[];
  readonly hot: number;
  /** Few pieces, so that the last of them are fought for. */
  readonly scarce: readonly number[];
  /** Brought in one by one, a few pieces each, for many customers at the same moment. */
  readonly rushes: number[];
};

const PLENTY = 20;
const SCARCE = 4;
const SCARCE_PIECES = 25;
const FIRST_RUSHES = 3;
export const RUSH_PIECES = 5;
const PIECES = 10_000_000;
const CATALOG_TIMEOUT_MS = 60_000;
const MOST_REMEMBERED = 400;

export function remember(orders: KnownOrder[], order: KnownOrder): void {
  orders.push(order);
  if (orders.length > MOST_REMEMBERED) orders.splice(0, orders.length - MOST_REMEMBERED);
}

export function forget(orders: KnownOrder[], order: KnownOrder): void {
  const index = orders.indexOf(order);
  if (index >= 0) orders.splice(index, 1);
}

export type ShopOptions = {
  readonly gatewayUrl: string;
  readonly inbox: InboxClient;
  readonly recorder: Recorder;
  readonly patience: Patience;
  readonly random: Random;
  readonly seed: number;
  readonly emphasis: ReadonlySet<LoadNeed>;
};

/** The catalog of the run, and nobody in the shop yet. */
export async function openShop({ gatewayUrl, seed, ...rest }: ShopOptions): Promise<Shop> {
  const gateway = createGateway(gatewayUrl);
  const admin = createSession(gateway, { userId: null, email: 'admin@punctual.test', password: 'punctual-admin' });
  const newProduct = (name: string, quantity: number) =>
    eventually(
      async () => {
        const reply = await admin.request('POST', '/products', {
          body: { name: `Chaos ${name}`, description: 'For one run', price: '19.90', quantity },
        });
        if (reply?.status !== 201) throw new Error(`a product was answered ${JSON.stringify(reply)}`);
        return (reply.data as { id: number }).id;
      },
      { timeoutMs: CATALOG_TIMEOUT_MS, intervalMs: 500 },
    );
  const plenty: number[] = [];
  for (let number = 1; number <= PLENTY; number += 1) plenty.push(await newProduct(`product ${number}`, PIECES));
  const scarce: number[] = [];
  for (let number = 1; number <= SCARCE; number += 1) scarce.push(await newProduct(`rarity ${number}`, SCARCE_PIECES));
  const rushes: number[] = [];
  for (let number = 1; number <= FIRST_RUSHES; number += 1) rushes.push(await newProduct('rush', RUSH_PIECES));
  const hot = await newProduct('bestseller', PIECES);

  let requests = 0;
  return {
    ...rest,
    gateway,
    admin,
    customers: [],
    newProduct,
    products: { plenty, hot, scarce, rushes },
    open: [],
    paid: [],
    nextRequestId() {
      requests += 1;
      return `chaos-${seed}-${requests}`;
    },
  };
}
