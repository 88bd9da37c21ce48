import type { AsyncApiDocument, AsyncApiMessage, AsyncApiOperation } from '@punctual/contracts';
import { textPage } from './docs-layout.ts';
import { code, details, escaped, type Html, prose, table } from './html.ts';
import { type Field, formsOf, type Schema } from './schema-fields.ts';

/**
 * The page of events and queues, from their AsyncAPI document: a table of the channels, then each message with its fields and an
 * example. `base` is the path of the documentation, such as `/api/v1/docs`.
 */
export function eventsPage(document: AsyncApiDocument, base: string): Html {
  const messages = Object.values(document.components.messages);
  const content = [
    `<h1>${escaped(document.info.title)}</h1>`,
    `<p>${prose(document.info.description)}</p>`,
    '<h2>Topics, exchanges and queues</h2>',
    channelTable(document),
    '<h2>Messages</h2>',
    ...messages.map((message) => messageSection(document, message)),
  ];
  const raw = [{ href: `${base.replace(/\/docs$/, '')}/asyncapi.json`, name: 'AsyncAPI document' }];
  return textPage({ base, current: '/events', title: document.info.title, raw }, content.join('\n    '));
}

function channelTable(document: AsyncApiDocument): Html {
  const rows = Object.entries(document.channels).map(([id, channel]) => {
    const messages = Object.keys(channel.messages).map((type) => `<a href="#${escaped(type)}">${escaped(type)}</a>`);
    const about = [`<b>${escaped(channel.title)}</b>`, prose(channel.summary), prose(channel.description ?? '')];
    // An exchange is read by whoever reads the queues that it leads to, which its description names.
    const readers = id.startsWith('exchange.') ? '' : servicesOf(document, 'receive', id);
    const cells = [about.join('<br>'), servicesOf(document, 'send', id), readers];
    return [...cells, messages.join(', ')];
  });
  return table(['what', 'written by', 'read by', 'messages'], rows);
}

function messageSection(document: AsyncApiDocument, message: AsyncApiMessage): Html {
  const { name: type, summary, headers, examples } = message;
  const channels = Object.entries(document.channels).filter(([, channel]) => Object.hasOwn(channel.messages, type));
  // Where it appears first is where it begins; what is sent on after a failure comes later.
  const writers = servicesOf(document, 'send', channels[0]?.[0], type);
  const readers = servicesOf(document, 'receive', undefined, type);
  const schema: Schema = document.components.schemas[type] ?? {};
  return `<section id="${escaped(type)}">
      <h3>${escaped(type)}</h3>
      <p>${prose(summary)}</p>
      <p class="who">${channels.map(([, { title }]) => escaped(title)).join(' · ')}. Written by ${writers}, read by ${readers}.</p>
      ${formsOf(schema).map(fieldTable).join('\n      <p>Older messages have this form, which is still read:</p>\n      ')}
      ${(examples ?? []).map(({ payload }) => details('Example', `<pre>${escaped(JSON.stringify(payload, null, 2))}</pre>`)).join('')}
      ${details('Headers', formsOf(headers).map(fieldTable).join(''))}
    </section>`;
}

/** The services that do so to a channel, or to a message on any channel; "nobody" when there is none. */
function servicesOf(
  document: AsyncApiDocument,
  action: AsyncApiOperation['action'],
  channel: string | undefined,
  type?: string,
): Html {
  const services = Object.values(document.operations)
    .filter((operation) => operation.action === action)
    .filter((operation) => channel === undefined || operation.channel.$ref === `#/channels/${channel}`)
    .filter(({ messages }) => type === undefined || messages.some(({ $ref }) => $ref.endsWith(`/messages/${type}`)))
    .flatMap(({ tags }) => tags.map(({ name }) => name));
  return escaped([...new Set(services)].join(', ') || 'nobody');
}

function fieldTable(fields: readonly Field[]): Html {
  const rows = fields.map(({ path, type, isRequired, note }) => [
    code(path),
    escaped(type),
    isRequired ? 'always' : 'may be missing',
    escaped(note),
  ]);
  return table(['field', 'type', 'there', 'note'], rows);
}
