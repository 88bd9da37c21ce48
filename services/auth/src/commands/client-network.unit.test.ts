import assert from 'node:assert/strict';
import { clientNetwork } from './client-network.ts';

describe('clientNetwork', () => {
  const cases: [string, string, string][] = [
    ['takes an IPv4 address as it is', '203.0.113.7', '203.0.113.7'],
    ['takes IPv4 in IPv6 for what it is', '::FFFF:203.0.113.7', '203.0.113.7'],
    ['takes an IPv6 network for one client', '2001:DB8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['expands zeros', '2001:db8::1', '2001:db8:0:0::/64'],
    ['leaves out the zone', 'fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['takes no address for a client of its own', '', ''],
  ];
  for (const [name, address, network] of cases) {
    it(name, () => assert.equal(clientNetwork(address), network));
  }
});
