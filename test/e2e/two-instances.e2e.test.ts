import assert from 'node:assert/strict';
import { setInterval } from 'node:timers/promises';
import { eventually } from '@punctual/testing';
import { newProduct, placedOrder, platformAt, servicesInNumbers, settings, shop, stack } from './platform.ts';

const CLIENTS = 8;
/** Each client asks so often: together well below the gateway's limit for one address. */
const ASK_EVERY_MS = 150;
const ROTATION_LIMIT_MS = 5_000;
/** Longer than a registration lives without etcd. */
const OUTAGE_MS = 8_000;
/** Of all requests that an instance must get at least: half of them is its due. */
const FAIR_SHARE = 0.35;

type Answered = { readonly sentAt: number; readonly status: number };
type SteadyReads = { readonly answers: Answered[]; stop(): Promise<Answered[]> };

describe('two instances of product', function () {
  this.timeout(240_000);
  let urls: string[];
  let path: string;
  let gatewayUrl: string;
  let load: SteadyReads | undefined;

  before(async () => {
    await platformAt(1);
    const instances = await servicesInNumbers({ product: 2 });
    urls = instances.product ?? [];
    gatewayUrl = instances.gateway?.[0] ?? '';
    assert.equal(urls.length, 2);
    path = `/products/${(await newProduct(1_000)).id}`;
  });
  afterEach(() => load?.stop());
  after(async () => {
    await servicesInNumbers({});
  });

  it('get a fair share of the requests each', async () => {
    const before = await Promise.all(urls.map(served));
    const reads = startReads();
    await eventually(() => assert.ok(reads.answers.length >= 200), { timeoutMs: 60_000 });
    assertAllAnswered(await reads.stop());
    const shares = (await Promise.all(urls.map(served))).map((count, index) => count - (before[index] ?? 0));
    const total = shares.reduce((sum, share) => sum + share, 0);
    for (const share of shares) assert.ok(share > total * FAIR_SHARE, `${shares.join(' and ')} requests`);
  });

  it('lose no request when one of them is killed, which is out of rotation within 5 s and in it again when it is back', async () => {
    const reads = startReads();
    await eventually(() => assert.ok(reads.answers.length >= 50), { timeoutMs: 60_000 });
    await stack('kill', 'product-2');
    const killedAt = performance.now();
    // So that it does not come back by itself.
    const stopped = stack('stop', 'product-2');
    await eventually(async () => assert.equal(await known(), 1), { timeoutMs: 15_000, intervalMs: 50 });
    const tookMs = performance.now() - killedAt;
    await stopped;
    assert.ok(tookMs < ROTATION_LIMIT_MS, `it took ${Math.round(tookMs)} ms`);

    await stack('start', 'product-2');
    await eventually(async () => assert.equal(await known(), 2), { timeoutMs: 30_000 });
    const before = await served(urls[1] ?? '');
    await eventually(async () => assert.ok((await served(urls[1] ?? '')) > before + 20), { timeoutMs: 30_000 });
    assertAllAnswered(await reads.stop());
  });

  it('go on serving, as all services do, while etcd is away, and are known when it is back', async () => {
    const customer = await shop.newCustomer();
    const reads = startReads();
    const stoppedAt = performance.now();
    await stack('stop', 'etcd');
    const product = await newProduct(10);
    await placedOrder(customer, [{ product_id: product.id, quantity: 1 }]);
    await eventually(() => assert.ok(performance.now() - stoppedAt > OUTAGE_MS), { timeoutMs: 60_000 });
    assert.equal(await known(), 2);
    await stack('start', 'etcd');
    await eventually(async () => assert.equal(await metric(gatewayUrl, /^etcd_connected\{.*\} (\d+)$/m), 1), {
      timeoutMs: 30_000,
    });
    assertAllAnswered(await reads.stop());
  });

  /** Ends with the test, whatever comes of it. */
  function startReads(): SteadyReads {
    const answers: Answered[] = [];
    let isOver = false;
    const running = Promise.all(Array.from({ length: CLIENTS }, readAgainAndAgain));
    const started: SteadyReads = {
      answers,
      async stop() {
        isOver = true;
        await running;
        return answers;
      },
    };
    load = started;
    return started;

    async function readAgainAndAgain(): Promise<void> {
      for await (const _ of setInterval(ASK_EVERY_MS)) {
        if (isOver) return;
        const sentAt = performance.now();
        const response = await fetch(settings.GATEWAY_URL + path);
        await response.arrayBuffer();
        answers.push({ sentAt, status: response.status });
      }
    }
  }

  /** A read can be asked of the other instance, so that not even those in flight may fail. */
  function assertAllAnswered(answers: readonly Answered[]): void {
    const failed = answers.filter(({ status }) => status !== 200);
    assert.deepEqual(failed, [], `${failed.length} of ${answers.length} requests failed`);
  }

  /** Instances that the gateway knows. */
  function known(): Promise<number> {
    return metric(gatewayUrl, /^discovery_instances\{dependency="product".*\} (\d+)$/m);
  }
});

/** Products that an instance has been asked for. */
function served(url: string): Promise<number> {
  return metric(url, /^http_request_duration_seconds_count\{.*route="\/products\/:id".*\} (\d+)$/m);
}

async function metric(url: string, pattern: RegExp): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(pattern.exec(text)?.[1] ?? 0);
}
