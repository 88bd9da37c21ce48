import type { PlainOperation } from '../openapi.ts';
import { type AnswerHeader, headersOf } from '../openapi-answers.ts';

/** The one shape of an answer of the graph. */
const graphqlAnswer = {
  type: 'object',
  properties: {
    data: { type: ['object', 'null'], additionalProperties: true },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['message', 'extensions'],
        properties: {
          message: { type: 'string' },
          path: { type: 'array', items: { type: ['string', 'integer'] } },
          locations: { type: 'array', items: { type: 'object' } },
          extensions: {
            type: 'object',
            required: ['code', 'request_id'],
            properties: { code: { type: 'string' }, request_id: { type: 'string' } },
          },
        },
      },
    },
  },
};
const graphqlContent = {
  'application/graphql-response+json': { schema: graphqlAnswer },
  'application/json': { schema: graphqlAnswer },
  // Of a subscription: each event holds one such answer.
  'text/event-stream': {},
};
/** What a refusal says beside its body. */
const HINTS: Readonly<Record<string, readonly AnswerHeader[]>> = {
  401: ['WWWAuthenticate'],
  429: ['RetryAfter'],
  503: ['RetryAfter'],
};
const graphqlResponses = {
  200: { description: 'Executed; single fields may have failed', headers: headersOf(), content: graphqlContent },
  ...Object.fromEntries(
    [
      [400, 'The document or its variables are refused; nothing was executed'],
      [401, 'The access token is not valid'],
      [404, 'A subscription to what is not there, or is somebody else’s'],
      [405, 'Neither GET nor POST, or a mutation by GET'],
      [406, 'A subscription that is not asked for as text/event-stream'],
      [413, 'The body is too large'],
      [415, 'The body is not JSON'],
      [429, 'Too many requests'],
      [500, 'A fault of ours'],
      [503, 'Too much is under way'],
      [504, 'It did not finish in time'],
    ].map(([status, description]) => [
      status,
      { description, headers: headersOf(...(HINTS[String(status)] ?? [])), content: graphqlContent },
    ]),
  ),
};
const graphqlOperation = { tags: ['platform'], security: [{}, { accessToken: [] }], responses: graphqlResponses };

/** GET answers queries, and GraphiQL to a browser; POST takes every operation. The schema itself is at /docs/schema.graphql. */
export const graphqlOperations: readonly PlainOperation[] = [
  {
    path: '/graphql',
    method: 'get',
    failures: [],
    operation: {
      ...graphqlOperation,
      operationId: 'graphqlQuery',
      summary: 'A GraphQL query; GraphiQL for a browser',
      parameters: ['query', 'variables', 'operationName'].map((name) => ({
        name,
        in: 'query',
        required: name === 'query',
        schema: { type: 'string' },
      })),
    },
  },
  {
    path: '/graphql',
    method: 'post',
    failures: [],
    operation: {
      ...graphqlOperation,
      operationId: 'graphql',
      summary: 'A GraphQL operation',
      requestBody: {
        required: true,
        content: {
          'application/json': {
            example: { query: '{ products(limit: 1) { nodes { id name price } } }' },
            schema: {
              type: 'object',
              required: ['query'],
              additionalProperties: false,
              properties: {
                query: { type: 'string' },
                variables: { type: ['object', 'null'], additionalProperties: true },
                operationName: { type: ['string', 'null'] },
                extensions: { type: ['object', 'null'], additionalProperties: true },
              },
            },
          },
        },
      },
    },
  },
];
