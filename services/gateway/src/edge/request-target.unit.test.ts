import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseRequestTarget } from './request-target.ts';

describe('a request target', () => {
  it('is split into mount, path, segments and query', () => {
    assert.deepEqual(parseRequestTarget('/orders/5?page=2&q=a%20b'), {
      mount: '',
      path: '/orders/5',
      segments: ['orders', '5'],
      query: '?page=2&q=a%20b',
    });
    assert.deepEqual(parseRequestTarget('/api/v1/orders/'), {
      mount: '/api/v1',
      path: '/orders/',
      segments: ['orders'],
      query: '',
    });
    assert.deepEqual(parseRequestTarget('/api/v1')?.path, '/');
    assert.deepEqual(parseRequestTarget('/api/v10/orders')?.mount, '');
    assert.deepEqual(parseRequestTarget('/.well-known/jwks.json')?.segments, ['.well-known', 'jwks.json']);
  });

  it('is refused when it is not a plain path', () => {
    const odd = [
      '',
      '*',
      'orders',
      'http://a/orders',
      '//a/orders',
      '/orders//5',
      '/orders/.',
      '/orders/..',
      '/orders/../5',
      '/orders/%2e%2E/5',
      '/orders/.%2e/5',
      '/orders/..%2f5',
      '/orders/%5c5',
      '/orders\\5',
      '/orders/%00',
      '/orders/%0d%0a',
      '/orders/%7f',
      '/orders/%25',
      '/orders/%',
      '/orders/%g1',
      '/orders/%E0',
      '/orders/é',
      '/orders/ 5',
      '/orders/5#x',
      '/orders?a=#x',
      '/orders?a=é',
      `/${'x'.repeat(9_000)}`,
    ];
    for (const target of odd) assert.equal(parseRequestTarget(target), undefined, JSON.stringify(target));
  });

  it('keeps what may be encoded as it is', () => {
    assert.equal(parseRequestTarget('/products/caf%C3%A9')?.path, '/products/caf%C3%A9');
    assert.equal(parseRequestTarget('/products/..a')?.path, '/products/..a');
  });

  it('never leaves its prefix, whatever is sent', () => {
    const part = fc.constantFrom(
      '..',
      '.',
      '%2e',
      '%2E%2e',
      '%2f',
      '/',
      '%5C',
      '\\',
      'orders',
      '5',
      '%',
      '%00',
      ';',
      '%252e',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const target = parseRequestTarget(`/orders/${parts.join('')}`);
        if (target === undefined) return;
        // What a careless reader would make of it: decode, take backslashes for slashes, resolve.
        const careless = new URL(decodeURIComponent(target.path), 'http://a').pathname;
        assert.ok(careless.startsWith('/orders/'), careless);
      }),
    );
  });

  it('is read without throwing, whatever it is', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseRequestTarget(`/${text}`)));
  });
});
