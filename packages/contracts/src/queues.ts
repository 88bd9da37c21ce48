/**
 * The exchanges and queues of RabbitMQ as other programs see them. The services declare them from `topology.ts` of the messaging
 * package; a test there compares the two.
 */
import { mailJobFlows, orderTimerFlows, type ServiceName } from './flows.ts';
import { type MailJobType, mailJobs } from './mail-jobs.ts';
import { type OrderTimerType, orderTimers, type QueueMessageType } from './messages.ts';

const MAILS = Object.keys(mailJobs) as MailJobType[];
const TIMERS = Object.keys(orderTimers) as OrderTimerType[];

type Sender = { readonly service: ServiceName; readonly messages: readonly QueueMessageType[] };

export type ExchangeFlow = {
  readonly name: string;
  readonly summary: string;
  /** A message waits for its `x-due-at`, then comes out of the topic exchange `NAME.due` under the same routing key. */
  readonly isDelayed: boolean;
  /** The routing key is the type, except for receipts: there it is who is to have them. */
  readonly routingKeys: readonly string[];
  readonly messages: readonly QueueMessageType[];
  readonly senders: readonly Sender[];
};

export type QueueFlow = {
  readonly name: string;
  readonly summary: string;
  readonly bindings: readonly { readonly exchange: string; readonly routingKey: string }[];
  readonly deadLetterQueue?: string;
  readonly messages: readonly QueueMessageType[];
  readonly consumer?: ServiceName;
  /** Who puts messages there by the queue's name: what is given up goes straight to its dead-letter queue. */
  readonly senders: readonly Sender[];
};

function sendersOf<T extends QueueMessageType>(
  flows: Readonly<Record<T, { readonly publisher: ServiceName }>>,
  types: readonly T[],
): Sender[] {
  return [...Map.groupBy(types, (type) => flows[type].publisher)].map(([service, messages]) => ({ service, messages }));
}

export const exchangeFlows: readonly ExchangeFlow[] = [
  {
    name: 'notifications',
    summary: 'Mails to be sent. A job stays a row of its sender until the receipt for it.',
    isDelayed: false,
    routingKeys: MAILS,
    messages: MAILS,
    senders: sendersOf(mailJobFlows, MAILS),
  },
  ...delayed('mail.retry', 'Mails that could not be sent, until their next attempt', MAILS, [
    { service: 'mail', messages: MAILS },
  ]),
  ...delayed('order.timers', 'Wake-ups of orders, until they are due', TIMERS, sendersOf(orderTimerFlows, TIMERS)),
  {
    name: 'receipts',
    summary: 'Receipts, to the service that had sent what is finished with',
    isDelayed: false,
    routingKeys: ['order', 'auth'],
    messages: ['receipt'],
    senders: [{ service: 'mail', messages: ['receipt'] }],
  },
];

export const queueFlows: readonly QueueFlow[] = [
  {
    name: 'mail.jobs',
    summary: 'Mails to be sent now',
    bindings: ['notifications', 'mail.retry.due'].map((exchange) => ({ exchange, routingKey: 'mail.#' })),
    deadLetterQueue: 'mail.jobs.dead',
    messages: MAILS,
    consumer: 'mail',
    senders: [],
  },
  deadLetters('mail.jobs.dead', 'Mails that were given up', [{ service: 'mail', messages: MAILS }]),
  {
    name: 'order.timers.due',
    summary: 'Wake-ups that are due',
    bindings: TIMERS.map((routingKey) => ({ exchange: 'order.timers.due', routingKey })),
    deadLetterQueue: 'order.timers.dead',
    messages: TIMERS,
    consumer: 'order',
    senders: [],
  },
  deadLetters('order.timers.dead', 'Wake-ups that were given up', [{ service: 'order', messages: TIMERS }]),
  receiptsOf('order'),
  receiptsOf('auth'),
  deadLetters('receipts.dead', 'Receipts that could not be read', [
    { service: 'order', messages: ['receipt'] },
    { service: 'auth', messages: ['receipt'] },
  ]),
];

function delayed(
  name: string,
  summary: string,
  messages: readonly QueueMessageType[],
  senders: readonly Sender[],
): ExchangeFlow[] {
  const due = `${name}.due`;
  return [
    { name, summary, isDelayed: true, routingKeys: messages, messages, senders },
    // What is due already needs no delay: its sender publishes it here at once.
    { name: due, summary: `What comes out of ${name}`, isDelayed: false, routingKeys: messages, messages, senders },
  ];
}

function deadLetters(name: string, summary: string, senders: readonly Sender[]): QueueFlow {
  const messages = [...new Set(senders.flatMap((sender) => sender.messages))];
  return { name, summary: `${summary}, with the reason`, bindings: [], messages, senders };
}

function receiptsOf(service: ServiceName): QueueFlow {
  return {
    name: `receipts.${service}`,
    summary: `Receipts for what ${service} has sent`,
    bindings: [{ exchange: 'receipts', routingKey: service }],
    deadLetterQueue: 'receipts.dead',
    messages: ['receipt'],
    consumer: service,
    senders: [],
  };
}
