/**
 * Runs the tests: `node test/run.ts [unit] [integration] [e2e] [SERVICE…]`, all of them when nothing is named.
 *
 *   unit         beside the source, no servers
 *   integration  beside the source and services/NAME/test, on the servers of the stack "test"
 *   e2e          test/e2e, on the whole stack "test"; those that wait for a day of the shop or for a failover run beside, on "test-slow"
 *   SERVICE      one service's or package's unit and integration tests
 *
 * It starts what it needs, with empty data, and stops it again; KEEP=1 takes a running stack as it is and leaves it running.
 * What failed is said again in the end; the last line has the totals of all runs.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Totals } from './reporter.ts';

const ROOT = join(import.meta.dirname, '..');
/** Another name lets two checkouts test side by side. */
const STACK = process.env.TEST_STACK ?? 'test';
const SUITES = ['unit', 'integration', 'e2e'] as const;

type Suite = (typeof SUITES)[number];

/** For the quick round of a developer who runs the same tests again and again. */
const keep = process.env.KEEP !== undefined;
const totalsFile = join(tmpdir(), `punctual-test-totals-${process.pid}`);
/** A breaker that opens is to close within a test. */
const BREAKERS = { CIRCUIT_BREAKER_TIMEOUT: '2s' };
/**
 * A mail whose sender was killed is taken over when SMTP_SEND_TIMEOUT has passed; half a minute is long for a test. A few
 * customers place what many would, and leave it unpaid; and they all register from one address.
 */
const SERVICE_ENV = JSON.stringify({
  gateway: BREAKERS,
  auth: { ...BREAKERS, REGISTER_ADDRESS_LIMIT: '100000' },
  product: BREAKERS,
  order: { ...BREAKERS, ORDER_MAX_OPEN: '1000' },
  payment: BREAKERS,
  mail: { ...BREAKERS, SMTP_SEND_TIMEOUT: '5s' },
});
/** End-to-end tests that wait more than they work, so that they take no time of the others. */
const SLOW = /(time-lapse-|failover)[^/]*$/;

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
  const roots =
    folders.length > 0
      ? folders
      : [
          'packages/*',
          'services/*',
          'infra',
          'postman',
          'bench',
          'test/chaos',
          'test/fuzz',
          'test/contracts',
          'test/boundaries',
          'test/configuration',
          'test/docs',
        ];

  const filesOf = (suite: Suite) =>
    globSync(patternsOf(suite, roots), { cwd: ROOT, exclude: (path) => path.includes('node_modules') }).sort();
  let failedRuns = 0;
  rmSync(totalsFile, { force: true });
  const stack = testStack(STACK);
  const slowStack = testStack(`${STACK}-slow`);
  try {
    for (const suite of suites) {
      const files = filesOf(suite);
      if (files.length === 0) continue;
      console.log(`\n── ${suite}: ${files.length} files`);
      if (suite === 'unit') failedRuns += await runMocha(files);
      if (suite === 'integration') {
        // Each file has its own database, vhost and topics, and mostly waits.
        failedRuns += await runMocha(files, { settings: await stack.up('full', { part: 'servers' }), jobs: 2 });
      }
      if (suite === 'e2e') {
        // Searches are tested above; two stacks share the processors here.
        const [slow, others] = [files.filter((file) => SLOW.test(file)), files.filter((file) => !SLOW.test(file))];
        const failed = await Promise.all([
          stack.up('core').then((settings) => runMocha(others, { settings })),
          heldBack(async (output) => runMocha(slow, { settings: await slowStack.up('core', { output }), output })),
        ]);
        for (const count of failed) failedRuns += count;
      }
    }
  } finally {
    await Promise.all([stack.down(), slowStack.down()]);
  }

  const totals = readTotals();
  if (totals.failed.length > 0) console.log(`\nfailed:\n\n${totals.failed.join('\n\n')}`);
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

/** A stack of the tests' own: from empty data at its first `up`, stopped in the end. */
function testStack(name: string) {
  const environment: NodeJS.ProcessEnv = { ...process.env, STACK: name, SERVICE_ENV };
  for (const variable of ['PORT_BASE', 'TIME_SCALE']) delete environment[variable];
  let isUp = false;
  const command = async (args: readonly string[], output?: Output): Promise<void> => {
    const code = await start(['infra/stack.ts', ...args], { environment, output });
    if (code !== 0) throw new Error(`the command ${args.join(' ')} of the stack ${name} ended with ${code}`);
  };
  return {
    /** With OpenSearch only when it is `full`. Resolves with what the stack tells of itself, as JSON. */
    async up(
      serverProfile: 'core' | 'full',
      { part, output }: { part?: 'servers'; output?: Output } = {},
    ): Promise<string> {
      environment.PROFILE = serverProfile;
      if (!isUp && !keep) await command(['clean'], output);
      isUp = true;
      await command(['up', ...(part === undefined ? [] : ['--profile', part])], output);
      const told = await promisify(execFile)(process.execPath, ['infra/stack.ts', 'env', '--json'], {
        cwd: ROOT,
        env: environment,
      });
      return told.stdout;
    },
    async down(): Promise<void> {
      if (isUp && !keep) await command(['down']);
    },
  };
}

type MochaOptions = { readonly settings?: string; readonly jobs?: number; readonly output?: Output };

/** 1 when it failed. */
async function runMocha(files: string[], { settings, jobs = 1, output }: MochaOptions = {}): Promise<number> {
  const mocha = join(ROOT, 'node_modules/mocha/bin/mocha.js');
  const parallel = jobs > 1 ? ['--parallel', '--jobs', String(jobs)] : [];
  const code = await start([mocha, ...parallel, '--reporter', './test/reporter.ts', ...files], {
    environment: {
      ...process.env,
      SERVICE_ENV,
      PUNCTUAL_TEST_TOTALS: totalsFile,
      ...(settings === undefined ? {} : { PUNCTUAL_TEST_SETTINGS: settings }),
    },
    output,
  });
  return code === 0 ? 0 : 1;
}

/** What runs beside something else says so in the end, so that the two are not mixed. */
async function heldBack(run: (output: Output) => Promise<number>): Promise<number> {
  const chunks: Buffer[] = [];
  try {
    return await run((chunk) => chunks.push(chunk));
  } finally {
    process.stdout.write(Buffer.concat(chunks));
  }
}

type Output = (chunk: Buffer) => void;

function start(
  args: string[],
  options: { environment: NodeJS.ProcessEnv; output?: Output | undefined },
): Promise<number> {
  const { environment, output } = options;
  const pipes = output === undefined ? 'inherit' : 'pipe';
  const child = spawn(process.execPath, args, { cwd: ROOT, env: environment, stdio: ['ignore', pipes, pipes] });
  if (output !== undefined) for (const stream of [child.stdout, child.stderr]) stream?.on('data', output);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

function readTotals(): Totals {
  const sum: Totals = { passes: 0, failures: 0, pending: 0, failed: [] };
  if (!existsSync(totalsFile)) return sum;
  for (const line of readFileSync(totalsFile, 'utf8').trim().split('\n')) {
    const run = JSON.parse(line) as Totals;
    sum.passes += run.passes;
    sum.failures += run.failures;
    sum.pending += run.pending;
    sum.failed.push(...run.failed);
  }
  rmSync(totalsFile);
  return sum;
}
