import { servers } from './servers.ts';
import { testName } from './test-name.ts';

export type TestVhost = {
  readonly name: string;
  readonly url: string;
  /** The base of the management API, such as `http://127.0.0.1:15672`. */
  readonly managementUrl: string;
  /** Asks the management API: `api('GET', `queues/${vhost.name}`)`; throws unless it answers 2xx. */
  api(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Takes away all that is in it, as if the broker had lost its data; connections to it are closed. */
  wipe(): Promise<void>;
  /** Removes the vhost with everything in it; connections to it are closed by the broker. */
  drop(): Promise<void>;
};

/** Creates a RabbitMQ vhost of the test's own. */
export async function testVhost(label: string): Promise<TestVhost> {
  const { rabbit } = servers();
  const name = testName(label);
  const create = async (): Promise<void> => {
    await callManagement('PUT', `vhosts/${name}`, {});
    const all = { configure: '.*', write: '.*', read: '.*' };
    await callManagement('PUT', `permissions/${name}/${encodeURIComponent(rabbit.user)}`, all);
  };
  const drop = async (): Promise<void> => {
    await callManagement('DELETE', `vhosts/${name}`);
  };
  await create();
  const url = new URL(rabbit.url);
  url.pathname = `/${name}`;
  return {
    name,
    url: url.href,
    managementUrl: rabbit.managementUrl,
    api: callManagement,
    async wipe() {
      await drop();
      await create();
    },
    drop,
  };
}

async function callManagement(method: string, path: string, body?: unknown): Promise<unknown> {
  const { managementUrl, user, password } = servers().rabbit;
  const response = await requestOrExplain(new URL(`/api/${path}`, managementUrl), {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`RabbitMQ management answered ${response.status} to ${method} ${path}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function requestOrExplain(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw new Error(`no RabbitMQ management at ${url.host}: \`make test\` starts the test stack's servers`, {
      cause: error,
    });
  }
}
