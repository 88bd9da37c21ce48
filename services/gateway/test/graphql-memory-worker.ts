/** Sends many large documents, each another one, to an engine of its own; a worker thread, so that its memory can be bounded. */

import { silentLogger } from '@punctual/telemetry';
import { createEngine, type ServerContext } from '../src/graphql/engine.ts';
import { newOperation } from '../src/graphql/operation.ts';

/** Parsed they take 90 MB together. */
const DOCUMENTS = 80;
const NUMBERS = '1 '.repeat(1_980);

const engine = createEngine({
  limits: { depth: 12, aliases: 15, tokens: 2_000, directives: 20, cost: 10_000, mutations: 3 },
  hasIntrospection: false,
  logger: silentLogger(),
});
const { signal } = new AbortController();

for (let index = 0; index < DOCUMENTS; index += 1) {
  for (const text of [`{ order(id: [${NUMBERS}]) { a${index} } }`, `{ order(id: [${NUMBERS}]) ${index}`]) {
    const body = JSON.stringify({ query: text.padEnd(95_000, '#') });
    const context = { signal, operation: newOperation() } as ServerContext;
    const answer = await engine.execute({ method: 'POST', query: '', accept: 'application/json', body }, context);
    await answer.text();
  }
}
