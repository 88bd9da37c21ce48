/**
 * Runs the tests of the Stripe provider against stripe-mock, in a lane of its own since it needs a Go toolchain:
 * `node test/stripe.ts`. stripe-mock is built once, into the user's cache folder.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '..');
const VERSION = 'v0.203.0';
const FOLDER = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'punctual', `stripe-mock-${VERSION}`);
const BINARY = join(FOLDER, 'stripe-mock');
const START_LIMIT_MS = 20_000;
const POLL_MS = 100;

process.exitCode = await main();

async function main(): Promise<number> {
  if (!existsSync(BINARY) && !build()) return 1;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const mock = spawn(BINARY, ['-http-addr', `127.0.0.1:${port}`], { stdio: 'ignore' });
  try {
    await answers(url, mock);
    const mocha = join(ROOT, 'node_modules/mocha/bin/mocha.js');
    const tests = spawn(process.execPath, [mocha, 'services/payment/test/stripe.lane.test.ts'], {
      cwd: ROOT,
      env: { ...process.env, STRIPE_MOCK_URL: url },
      stdio: 'inherit',
    });
    const [code] = (await once(tests, 'exit')) as [number | null];
    return code ?? 1;
  } finally {
    mock.kill();
  }
}

function build(): boolean {
  mkdirSync(FOLDER, { recursive: true });
  console.log(`Building stripe-mock ${VERSION} with Go (once) …`);
  const { status, error } = spawnSync('go', ['install', `github.com/stripe/stripe-mock@${VERSION}`], {
    env: { ...process.env, GOBIN: FOLDER },
    stdio: 'inherit',
  });
  if (status === 0) return true;
  console.error(
    error === undefined
      ? 'stripe-mock could not be built; Go says why above.'
      : 'This lane needs Go: https://go.dev/doc/install. Everything else is tested without it by `make test`.',
  );
  return false;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

async function answers(url: string, mock: ChildProcess): Promise<void> {
  const deadlineMs = performance.now() + START_LIMIT_MS;
  while (performance.now() < deadlineMs && mock.exitCode === null) {
    try {
      await fetch(url);
      return;
    } catch {
      await delay(POLL_MS);
    }
  }
  throw new Error('stripe-mock does not answer');
}
