/** Sends many documents, large ones and small ones, each another one, to an engine of its own; a worker thread, so that its memory can be bounded. */

import { silentLogger } from '@punctual/telemetry';
import { createEngine, type ServerContext } from '../src/graphql/engine.ts';
import { newOperation } from '../src/graphql/operation.ts';

/** Parsed they take 90 MB together. */
const LARGE = 80;
/** With what is wrong with each, 70 MB. */
const SMALL = 1_000;
const NUMBERS = '1 '.repeat(1_980);

const engine = createEngine({
  limits: { depth: 12, aliases: 15, tokens: 2_000, directives: 20, cost: 10_000, mutations: 3 },
  hasIntrospection: false,
  logger: silentLogger(),
});
const { signal } = new AbortController();

async function send(query: string): Promise<void> {
  const context = { signal, operation: newOperation() } as ServerContext;
  const body = JSON.stringify({ query });
  const answer = await engine.execute({ method: 'POST', query: '', accept: 'application/json', body }, context);
  await answer.text();
}

for (let index = 0; index < LARGE; index += 1) {
  await send(`{ order(id: [${NUMBERS}]) { a${index} } }`.padEnd(95_000, '#'));
  await send(`{ order(id: [${NUMBERS}]) ${index}`.padEnd(95_000, '#'));
}
for (let index = 0; index < SMALL; index += 1) await send(`{a${index}}`);
