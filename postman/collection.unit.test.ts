import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { authApi, orderApi, paymentApi, productApi, userApi } from '@punctual/contracts';
import { type Collection, requestsOf } from './collection.ts';

const PLATFORM_PATHS = [
  '/health',
  '/health/live',
  '/health/ready',
  '/metrics',
  '/docs',
  '/docs/events',
  '/docs/schema.graphql',
  '/graphql',
  '/openapi.json',
  '/asyncapi.json',
];

const collection = JSON.parse(
  readFileSync(new URL('punctual.postman_collection.json', import.meta.url), 'utf8'),
) as Collection;
const requests = requestsOf(collection).map(({ name, request }) => ({
  name,
  method: request.method,
  path: request.url.replace(/^\{\{base_url\}\}(\/api\/v1)?/, '').replace(/\?.*$/, ''),
}));

/** Whether a concrete path, variables of the collection included, is one of the contract's path. */
function isPathOf(pattern: string, path: string): boolean {
  const parts = path.split('/');
  const wanted = pattern.split('/');
  return (
    parts.length === wanted.length &&
    wanted.every(
      (part, index) =>
        part === parts[index] || (part.startsWith(':') && /^(\{\{\w+\}\}|\d+)$/.test(parts[index] ?? '')),
    )
  );
}

describe('the Postman collection', () => {
  for (const route of [
    ...authApi.authRoutes,
    ...userApi.userRoutes,
    ...productApi.productRoutes,
    ...orderApi.orderRoutes,
    ...paymentApi.paymentRoutes,
  ]) {
    for (const path of [route.path, ...(route.aliases ?? [])]) {
      it(`calls ${route.method.toUpperCase()} ${path}`, () => {
        const method = route.method.toUpperCase();
        assert.ok(requests.some((request) => request.method === method && isPathOf(path, request.path)));
      });
    }
  }

  it('calls what the gateway answers itself', () => {
    for (const path of PLATFORM_PATHS) {
      assert.ok(
        requests.some((request) => request.method === 'GET' && request.path === path),
        path,
      );
    }
  });

  it('names every request once, since a request that waits repeats itself by its name', () => {
    const names = requests.map((request) => request.name);
    assert.deepEqual([...new Set(names)], names);
  });
});
