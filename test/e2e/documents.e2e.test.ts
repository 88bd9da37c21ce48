import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_NAMES, type ApiName, serviceApis } from '@punctual/contracts';
import { settings } from './platform.ts';

const PROTO = join(import.meta.dirname, '../../packages/contracts/proto');
const URLS: Readonly<Record<ApiName, string>> = {
  auth: settings.AUTH_URL,
  product: settings.PRODUCT_URL,
  order: settings.ORDER_URL,
  payment: settings.PAYMENT_URL,
};

type Document = { info: { title: string }; paths: Record<string, object> };

describe('the documents of the running services', () => {
  for (const name of API_NAMES) {
    it(`${name} serves its own OpenAPI document and its .proto files, with what they import`, async () => {
      const document = (await (await fetch(`${URLS[name]}/openapi.json`)).json()) as Document;
      assert.equal(document.info.title, `Punctual ${name}`);
      for (const { path } of serviceApis[name].routes) {
        assert.ok(document.paths[path.replaceAll(/:(\w+)/g, '{$1}')], path);
      }
      for (const proto of serviceApis[name].protos) {
        const text = readFileSync(join(PROTO, `${proto}.proto`), 'utf8');
        const response = await fetch(`${URLS[name]}/docs/${proto}.proto`);
        assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'text/plain; charset=utf-8']);
        assert.equal(await response.text(), text);
        const imported = [...text.matchAll(/^import "([a-z]+)\.proto";$/gm)].map(([, file]) => file);
        for (const file of imported)
          assert.ok(
            serviceApis[name].protos.some((known) => known === file),
            file,
          );
      }
    });
  }

  it('are merged at the gateway', async () => {
    const merged = (await (await fetch(`${settings.GATEWAY_URL}/openapi.json`)).json()) as Document;
    for (const name of API_NAMES) {
      const { paths } = (await (await fetch(`${URLS[name]}/openapi.json`)).json()) as Document;
      for (const path of Object.keys(paths).filter((each) => !each.startsWith('/docs/')))
        assert.ok(merged.paths[path], path);
    }
  });
});
