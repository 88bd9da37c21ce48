import { servers } from './servers.ts';
import { testName } from './test-name.ts';

export type TestSearchIndex = {
  /** Of OpenSearch. */
  readonly url: string;
  /** What stands in front of the names of this test's indices and aliases. */
  readonly prefix: string;
  /** Asks OpenSearch; resolves with the answer's JSON, whatever its status. */
  request(method: string, path: string, body?: object): Promise<unknown>;
  /** Removes every index with the prefix. */
  drop(): Promise<void>;
};

/** Room for one test file's indices in the shared OpenSearch. */
export function testSearchIndex(label: string): TestSearchIndex {
  const { url } = servers().openSearch;
  const prefix = `${testName(label)}-`;
  async function request(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(new URL(path, url), {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return await response.json();
  }
  return {
    url,
    prefix,
    request,
    async drop() {
      await request('DELETE', `/${prefix}*?expand_wildcards=all`);
    },
  };
}
