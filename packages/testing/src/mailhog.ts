import type { Mail } from './mail.ts';

type Headers = Record<string, string[]>;
type Path = { Mailbox: string; Domain: string };
type Part = { Headers: Headers; Body: string; MIME: { Parts: Part[] } | null };
type Item = {
  ID: string;
  From: Path;
  To: Path[];
  Content: { Headers: Headers; Body: string };
  MIME: { Parts: Part[] } | null;
};

/** MailHog keeps the message as it came over the wire, newest first: transfer encodings and encoded words are undone here. */
export function listMailHog({ items }: { items: Item[] }): Mail[] {
  return items.map(toMail).reverse();
}

function toMail({ ID, From, To, Content, MIME }: Item): Mail {
  const bodies = leaves({ Headers: Content.Headers, Body: Content.Body, MIME });
  const bodyOf = (type: string): string => bodies.find((body) => body.type.startsWith(type))?.content ?? '';
  const headers = Object.fromEntries(
    Object.entries(Content.Headers).map(([name, values]) => [name.toLowerCase(), decodeWords(values.join(', '))]),
  );
  return {
    id: ID,
    from: address(From),
    to: To.map(address),
    subject: headers.subject ?? '',
    html: bodyOf('text/html'),
    text: bodyOf('text/plain'),
    headers,
  };
}

function address({ Mailbox, Domain }: Path): string {
  return `${Mailbox}@${Domain}`;
}

function leaves({ Headers, Body, MIME }: Part): { type: string; content: string }[] {
  if (MIME !== null && MIME.Parts.length > 0) return MIME.Parts.flatMap(leaves);
  const type = header(Headers, 'content-type') || 'text/plain';
  return [
    { type: type.toLowerCase(), content: decodeBody(Body, header(Headers, 'content-transfer-encoding').toLowerCase()) },
  ];
}

function header(headers: Headers, name: string): string {
  return Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1][0] ?? '';
}

function decodeBody(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  return encoding === 'quoted-printable' ? decodeQuotedPrintable(body.replace(/=\r?\n/g, '')) : body;
}

function decodeWords(value: string): string {
  return value
    .replace(/(\?=)\s+(=\?)/g, '$1$2')
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_word, kind: string, encoded: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(encoded, 'base64').toString('utf8')
        : decodeQuotedPrintable(encoded.replaceAll('_', ' ')),
    );
}

function decodeQuotedPrintable(encoded: string): string {
  const bytes = encoded.replace(/=([0-9a-f]{2})/gi, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
