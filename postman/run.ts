/**
 * Runs the collection against the running stack: `node postman/run.ts`. GATEWAY_URL and INBOX_URL say where it is. Prints a line for
 * each request; exits 1 when an assertion fails, a request gets no answer, or a request is never reached.
 */
import { readFileSync } from 'node:fs';
import type { Execution, Failure, Summary } from 'newman';
import { type Collection, requestsOf } from './collection.ts';

const DEFAULT_GATEWAY_URL = 'http://localhost:8080';
const DEFAULT_INBOX_URL = 'http://localhost:8025';
const REQUEST_TIMEOUT_MS = 15_000;
const RUN_TIMEOUT_MS = 180_000;

// newman reads a constant that Node has deprecated; the warning would be all that a user sees of it. Loaded after this line for that.
process.noDeprecation = true;
const { default: newman } = await import('newman');

const read = (name: string): object => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

const collection = read('punctual.postman_collection.json') as Collection;
const gatewayUrl = withoutSlash(process.env.GATEWAY_URL || DEFAULT_GATEWAY_URL);
const inboxUrl = withoutSlash(process.env.INBOX_URL || DEFAULT_INBOX_URL);

console.log(`Postman collection against ${gatewayUrl}, inbox ${inboxUrl}`);
const absent = (await Promise.all([whoIsAbsent(`${gatewayUrl}/health/live`), whoIsAbsent(`${inboxUrl}/email`)])).join(
  '',
);
if (absent !== '') {
  console.log(`${absent}Start the stack with \`make up\`, or say where it is by GATEWAY_URL and INBOX_URL.`);
  process.exit(1);
}
const startedAt = performance.now();
const summary = await runCollection();
const problems = report(
  summary,
  requestsOf(collection).map((request) => request.name),
);
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
const { total, failed } = summary.run.stats.assertions;
console.log(`\n${summary.run.executions.length} requests, ${total - failed} of ${total} checks passed, ${seconds} s`);
for (const problem of problems) console.log(`  ✗ ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** A sentence about an address at which nobody answers, or nothing. */
async function whoIsAbsent(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    await response.body?.cancel();
    return '';
  } catch {
    return `Nobody answers at ${url}.\n`;
  }
}

function runCollection(): Promise<Summary> {
  return new Promise((resolve, reject) => {
    newman.run(
      {
        collection,
        environment: read('punctual.postman_environment.json'),
        envVar: [
          { key: 'base_url', value: gatewayUrl },
          { key: 'inbox_url', value: inboxUrl },
        ],
        reporters: [],
        timeout: RUN_TIMEOUT_MS,
        timeoutRequest: REQUEST_TIMEOUT_MS,
      },
      (error, result) => (error === null ? resolve(result) : reject(error)),
    );
  });
}

/** Prints one line for each request, waiting ones once, and returns what went wrong. */
function report({ run, error }: Summary, expected: readonly string[]): string[] {
  const failures = new Map<string, Failure[]>();
  for (const failure of run.failures) {
    const name = failure.source?.name ?? 'the collection';
    failures.set(name, [...(failures.get(name) ?? []), failure]);
  }
  for (const [index, execution] of run.executions.entries()) {
    if (run.executions[index + 1]?.item.name === execution.item.name) continue;
    console.log(line(execution, failures.has(execution.item.name)));
  }
  const reached = new Set(run.executions.map((execution) => execution.item.name));
  const problems = [
    ...(error === undefined ? [] : [error.message]),
    ...[...failures].flatMap(([name, list]) => list.map((failure) => `${name}: ${describe(failure)}`)),
    ...expected.filter((name) => !reached.has(name)).map((name) => `${name}: was not reached`),
  ];
  // A request that repeats itself may say the same many times.
  return [...new Set(problems)];
}

function line({ item, request, response }: Execution, isFailed: boolean): string {
  const path = request.url.toString().replace(gatewayUrl, '').replace(inboxUrl, '(inbox)').split('?')[0];
  const status = response === undefined ? 'no answer' : String(response.code);
  return `  ${isFailed ? '✗' : '✓'} ${status} ${request.method.padEnd(6)} ${path}  ${item.name}`;
}

function describe({ error }: Failure): string {
  return error.test === undefined ? error.message : `${error.test} – ${error.message}`;
}
