import type { IncomingHttpHeaders } from 'node:http';

/**
 * What of a client's headers reaches a service. Two kinds must not: those that speak of this connection only, and those by which
 * somebody further in might take a claim for a fact (who the user is, where the request came from, what it really asks).
 */

/** The gateway sets these itself, from what it knows. */
export type GatewayHeaders = {
  clientAddress: string;
  /** `http` or `https`, as clients see it. */
  publicProtocol: string;
  publicHost: string;
  /** Public address and mount: services build links on it. */
  publicBase: string;
  requestId: string;
  correlationId: string;
  traceparent: string;
};

const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // The length that is sent is the length of what is sent.
  'content-length',
]);
const REPLACED_HEADERS: ReadonlySet<string> = new Set([
  'forwarded',
  'traceparent',
  'x-correlation-id',
  'x-request-id',
  'x-real-ip',
]);
const CLAIM =
  /^(?:proxy-|remote-|ssl-|x-(?:account|admin|amzn-oidc|auth|claim|client|consumer|credential|customer|email|forwarded|group|http-method|identity|internal|jwt|method-override|ms-client|original|permission|principal|real|remote|rewrite|role|scope|ssl|sub$|subject|tenant|uid$|user|verified))/;
const MAX_REMEMBERED_NAMES = 1_000;
const remembered = new Map<string, boolean>();

/** The headers of the request to the service, as a flat list of names and values. `headers` are Node's, names in lower case. */
export function requestHeaders(headers: IncomingHttpHeaders, own: GatewayHeaders): string[] {
  const result = [
    'x-forwarded-for',
    own.clientAddress,
    'x-forwarded-proto',
    own.publicProtocol,
    'x-forwarded-host',
    own.publicHost,
    'x-forwarded-base',
    own.publicBase,
    'x-request-id',
    own.requestId,
    'x-correlation-id',
    own.correlationId,
    'traceparent',
    own.traceparent,
  ];
  const named = connectionOptions(headers.connection);
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || isStripped(name) || named?.has(name)) continue;
    // Node joins what may be repeated; only set-cookie, which no request has, stays a list.
    result.push(name, typeof value === 'string' ? value : value.join(', '));
  }
  return result;
}

/** Whether a request header of this name, in lower case, stays outside. */
export function isStripped(name: string): boolean {
  const known = remembered.get(name);
  if (known !== undefined) return known;
  const stripped =
    CONNECTION_HEADERS.has(name) ||
    REPLACED_HEADERS.has(name) ||
    // Some frameworks read X_User_Id and X-User-Id alike.
    name.includes('_') ||
    CLAIM.test(name);
  if (remembered.size < MAX_REMEMBERED_NAMES) remembered.set(name, stripped);
  return stripped;
}

/** The header names that a Connection header declares to be for this hop only. */
export function connectionOptions(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  return new Set(connection.split(',').map((option) => option.trim().toLowerCase()));
}
