/**
 * Runs the tests: `node test/run.ts [unit] [integration] [e2e] [SERVICE…]`, all of them when nothing is named.
 *
 *   unit         beside the source, no servers
 *   integration  beside the source and services/NAME/test, on the servers of the stack "test"
 *   e2e          test/e2e, on the whole stack "test"
 *   SERVICE      one service's or package's unit and integration tests
 *
 * It starts what it needs, with empty data, and stops it again; KEEP=1 takes a running stack as it is and leaves it running.
 * The last line has the totals of all runs.
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
/** Another name lets two checkouts test side by side. */
const STACK = process.env.TEST_STACK ?? 'test';
const SUITES = ['unit', 'integration', 'e2e'] as const;

type Suite = (typeof SUITES)[number];
type Totals = { passes: number; failures: number; pending: number };

/** For the quick round of a developer who runs the same tests again and again. */
const keep = process.env.KEEP !== undefined;
const totalsFile = join(tmpdir(), `punctual-test-totals-${process.pid}`);
/**
 * A mail whose sender was killed is taken over when SMTP_SEND_TIMEOUT has passed; half a minute is long for a test. A few
 * customers place what many would, and leave it unpaid; and they all register from one address.
 */
const SERVICE_ENV = JSON.stringify({
  mail: { SMTP_SEND_TIMEOUT: '5s' },
  order: { ORDER_MAX_OPEN: '1000' },
  auth: { REGISTER_ADDRESS_LIMIT: '100000' },
});
const stackEnvironment: NodeJS.ProcessEnv = { ...process.env, STACK, SERVICE_ENV };
for (const name of ['PORT_BASE', 'TIME_SCALE']) delete stackEnvironment[name];

process.exit(await main(process.argv.slice(2)));

async function main(names: string[]): Promise<number> {
  const unknown = names.filter((name) => !isSuite(name) && folderOf(name) === undefined);
  if (unknown.length > 0 || names.includes('--help')) {
    console.error(`usage: node test/run.ts [${SUITES.join('] [')}] [service or package …]`);
    return 2;
  }
  const folders = names.flatMap((name) => folderOf(name) ?? []);
  const suites = SUITES.filter(
    (suite) => names.length === 0 || names.includes(suite) || (folders.length > 0 && suite !== 'e2e'),
  );
  const roots = folders.length > 0 ? folders : ['packages/*', 'services/*', 'infra', 'postman', 'bench', 'test/chaos'];

  let failedRuns = 0;
  let stackIsUp = false;
  rmSync(totalsFile, { force: true });
  try {
    for (const suite of suites) {
      const files = globSync(patternsOf(suite, roots), {
        cwd: ROOT,
        exclude: (path) => path.includes('node_modules'),
      }).sort();
      if (files.length === 0) continue;
      if (suite !== 'unit') {
        const options = suite === 'e2e' ? [] : ['--profile', 'servers'];
        if (!stackIsUp && !keep) await run(process.execPath, ['infra/stack.ts', 'clean'], stackEnvironment);
        stackIsUp = true;
        await run(process.execPath, ['infra/stack.ts', 'up', ...options], stackEnvironment);
      }
      console.log(`\n── ${suite}: ${files.length} files`);
      const settings = suite === 'unit' ? {} : { PUNCTUAL_TEST_SETTINGS: await settingsOfStack() };
      const code = await runMocha(files, {
        // Each integration file has its own database, vhost and topics, and mostly waits.
        jobs: suite === 'integration' ? 2 : 1,
        environment: { ...process.env, SERVICE_ENV, ...settings, PUNCTUAL_TEST_TOTALS: totalsFile },
      });
      if (code !== 0) failedRuns += 1;
    }
  } finally {
    if (stackIsUp && !keep) {
      await run(process.execPath, ['infra/stack.ts', 'down'], stackEnvironment);
    }
  }

  const totals = readTotals();
  console.log(`\n${totals.passes} passed, ${totals.failures} failed`);
  return failedRuns > 0 || totals.failures > 0 || totals.pending > 0 || totals.passes === 0 ? 1 : 0;
}

function isSuite(name: string): name is Suite {
  return SUITES.some((suite) => suite === name);
}

function folderOf(name: string): string | undefined {
  return [`services/${name}`, `packages/${name}`].find((folder) => existsSync(join(ROOT, folder)));
}

function patternsOf(suite: Suite, roots: string[]): string[] {
  if (suite === 'unit') return roots.map((root) => `${root}/**/*.unit.test.ts`);
  if (suite === 'e2e') return ['test/e2e/**/*.e2e.test.ts'];
  return roots.flatMap((root) => [`${root}/**/*.int.test.ts`, `${root}/**/*.component.test.ts`]);
}

function runMocha(files: string[], options: { jobs: number; environment: NodeJS.ProcessEnv }): Promise<number> {
  const mocha = join(ROOT, 'node_modules/mocha/bin/mocha.js');
  const parallel = options.jobs > 1 ? ['--parallel', '--jobs', String(options.jobs)] : [];
  return start(
    process.execPath,
    [mocha, ...parallel, '--reporter', './test/reporter.ts', ...files],
    options.environment,
  );
}

async function settingsOfStack(): Promise<string> {
  const chunks: Buffer[] = [];
  const child = spawn(process.execPath, ['infra/stack.ts', 'env', '--json'], {
    cwd: ROOT,
    env: stackEnvironment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error('the test stack does not tell its settings');
  return Buffer.concat(chunks).toString();
}

async function run(command: string, args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const code = await start(command, args, environment);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
}

function start(command: string, args: string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(command, args, { cwd: ROOT, env: environment, stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function readTotals(): Totals {
  const sum: Totals = { passes: 0, failures: 0, pending: 0 };
  if (!existsSync(totalsFile)) return sum;
  for (const line of readFileSync(totalsFile, 'utf8').trim().split('\n')) {
    const run = JSON.parse(line) as Totals;
    sum.passes += run.passes;
    sum.failures += run.failures;
    sum.pending += run.pending;
  }
  rmSync(totalsFile);
  return sum;
}
