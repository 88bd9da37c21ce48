import { Client } from 'pg';
import type { Evidence } from './evidence.ts';
import { gatherKafka } from './gather-kafka.ts';
import { gatherRabbit } from './gather-rabbit.ts';
import * as sql from './sql.ts';

/** Where the evidence lies: part of what `infra/stack.ts env --json` prints. */
export type EvidenceSettings = {
  readonly DATABASE_PREFIX: string;
  readonly POSTGRES_ADMIN_URL: string;
  readonly KAFKA_BROKERS: string;
  readonly RABBITMQ_MANAGEMENT_URL: string;
  readonly RABBITMQ_USER: string;
  readonly RABBITMQ_PASSWORD: string;
  readonly INBOX_URL: string;
};

const SERVICES = ['auth', 'product', 'order', 'payment', 'mail'] as const;
/** Those with an outbox, an inbox and dead letters. */
const MESSAGING_SERVICES = ['auth', 'product', 'order', 'payment'] as const;
type Service = (typeof SERVICES)[number];

/**
 * Reads everything, from the primary and without changing anything that the shop looks at. Dead letters are read in place.
 * Throws when a server does not answer: evidence with holes would prove nothing.
 */
export async function gatherEvidence(settings: EvidenceSettings): Promise<Evidence> {
  const databases = await openDatabases(settings);
  try {
    const { auth, product, order, payment, mail } = databases;
    const messaging = MESSAGING_SERVICES.map((service) => ({ service, client: databases[service] }));
    const [kafka, rabbit] = [await gatherKafka(settings.KAFKA_BROKERS.split(',')), await gatherRabbit(settings)];
    return {
      takenAtMs: await sql.nowOf(order),
      users: await sql.users(auth),
      products: await sql.products(product),
      reservations: await sql.reservations(product),
      orders: await sql.orders(order),
      timers: await sql.timers(order),
      timeline: await sql.timeline(order),
      productCopies: await sql.productCopies(order),
      payments: await sql.payments(payment),
      charges: await sql.charges(payment),
      refunds: await sql.refunds(payment),
      webhooksWaiting: await sql.webhooksWaiting(payment),
      mails: await sql.mails(mail),
      outbox: await sql.ofEach(messaging, sql.outbox),
      inbox: await sql.ofEach(messaging, sql.inbox),
      deadLetters: await sql.ofEach(messaging, sql.deadLetters),
      ...kafka,
      ...rabbit,
      received: await receivedMails(settings.INBOX_URL),
    };
  } finally {
    await Promise.all(Object.values(databases).map((client) => client.end()));
  }
}

async function openDatabases(settings: EvidenceSettings): Promise<Record<Service, Client>> {
  const opened = await Promise.all(
    SERVICES.map(async (service) => {
      const url = new URL(settings.POSTGRES_ADMIN_URL);
      url.pathname = `/${settings.DATABASE_PREFIX}_${service}`;
      const client = new Client({ connectionString: url.href, application_name: 'chaos-checker' });
      await client.connect();
      return [service, client] as const;
    }),
  );
  return Object.fromEntries(opened) as Record<Service, Client>;
}

type InboxMail = { headers?: Record<string, string>; to?: { address: string }[]; subject?: string };

/** All mails at once, from maildev's list. */
async function receivedMails(url: string): Promise<Evidence['received']> {
  const response = await fetch(new URL('/email', url));
  if (!response.ok) throw new Error(`the inbox answered ${response.status}`);
  const mails = (await response.json()) as InboxMail[];
  return mails.map(({ headers = {}, to = [], subject = '' }) => {
    const name = Object.keys(headers).find((header) => header.toLowerCase() === 'message-id');
    return { messageId: name === undefined ? '' : (headers[name] ?? ''), to: to[0]?.address ?? '', subject };
  });
}
