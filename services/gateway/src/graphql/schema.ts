import { readFileSync } from 'node:fs';
import { createSchema } from 'graphql-yoga';
import type { GraphqlContext } from './context.ts';
import { resolvers } from './resolvers/resolvers.ts';

/** The schema as its authors wrote it, and as /docs/schema.graphql has it. */
export const sdl = readFileSync(new URL('schema.graphql', import.meta.url), 'utf8');

/** Throws when a resolver stands for a field that the schema does not have. */
export function executableSchema<Context extends GraphqlContext>() {
  return createSchema<Context>({
    typeDefs: sdl,
    resolvers,
    resolverValidationOptions: { requireResolversToMatchSchema: 'error', requireResolversForResolveType: 'error' },
  });
}
