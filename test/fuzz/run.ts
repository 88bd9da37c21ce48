/**
 * Fuzzing: schemathesis makes requests from the gateway's own OpenAPI document, right ones and wrong ones, and holds every answer
 * against it, once as a customer and once as an admin, on a stack of its own.
 *
 *   make fuzz                          a fixed number of requests, two to three minutes
 *   make fuzz MINUTES=10 SEED=7
 *   make fuzz OPERATION="POST /orders" KEEP=1
 *
 * What is asked follows from the document alone: a route that is added to the contracts is fuzzed without a line here. The last line
 * counts each operation as a test, for each of the two.
 */
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Interrupted, interruptible } from '../../bench/session.ts';
import { startStack } from '../../bench/stack.ts';
import { stackSettings } from '../../infra/stack-settings.ts';
import { UserError } from '../../infra/user-error.ts';
import { type FuzzOptions, parseOptions, USAGE, UsageError } from './options.ts';
import { type FuzzResult, readReport } from './report.ts';
import { installSchemathesis, runSchemathesis } from './schemathesis.ts';
import { prepareShop } from './shop.ts';

const ROOT = join(import.meta.dirname, '../..');
const CONFIG = join(import.meta.dirname, 'schemathesis.toml');
const SECONDS_PER_MINUTE = 60;
const IDENTITIES = ['customer', 'admin'] as const;
type Identity = (typeof IDENTITIES)[number];
/** Random requests to an operation, and sequences of requests; with MINUTES, in a round, and rounds follow one another. */
const MAX_EXAMPLES = 20;
/** Whatever takes so much longer than it should has hung. */
const LIMIT_MINUTES = 10;
/**
 * The customer must not delete the account that is asking. An admin may: the last one is refused. The admin comes second, since what
 * an admin does to the customer would change what the customer sees.
 */
const LEFT_OUT: Readonly<Record<Identity, readonly string[]>> = {
  customer: ['--exclude-operation-id', 'deleteUser'],
  admin: [],
};
/** One client asks as fast as it can, and what protects against that is tested elsewhere. */
const SERVICE_VARIABLES = {
  gateway: { RATE_LIMIT_PER_SECOND: '1000000', RATE_LIMIT_BURST: '1000000' },
  order: { ORDER_MAX_OPEN: '0' },
  auth: {
    ACCESS_TOKEN_TTL: '12h',
    REGISTER_ADDRESS_LIMIT: '1000000',
    LOGIN_ACCOUNT_FAILURES: '1000',
    LOGIN_ADDRESS_FAILURES: '1000000',
    VERIFY_ADDRESS_FAILURES: '1000000',
    UNIFORM_ANSWER_TIME: '1ms',
  },
};

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  } else if (error instanceof UserError) {
    console.error(`\n${error.message}\n\n${error.advice}`);
    process.exitCode = 1;
  } else if (error instanceof Interrupted) process.exitCode = 130;
  else throw error;
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  const { signal } = interruptible();
  const { cache } = stackSettings({ name: options.stackName, env: process.env, uid: process.getuid?.() ?? -1 });
  const command = await installSchemathesis(cache, console.log);
  const stack = await startStack({ name: options.stackName, keep: options.keep, services: SERVICE_VARIABLES });
  try {
    signal.throwIfAborted();
    const url = stack.settings.GATEWAY_URL;
    const tokens = await prepareShop(url);
    const folder = join(
      options.out,
      `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}-seed${options.seed}`,
    );
    mkdirSync(join(ROOT, folder), { recursive: true });
    const results: FuzzResult[] = [];
    for (const identity of IDENTITIES) {
      results.push(await fuzz({ identity, token: tokens[identity], url, folder, command, options, signal }));
    }
    return conclude(results, options);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    await stack.clean();
  }
}

type Asking = {
  readonly identity: Identity;
  readonly token: string;
  readonly url: string;
  readonly folder: string;
  readonly command: string;
  readonly options: FuzzOptions;
  readonly signal: AbortSignal;
};

/** All phases as one identity: the document's examples, the edges of its schemas, random requests, and sequences of them. */
async function fuzz({ identity, token, url, folder, command, options, signal }: Asking): Promise<FuzzResult> {
  const seconds = options.minutes === undefined ? undefined : shareOf(options.minutes);
  const limitMs = (LIMIT_MINUTES + (options.minutes ?? 0)) * SECONDS_PER_MINUTE * 1_000;
  const report = join(ROOT, folder, `${identity}.json`);
  const log = join(folder, `${identity}.log`);
  const writer = createWriteStream(join(ROOT, log));
  const lines: string[] = [];
  const args = [
    ...['--config-file', CONFIG, '--no-color', 'run', `${url}/openapi.json`, '--url', url],
    ...['--seed', String(options.seed), '--max-examples', String(MAX_EXAMPLES)],
    ...(seconds === undefined ? [] : ['--max-time', String(seconds)]),
    ...['--report', 'json', '--report-json-path', report],
    ...(options.operation === undefined ? LEFT_OUT[identity] : ['--include-name', options.operation]),
  ];
  console.log(`\nas ${identity}`);
  await runSchemathesis({
    command,
    args,
    env: { FUZZ_TOKEN: token },
    signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
    onLine(line) {
      writer.write(`${line}\n`);
      lines.push(line);
    },
  });
  writer.end();
  const result = readResult(report, lines);
  // Without findings the phases and totals are enough; with them, everything.
  const failures = lines.findIndex((line) => /^=+ (FAILURES|ERRORS) =+$/.test(line));
  if (failures >= 0) for (const line of lines.slice(failures)) console.log(line);
  for (const finding of result.findings) console.log(`  ✘ ${finding}`);
  console.log(`  ${result.requests} requests; ${result.passed} operations as described, ${result.failed} not; ${log}`);
  return result;
}

/** Of the minutes, what each identity has, in seconds. */
function shareOf(minutes: number): number {
  return Math.max(1, Math.round((minutes * SECONDS_PER_MINUTE) / IDENTITIES.length));
}

function readResult(report: string, lines: readonly string[]): FuzzResult {
  try {
    return readReport(readFileSync(report, 'utf8'));
  } catch (error) {
    throw new Error(`schemathesis left no report:\n${lines.slice(-20).join('\n')}`, { cause: error });
  }
}

function conclude(results: readonly FuzzResult[], { seed, minutes }: FuzzOptions): number {
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  console.log(`\nagain    make fuzz SEED=${seed}${minutes === undefined ? '' : ` MINUTES=${minutes}`}`);
  if (failed > 0)
    console.log(
      'alone    make fuzz KEEP=1 OPERATION="POST /orders"   (then the printed curl commands work as they stand)',
    );
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
