/**
 * AsyncAPI 3.0 of all that crosses a broker: a channel for each Kafka topic and each RabbitMQ exchange and queue, and an operation
 * for each service that writes to it or reads from it. Pure: the same contracts give the same document.
 */
import { type HeaderSet, headersOf } from './asyncapi-headers.ts';
import type { Json } from './documented.ts';
import { events } from './events/index.ts';
import {
  type ConsumerGroup,
  consumerGroups,
  eventFlows,
  mailJobFlows,
  orderTimerFlows,
  RECEIPT_SUMMARY,
  type ServiceName,
  topicFlows,
} from './flows.ts';
import { asyncApiSchema } from './json-schema.ts';
import { type MessageType, messageTypes, queueMessages } from './messages.ts';
import { exchangeFlows, queueFlows } from './queues.ts';
import { TOPICS } from './topics.ts';

type Ref = { readonly $ref: string };
export type AsyncApiChannel = {
  readonly address: string;
  readonly title: string;
  readonly summary: string;
  readonly description?: string;
  readonly servers: readonly Ref[];
  readonly messages: Readonly<Record<string, Ref>>;
} & Json;
export type AsyncApiOperation = {
  readonly action: 'send' | 'receive';
  readonly title: string;
  readonly channel: Ref;
  readonly messages: readonly Ref[];
  readonly tags: readonly { readonly name: ServiceName }[];
} & Json;
export type AsyncApiMessage = {
  readonly name: MessageType;
  readonly title: string;
  readonly summary: string;
  readonly contentType: 'application/json';
  readonly headers: HeaderSet;
  readonly payload: Ref;
  readonly examples?: readonly { readonly name: string; readonly payload: unknown }[];
} & Json;
export type AsyncApiDocument = {
  readonly asyncapi: '3.0.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string } & Json;
  readonly defaultContentType: 'application/json';
  readonly servers: Json;
  readonly channels: Readonly<Record<string, AsyncApiChannel>>;
  readonly operations: Readonly<Record<string, AsyncApiOperation>>;
  readonly components: {
    readonly messages: Readonly<Record<string, AsyncApiMessage>>;
    readonly schemas: Readonly<Record<string, Json>>;
  };
};

/** What a message is for, in a line. */
export function summaryOf(type: MessageType): string {
  if (type === 'receipt') return RECEIPT_SUMMARY;
  return { ...eventFlows, ...mailJobFlows, ...orderTimerFlows }[type].summary;
}

/** `exampleOf` gives the data of a message as it was once published. */
export function buildAsyncApi(options: {
  readonly version: string;
  readonly exampleOf?: (type: MessageType) => unknown;
}): AsyncApiDocument {
  const channels = new Map<string, AsyncApiChannel>();
  const operations = new Map<string, AsyncApiOperation>();
  const add = (id: string, channel: AsyncApiChannel): void => {
    channels.set(id, channel);
  };
  const operate = (
    action: AsyncApiOperation['action'],
    { service, channel, messages }: { service: ServiceName; channel: string; messages: readonly MessageType[] },
    extra: Json = {},
  ): void => {
    const id = `${service}.${action}.${channel}`;
    if (operations.has(id)) throw new Error(`two operations are called ${id}`);
    operations.set(id, {
      action,
      title: `${service} ${action === 'send' ? 'writes to' : 'reads from'} ${channels.get(channel)?.title ?? channel}`,
      channel: { $ref: `#/channels/${channel}` },
      messages: messages.map((type) => ({ $ref: `#/channels/${channel}/messages/${type}` })),
      tags: [{ name: service }],
      ...extra,
    });
  };
  addTopics(add, operate);
  addExchanges(add, operate);
  addQueues(add, operate);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Punctual events and queues',
      version: options.version,
      description: INTRODUCTION,
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: {
      kafka: { host: 'localhost:9092', protocol: 'kafka', description: 'Facts, kept in order per key' },
      rabbitmq: { host: 'localhost:5672', protocol: 'amqp', description: 'Work, delays and receipts' },
    },
    channels: Object.fromEntries(channels),
    operations: Object.fromEntries(operations),
    components: {
      messages: Object.fromEntries(messageTypes.map((type) => [type, messageOf(type, options.exampleOf?.(type))])),
      schemas: Object.fromEntries(messageTypes.map((type) => [type, asyncApiSchema(type)])),
    },
  };
}

const INTRODUCTION = [
  'Every message is a CloudEvents 1.0 message in binary mode: its data is the JSON body, its attributes are headers, with the',
  'prefix `ce_` on Kafka and `cloudEvents:` on RabbitMQ. Delivery is at least once, and a repeat carries the same id. Readers',
  'pass over fields that they do not know, and on Kafka types that they do not know.',
].join(' ');

type Add = (id: string, channel: AsyncApiChannel) => void;
type Operate = (
  action: AsyncApiOperation['action'],
  operation: { service: ServiceName; channel: string; messages: readonly MessageType[] },
  extra?: Json,
) => void;

