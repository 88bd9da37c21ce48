import { request } from 'node:http';

/** The values that supervisord's XML-RPC interface speaks. */
export type RpcValue = string | number | boolean | RpcValue[] | { [name: string]: RpcValue };

export class RpcFault extends Error {
  readonly faultCode: number;

  constructor(faultCode: number, message: string) {
    super(message);
    this.name = 'RpcFault';
    this.faultCode = faultCode;
  }
}

/** Calls one method over a unix socket. Rejects with RpcFault for a fault, with the socket's error when nobody listens. */
export function callRpc(socketPath: string, method: string, args: RpcValue[], timeoutMs: number): Promise<RpcValue> {
  const body = `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params>${args
    .map((arg) => `<param>${toXml(arg)}</param>`)
    .join('')}</params></methodCall>`;
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath, path: '/RPC2', method: 'POST', headers: { 'content-type': 'text/xml' }, timeout: timeoutMs },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () => {
          try {
            resolve(parseResponse(text));
          } catch (error) {
            reject(error);
          }
        });
      },
    );
    call.on('timeout', () => call.destroy(new Error(`supervisord did not answer ${method} within ${timeoutMs} ms`)));
    call.on('error', reject);
    call.end(body);
  });
}

export function toXml(value: RpcValue): string {
  if (typeof value === 'string') return `<value><string>${escapeXml(value)}</string></value>`;
  if (typeof value === 'number') return `<value><int>${value}</int></value>`;
  if (typeof value === 'boolean') return `<value><boolean>${value ? 1 : 0}</boolean></value>`;
  if (Array.isArray(value)) return `<value><array><data>${value.map(toXml).join('')}</data></array></value>`;
  const members = Object.entries(value).map(
    ([name, member]) => `<member><name>${escapeXml(name)}</name>${toXml(member)}</member>`,
  );
  return `<value><struct>${members.join('')}</struct></value>`;
}

export function parseResponse(xml: string): RpcValue {
  const tokens: string[] = xml.match(/<[^>]+>|[^<]+/g) ?? [];
  const start = tokens.indexOf('<value>');
  if (start < 0) throw new Error(`supervisord answered something else than XML-RPC: ${xml.slice(0, 200)}`);
  const { value } = parseValue(tokens, start);
  if (tokens.includes('<fault>') && typeof value === 'object' && !Array.isArray(value)) {
    throw new RpcFault(Number(value.faultCode), String(value.faultString));
  }
  return value;
}

/** Reads one <value>…</value> that opens at `position`; whitespace between elements means nothing. */
function parseValue(tokens: string[], position: number): { value: RpcValue; next: number } {
  let next = skipBlank(tokens, position + 1);
  const kind = tokens[next] ?? '';
  let value: RpcValue;
  if (kind === '<array>') {
    next = skipBlank(tokens, skipBlank(tokens, next + 1) + 1);
    const items: RpcValue[] = [];
    while (tokens[next] === '<value>') {
      const item = parseValue(tokens, next);
      items.push(item.value);
      next = skipBlank(tokens, item.next);
    }
    value = items;
    next = skipBlank(tokens, skipBlank(tokens, next + 1) + 1);
  } else if (kind === '<struct>') {
    const members: [string, RpcValue][] = [];
    next = skipBlank(tokens, next + 1);
    while (tokens[next] === '<member>') {
      const name = skipBlank(tokens, next + 1) + 1;
      const member = parseValue(tokens, skipBlank(tokens, name + 2));
      members.push([unescapeXml(tokens[name] ?? ''), member.value]);
      next = skipBlank(tokens, skipBlank(tokens, member.next) + 1);
    }
    value = Object.fromEntries(members);
    next = skipBlank(tokens, next + 1);
  } else if (kind.startsWith('<') && kind !== '</value>') {
    const text = tokens[next + 1] ?? '';
    const isEmpty = text.startsWith('<');
    value = parseScalar(kind, isEmpty ? '' : unescapeXml(text));
    next = skipBlank(tokens, next + (kind.endsWith('/>') ? 1 : isEmpty ? 2 : 3));
  } else {
    value = kind === '</value>' ? '' : unescapeXml(kind);
    next = kind === '</value>' ? next : next + 1;
  }
  return { value, next: next + 1 };
}

function parseScalar(kind: string, text: string): RpcValue {
  if (kind === '<int>' || kind === '<i4>' || kind === '<double>') return Number(text);
  if (kind === '<boolean>') return text.trim() === '1';
  return text;
}

function skipBlank(tokens: string[], position: number): number {
  return tokens[position]?.trim() === '' ? position + 1 : position;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function unescapeXml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}
