import type { AsyncApiDocument, AsyncApiMessage, AsyncApiOperation } from '@punctual/contracts';
import { type Field, formsOf, type Schema } from './schema-fields.ts';

/** HTML that needs no more escaping. */
type Html = string;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): Html => text.replaceAll(/[&<>"]/g, (character) => ESCAPES[character] ?? '');
/** Text whose `code` is in backticks. */
const prose = (text: string): Html => escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
const code = (text: string): Html => `<code>${escaped(text)}</code>`;

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; color: #222; background: #fff }
  nav { margin-bottom: 1rem } nav a { margin-right: 1rem }
  h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc } h3 { margin: 2rem 0 .25rem } p { margin: .25rem 0 }
  table { border-collapse: collapse; width: 100%; margin: .5rem 0; font-size: .9rem }
  th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border: 1px solid #ddd } th { background: #f4f4f4 }
  code, pre { font: .85rem/1.4 ui-monospace, monospace } pre { background: #f4f4f4; padding: .75rem; overflow: auto }
  summary { cursor: pointer; color: #345 } .who { color: #555 }
  @media (prefers-color-scheme: dark) {
    body { background: #181a1b; color: #ddd } a { color: #8ab4f8 } th, pre { background: #26292b } th, td { border-color: #444 }
    summary, .who { color: #aab }
  }`;

/**
 * The page of events and queues, from their AsyncAPI document: a table of the channels, then each message with its fields and an
 * example. Plain HTML without a script, which loads nothing. `base` is the path of the documentation, such as `/api/v1/docs`.
 */
export function eventsPage(document: AsyncApiDocument, base: string): Html {
  const messages = Object.values(document.components.messages);
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escaped(document.info.title)}</title>
    <link rel="icon" type="image/png" href="${base}/favicon-32x32.png">
    <style>${STYLE}
    </style>
  </head>
  <body>
    <nav><a href="${base}">REST API</a><a href="${base.replace(/\/docs$/, '')}/asyncapi.json">AsyncAPI document</a></nav>
    <h1>${escaped(document.info.title)}</h1>
    <p>${prose(document.info.description)}</p>
    <h2>Topics, exchanges and queues</h2>
    ${channelTable(document)}
    <h2>Messages</h2>
    ${messages.map((message) => messageSection(document, message)).join('\n    ')}
  </body>
</html>
`;
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

function details(summary: string, content: Html): Html {
  return `<details><summary>${escaped(summary)}</summary>${content}</details>`;
}

function table(head: readonly string[], rows: readonly (readonly Html[])[]): Html {
  const cells = (tag: 'th' | 'td', texts: readonly Html[]) => texts.map((text) => `<${tag}>${text}</${tag}>`).join('');
  const body = rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('');
  return `<table><thead><tr>${cells('th', head)}</tr></thead><tbody>${body}</tbody></table>`;
}