function addTopics(add: Add, operate: Operate): void {
  for (const topic of TOPICS) {
    const channel = `topic.${topic}`;
    const types = typedKeys(events).filter((type) => events[type].topic === topic);
    const { publisher, summary } = topicFlows[topic];
    const keys = [...new Set(types.map((type) => events[type].key))].join(', ');
    add(channel, {
      address: topic,
      title: `Kafka topic ${topic}`,
      summary,
      description: `The key of a record is its data's ${keys}, as text; records of one key stay in order. A deployment may put a prefix (KAFKA_TOPIC_PREFIX) in front of the name.`,
      servers: [{ $ref: '#/servers/kafka' }],
      messages: referTo(types),
      bindings: { kafka: { topic, bindingVersion: '0.5.0' } },
    });
    operate('send', { service: publisher, channel, messages: types });
    for (const group of typedKeys(consumerGroups)) {
      const messages = types.filter((type) => eventFlows[type].groups.includes(group));
      if (messages.length === 0) continue;
      const bindings = { kafka: { groupId: { type: 'string', const: group }, bindingVersion: '0.5.0' } };
      operate('receive', { service: consumerGroups[group as ConsumerGroup], channel, messages }, { bindings });
    }
  }
}

function addExchanges(add: Add, operate: Operate): void {
  for (const { name, summary, isDelayed, routingKeys, messages, senders } of exchangeFlows) {
    const channel = `exchange.${name}`;
    const queues = queueFlows.filter(({ bindings }) => bindings.some((binding) => binding.exchange === name));
    const description = isDelayed
      ? `Messages carry \`x-due-at\` and come out of \`${name}.due\` when they are due. With the delayed-message plugin this is one exchange of the type x-delayed-message; without it, a fanout exchange and a queue \`${name}.delay.MS\` for each delay.`
      : `Leads to ${queues.map((queue) => `\`${queue.name}\``).join(', ')}.`;
    const exchange = { name, ...(isDelayed ? {} : { type: 'topic' }), durable: true, autoDelete: false };
    add(channel, {
      address: '{routingKey}',
      parameters: { routingKey: { enum: [...routingKeys], description: 'The routing key' } },
      title: `RabbitMQ ${isDelayed ? 'delayed exchange' : 'exchange'} ${name}`,
      summary,
      description,
      servers: [{ $ref: '#/servers/rabbitmq' }],
      messages: referTo(messages),
      bindings: { amqp: { is: 'routingKey', exchange, bindingVersion: '0.3.0' } },
    });
    for (const sender of senders) operate('send', { ...sender, channel });
  }
}

function addQueues(add: Add, operate: Operate): void {
  for (const { name, summary, bindings, deadLetterQueue, messages, consumer, senders } of queueFlows) {
    const channel = `queue.${name}`;
    const bound = bindings.map(({ exchange, routingKey }) => `\`${exchange}\` (${routingKey})`);
    const sentences = [
      ...(bound.length === 0 ? [] : [`Bound to ${bound.join(', ')}.`]),
      ...(deadLetterQueue === undefined ? [] : [`What is given up goes to \`${deadLetterQueue}\`.`]),
      'A quorum queue.',
    ];
    add(channel, {
      address: name,
      title: `RabbitMQ queue ${name}`,
      summary,
      description: sentences.join(' '),
      servers: [{ $ref: '#/servers/rabbitmq' }],
      messages: referTo(messages),
      bindings: {
        amqp: {
          is: 'queue',
          queue: { name, durable: true, exclusive: false, autoDelete: false },
          bindingVersion: '0.3.0',
        },
      },
    });
    for (const sender of senders) operate('send', { ...sender, channel });
    if (consumer !== undefined) operate('receive', { service: consumer, channel, messages });
  }
}

function messageOf(type: MessageType, example: unknown): AsyncApiMessage {
  const isQueued = Object.hasOwn(queueMessages, type);
  const kafka = { key: { type: 'string', description: 'The aggregate, as decimal digits' }, bindingVersion: '0.5.0' };
  const amqp = { messageType: type, bindingVersion: '0.3.0' };
  return {
    name: type,
    title: type,
    summary: summaryOf(type),
    contentType: 'application/json',
    headers: headersOf(type),
    payload: { $ref: `#/components/schemas/${type}` },
    ...(example === undefined ? {} : { examples: [{ name: type, payload: example }] }),
    bindings: isQueued ? { amqp } : { kafka },
  };
}

function referTo(types: readonly MessageType[]): Record<string, Ref> {
  return Object.fromEntries(types.map((type) => [type, { $ref: `#/components/messages/${type}` }]));
}

function typedKeys<T extends object>(object: T): (keyof T & string)[] {
  return Object.keys(object) as (keyof T & string)[];
}
