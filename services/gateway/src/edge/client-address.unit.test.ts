import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { addressBucket, clientAddress } from './client-address.ts';

function requestFrom(forwardedFor: string | undefined): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: '::ffff:192.0.2.1' });
  const req = new IncomingMessage(socket);
  if (forwardedFor !== undefined) req.headers['x-forwarded-for'] = forwardedFor;
  return req;
}

describe('the client’s address', () => {
  it('is the socket’s when no hop is trusted', () => {
    assert.equal(clientAddress(requestFrom('203.0.113.9'), 0), '192.0.2.1');
  });

  it('is what the outermost trusted hop saw', () => {
    assert.equal(clientAddress(requestFrom('6.6.6.6, 203.0.113.9'), 1), '203.0.113.9');
    assert.equal(clientAddress(requestFrom('6.6.6.6, 203.0.113.9, 10.0.0.1'), 2), '203.0.113.9');
    assert.equal(clientAddress(requestFrom('2001:DB8::1'), 1), '2001:db8::1');
  });

  it('is the socket’s when the hops did not say', () => {
    for (const header of [undefined, '', 'unknown', 'a, b', '203.0.113.9:80', '1.2.3.4, ']) {
      assert.equal(clientAddress(requestFrom(header), 1), '192.0.2.1', header);
    }
    assert.equal(clientAddress(requestFrom('203.0.113.9'), 2), '192.0.2.1');
  });

  it('counts as one client within an IPv6 network', () => {
    assert.equal(addressBucket('203.0.113.9'), '203.0.113.9');
    assert.equal(addressBucket('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
    assert.equal(addressBucket('2001:db8:1:2::9'), '2001:db8:1:2::/64');
    assert.equal(addressBucket('2001:db8::9'), '2001:db8:0:0::/64');
    assert.equal(addressBucket('2001:0db8::9'), '2001:db8:0:0::/64');
    assert.equal(addressBucket('fe80::1%eth0'), 'fe80:0:0:0::/64');
    assert.equal(addressBucket('64:ff9b::203.0.113.9'), '64:ff9b:0:0::/64');
    assert.equal(addressBucket('::1'), '0:0:0:0::/64');
  });
});
