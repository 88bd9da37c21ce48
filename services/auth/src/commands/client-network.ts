import { isIP, isIPv4 } from 'node:net';

const IPV4_IN_IPV6 = '::ffff:';
const IPV6_GROUPS = 8;
const NETWORK_GROUPS = 4;

/**
 * What throttles take for one client: the IPv4 address, or the /64 network of an IPv6 address, since a connection is given at
 * least that many.
 */
export function clientNetwork(clientAddress: string): string {
  const address = clientAddress.toLowerCase();
  const embedded = address.startsWith(IPV4_IN_IPV6) ? address.slice(IPV4_IN_IPV6.length) : '';
  if (isIPv4(embedded)) return embedded;
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
