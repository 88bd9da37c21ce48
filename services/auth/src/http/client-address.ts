import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * Where a request comes from. The gateway replaces X-Forwarded-For by the one address that it has seen and lets nobody else's
 * through; whatever else stands there is ignored in favour of the connection's.
 */
export function clientAddress(req: IncomingMessage): string {
  const forwarded = req.headers['x-forwarded-for'];
  const address = typeof forwarded === 'string' && isIP(forwarded) !== 0 ? forwarded : req.socket.remoteAddress;
  return address ?? '';
}
