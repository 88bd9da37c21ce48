import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { connectionOptions } from './request-headers.ts';

const STRIPPED: ReadonlySet<string> = new Set([
  'connection',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'server',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-powered-by',
]);
const STRIPPED_PREFIXES = ['access-control-', 'x-forwarded-', 'x-internal-'];
const MAX_REMEMBERED_NAMES = 1_000;
const remembered = new Map<string, boolean>();

/**
 * Copies a service's response headers to the answer. What the gateway has set already wins: the service's opinion on CORS, security
 * headers and ids does not count. `Vary` is the one that both have a part in.
 */
export function copyResponseHeaders(
  headers: IncomingHttpHeaders,
  res: ServerResponse,
  rewriteLocation: (location: string) => string,
): void {
  const named = connectionOptions(headers.connection?.toLowerCase());
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || isStripped(name) || named?.has(name)) continue;
    if (name === 'vary') res.appendHeader(name, value);
    else if (name === 'location' && typeof value === 'string') res.setHeader(name, rewriteLocation(value));
    else if (!res.hasHeader(name)) res.setHeader(name, value);
  }
}

function isStripped(name: string): boolean {
  const known = remembered.get(name);
  if (known !== undefined) return known;
  const stripped = STRIPPED.has(name) || STRIPPED_PREFIXES.some((prefix) => name.startsWith(prefix));
  if (remembered.size < MAX_REMEMBERED_NAMES) remembered.set(name, stripped);
  return stripped;
}
