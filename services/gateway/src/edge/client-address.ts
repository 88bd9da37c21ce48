import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4 } from 'node:net';

const IPV4_IN_IPV6 = '::ffff:';
const IPV6_GROUPS = 8;
/** A customer's connection is given at least this much of IPv6, so that its single addresses say nothing. */
const NETWORK_GROUPS = 4;

/**
 * The client's address. Each trusted hop appends what it saw to X-Forwarded-For, so of `trustedHops` entries from the right the
 * leftmost is the client; whatever stands further left was sent by the client and is ignored. 0 takes the socket's address.
 */
export function clientAddress(req: IncomingMessage, trustedHops: number): string {
  const seen = plainAddress(req.socket.remoteAddress ?? '');
  const header = req.headers['x-forwarded-for'];
  if (trustedHops === 0 || typeof header !== 'string') return seen;
  const entries = header.split(',');
  const entry = plainAddress((entries.at(-trustedHops) ?? '').trim());
  return isIP(entry) === 0 ? seen : entry;
}

/** What requests of one client have in common: the IPv4 address, or the /64 network of an IPv6 address. */
export function addressBucket(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('%', 1).join('').split('::');
  const leading = groups(head);
  const trailing = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: Math.max(0, IPV6_GROUPS - leading.length - trailing.length) }, () => '0');
  const network = [...leading, ...zeros, ...trailing].slice(0, NETWORK_GROUPS);
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

function groups(text: string): string[] {
  return text === '' ? [] : text.split(':').flatMap((group) => (isIPv4(group) ? ['0', '0'] : [group]));
}

function plainAddress(address: string): string {
  const lower = address.toLowerCase();
  return lower.startsWith(IPV4_IN_IPV6) && isIPv4(lower.slice(IPV4_IN_IPV6.length))
    ? lower.slice(IPV4_IN_IPV6.length)
    : lower;
}
