import { setTimeout as delay } from 'node:timers/promises';
import { type LoadResult, openLoop } from '../load/open-loop.ts';
import { type Bench, shareOfErrors } from '../step.ts';
import { CATALOG_SIZE, seedCatalog } from './product-search.ts';
import type { Fact, Finding } from './workload.ts';

const RATE = 50;
/** What OpenSearch has to keep at that rate, once it is warm. */
const TARGET_P99_MS = 50;
const WARM_UP_SECONDS = 30;
/** A server that has just started compiles its code while it runs; it is given so long to keep up with the rate. */
const WARM_WITHIN_MS = 300_000;
const WRITE_PAUSE_MS = 200;
const SEARCH_PAUSE_MS = 20;
const ANSWERS_WITHIN_MS = 120_000;
const POLL_MS = 250;
const WORDS = ['lamp', 'desk', 'chair', 'shelf', 'stool', 'steel', 'oak', 'room', 'brushed', 'oiled'];

/** Paths by kind; `n` varies the words, which are those of `seedCatalog`. */
const KINDS: Readonly<Record<string, (n: number) => string>> = {
  'common word': (n) => `/products/search?q=${word(n)}`,
  'two words': (n) => `/products/search?q=${word(n)}+series${n % 100}`,
  'word with a typing error': (n) => `/products/search?q=${misspelt(word(n), n)}`,
  'word in one product': (n) => `/products/search?q=unique${(n * 7919) % 100_000}x`,
  'in stock, price range, by price': (n) =>
    `/products/search?q=${word(n)}&in_stock=true&min_price=${100 + (n % 400)}&sort=-price`,
  'no word': (n) => `/products/search?sort=name&page=${1 + (n % 50)}`,
  suggestion: (n) => `/products/suggest?q=${word(n).slice(0, 2 + (n % 3))}`,
};

/** The same searches by OpenSearch and by the fallback, and a reindex under writes and searches. */
export async function catalogSearch(bench: Bench): Promise<Finding> {
  const { stack, say } = bench;
  await stack.useServers('full');
  try {
    await seedCatalog(bench, Math.ceil(CATALOG_SIZE * bench.size));
    const builtInMs = await timed(() => stack.command('run', 'product', '--', 'reindex'));
    say(`indexed in ${(builtInMs / 1_000).toFixed(1)} s`);
    const openSearch = await measure(bench, 'opensearch');
    await stack.command('stop', 'opensearch');
    const postgres = await measure(bench, 'postgres');
    await stack.command('start', 'opensearch');
    await untilAnsweredBy(bench, 'opensearch');
    const rebuilt = await reindexUnderLoad(bench);
    return {
      facts: [
        { name: 'searches per second', value: RATE },
        ...openSearch.facts,
        ...postgres.facts,
        { name: 'reindex, nothing else going on', value: builtInMs / 1_000, unit: 's' },
        ...rebuilt.facts,
      ],
      problems: [...openSearch.problems, ...postgres.problems, ...rebuilt.problems],
    };
  } finally {
    await stack.useServers('core');
  }
}

type Engine = 'opensearch' | 'postgres';

