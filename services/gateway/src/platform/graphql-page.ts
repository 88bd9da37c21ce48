import type { Example } from '../graphql/examples.ts';
import { textPage } from './docs-layout.ts';
import { escaped, type Html, prose } from './html.ts';

const INTRODUCTION = [
  'One endpoint, `/graphql`, answers what the REST API answers, and what belongs together in one request; a browser gets GraphiQL there.',
  'The access token goes where REST has it, into `Authorization: Bearer …`. An error has the code of the API under `extensions.code`. A service that is',
  'away takes its own fields with it, and is named in `extensions.dependency`.',
].join(' ');

/** The page of the graph: how to ask it, and its schema. `base` is the path of the documentation, such as `/api/v1/docs`. */
export function graphqlPage({ sdl, examples }: { sdl: string; examples: readonly Example[] }, base: string): Html {
  const raw = [
    { href: `${base.replace(/\/docs$/, '')}/graphql`, name: 'GraphiQL' },
    { href: `${base}/schema.graphql`, name: 'schema.graphql' },
  ];
  const content = [
    '<h1>GraphQL</h1>',
    `<p>${prose(INTRODUCTION)}</p>`,
    '<h2 id="examples">Examples</h2>',
    ...examples.map(exampleSection),
    '<h2 id="schema">Schema</h2>',
    `<pre>${escaped(sdl)}</pre>`,
  ];
  return textPage({ base, current: '/graphql', title: 'Punctual GraphQL', raw }, content.join('\n    '));
}

function exampleSection({ query, variables }: Example): Html {
  const given = variables === undefined ? '' : `\n\n# variables\n${JSON.stringify(variables, null, 2)}`;
  return `<pre>${escaped(query + given)}</pre>`;
}
