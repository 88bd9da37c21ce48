import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { clientAddress } from './client-address.ts';

function request(forwardedFor?: string): IncomingMessage {
  const req = new IncomingMessage(new Socket());
  Object.defineProperty(req.socket, 'remoteAddress', { value: '::ffff:10.0.0.9' });
  if (forwardedFor !== undefined) req.headers['x-forwarded-for'] = forwardedFor;
  return req;
}

describe('clientAddress', () => {
  const cases: [string, string | undefined, string][] = [
    ["takes the gateway's address", '203.0.113.7', '203.0.113.7'],
    ['takes an IPv6 address as well', '2001:db8::1', '2001:db8::1'],
    ['takes the connection without a header', undefined, '::ffff:10.0.0.9'],
    ['ignores a list, which the gateway does not send', '1.2.3.4, 5.6.7.8', '::ffff:10.0.0.9'],
    ['ignores what is no address', 'localhost', '::ffff:10.0.0.9'],
  ];
  for (const [name, header, address] of cases) {
    it(name, () => assert.equal(clientAddress(request(header)), address));
  }
});