async function measure(bench: Bench, engine: Engine): Promise<{ facts: Fact[]; problems: string[] }> {
  await untilAnsweredBy(bench, engine);
  const warmInMs = await timed(() => untilWarm(bench, engine));
  const { result, others } = await loadOf(bench, engine, bench.seconds);
  const text = ({ p50Ms, p99Ms }: { p50Ms: number; p99Ms: number }) =>
    `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
  bench.say(`${engine}, ${RATE} searches/s: ${text(result.accepted)}; ${others} answered by the other`);
  const errors = shareOfErrors(result);
  const { p99Ms } = result.accepted;
  const isSlow = engine === 'opensearch' && p99Ms >= TARGET_P99_MS;
  return {
    facts: [
      { name: `${engine}: all kinds`, value: text(result.accepted) },
      ...Object.entries(result.byKind).map(([kind, { accepted }]) => ({
        name: `${engine}: ${kind}`,
        value: text(accepted),
      })),
      { name: `${engine}: answered by the other`, value: others },
      { name: `${engine}: under that load, until it answers all of it`, value: warmInMs / 1_000, unit: 's' },
    ],
    problems: [
      ...(errors === 0 ? [] : [`searches failed: ${JSON.stringify(result.byStatus)}`]),
      ...(isSlow ? [`${engine}: p99 is ${p99Ms.toFixed(1)} ms, not below ${TARGET_P99_MS}`] : []),
    ],
  };
}

/** Loads until the engine has answered everything for half a minute by itself. */
async function untilWarm(bench: Bench, engine: Engine): Promise<void> {
  const deadlineMs = performance.now() + WARM_WITHIN_MS;
  for (;;) {
    const { others } = await loadOf(bench, engine, WARM_UP_SECONDS);
    if (others === 0) return;
    if (performance.now() > deadlineMs) throw new Error(`${engine} does not keep up with ${RATE} searches per second`);
    bench.say(`${engine} is not warm: ${others} of ${RATE * WARM_UP_SECONDS} searches were answered by the other`);
  }
}

async function loadOf(bench: Bench, engine: Engine, seconds: number): Promise<{ result: LoadResult; others: number }> {
  const before = await searchesBy(bench);
  const result = await load(bench, seconds);
  const others = Object.entries(await searchesBy(bench))
    .filter(([name]) => name !== engine)
    .reduce((sum, [name, count]) => sum + count - (before[name] ?? 0), 0);
  return { result, others };
}

function load({ stack, connections, signal }: Bench, seconds: number): Promise<LoadResult> {
  const kinds = Object.entries(KINDS);
  return openLoop({
    url: stack.settings.GATEWAY_URL,
    pace: { ratePerSecond: RATE, seconds },
    connections,
    signal,
    next(n) {
      const [kind = '', path = word] = kinds[n % kinds.length] ?? [];
      return { kind, text: `GET ${path(n)} HTTP/1.1\r\nhost: bench\r\n\r\n` };
    },
  });
}

/** Products change and are searched for while the index is built anew. */
async function reindexUnderLoad(bench: Bench): Promise<{ facts: Fact[]; problems: string[] }> {
  const { stack, say, signal } = bench;
  const { GATEWAY_URL } = stack.settings;
  const authorization = await adminToken(GATEWAY_URL);
  const ids = await bench.state.products<{ id: number }>(
    'SELECT id::int AS id FROM products WHERE deleted_at IS NULL ORDER BY random() LIMIT 1000',
  );
  const counts = { writes: 0, failedWrites: 0, searches: 0, failed: 0, empty: 0, postgres: 0 };
  let running = true;
  const write = async (): Promise<void> => {
    for (let n = 0; running; n += 1) {
      const response = await fetch(`${GATEWAY_URL}/products/${ids[n % ids.length]?.id}/stock`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ change: 1, reason: 'bench' }),
        signal,
      });
      await response.arrayBuffer();
      if (response.status === 200) counts.writes += 1;
      else counts.failedWrites += 1;
      await delay(WRITE_PAUSE_MS);
    }
  };
  const search = async (): Promise<void> => {
    for (let n = 0; running; n += 1) {
      const response = await fetch(`${GATEWAY_URL}/products/search?q=${misspelt(word(n), n)}`, { signal });
      const { data } = (await response.json()) as { data?: unknown[] };
      counts.searches += 1;
      if (response.status !== 200) counts.failed += 1;
      else if (data?.length === 0) counts.empty += 1;
      if (response.headers.get('search-engine') === 'postgres') counts.postgres += 1;
      await delay(SEARCH_PAUSE_MS);
    }
  };
  const others = Promise.all([write(), search()]);
  let tookMs: number;
  try {
    tookMs = await timed(() => stack.command('run', 'product', '--', 'reindex'));
  } finally {
    running = false;
    await others;
  }
  // Fails when the checksums differ.
  await stack.command('run', 'product', '--', 'reindex', '--check');
  say(`reindexed in ${(tookMs / 1_000).toFixed(1)} s under load: ${JSON.stringify(counts)}; checksums are equal`);
  const failures = counts.failed + counts.empty + counts.failedWrites;
  return {
    facts: [
      { name: 'reindex under writes and searches', value: tookMs / 1_000, unit: 's' },
      { name: 'meanwhile: changes of stock', value: counts.writes },
      { name: 'meanwhile: searches', value: counts.searches },
      { name: 'meanwhile: failed, empty, by Postgres', value: `${counts.failed}, ${counts.empty}, ${counts.postgres}` },
      { name: 'checksums of Postgres and of the index', value: 'equal' },
    ],
    problems: failures === 0 ? [] : [`while the index was built anew: ${JSON.stringify(counts)}`],
  };
}

async function untilAnsweredBy({ stack, signal }: Bench, engine: Engine): Promise<void> {
  const deadlineMs = performance.now() + ANSWERS_WITHIN_MS;
  for (;;) {
    const response = await fetch(`${stack.settings.GATEWAY_URL}/products/search?q=desk`, { signal });
    await response.arrayBuffer();
    if (response.headers.get('search-engine') === engine) return;
    if (performance.now() > deadlineMs) throw new Error(`searches are not answered by ${engine}`);
    await delay(POLL_MS);
  }
}

/** How many searches each engine has answered so far, by the product service's own count. */
async function searchesBy({ stack }: Bench): Promise<Record<string, number>> {
  const text = await (await fetch(`${stack.settings.PRODUCT_URL}/metrics`)).text();
  const found = text.matchAll(/^catalog_searches_total\{engine="(\w+)"[^}]*\} (\d+)/gm);
  return Object.fromEntries([...found].map(([, engine = '', count]) => [engine, Number(count)]));
}

async function adminToken(gatewayUrl: string): Promise<string> {
  const response = await fetch(`${gatewayUrl}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'admin@punctual.test', password: 'punctual-admin' }),
  });
  const { data } = (await response.json()) as { data: { access_token: string } };
  return `Bearer ${data.access_token}`;
}

function word(n: number): string {
  return WORDS[n % WORDS.length] ?? 'lamp';
}

/** Two letters in the middle change places. */
function misspelt(text: string, n: number): string {
  const at = 1 + (n % Math.max(1, text.length - 2));
  return `${text.slice(0, at)}${text[at + 1] ?? ''}${text[at]}${text.slice(at + 2)}`;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}
