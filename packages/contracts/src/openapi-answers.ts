/** The answers that several operations share, as components: each is named after its error codes. */
import { z } from 'zod';
import { type Json, outputSchema } from './documented.ts';
import { ERROR_MEANINGS } from './error-meanings.ts';
import { ERROR_STATUS, type ErrorCode, errorBody } from './errors.ts';

const RETRY_STATUSES: ReadonlySet<number> = new Set([429, 503]);
const UNAUTHENTICATED_STATUS = 401;

/** Headers that an answer may have, as components. */
export const HEADERS = {
  RequestId: {
    description:
      'Names the request in our logs: the X-Request-Id that was sent (8 to 128 of `A-Za-z0-9._-`), or a new one.',
    required: true,
    schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{8,128}$' },
  },
  CorrelationId: {
    description: 'Names all that belongs together: the X-Correlation-Id that was sent, or the request id.',
    required: true,
    schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{8,128}$' },
  },
  ETag: {
    description: 'The version, for If-Match.',
    required: true,
    schema: { type: 'string', pattern: '^"[1-9][0-9]*"$', examples: ['"3"'] },
  },
  Location: {
    description: 'Where it is now.',
    required: true,
    schema: { type: 'string', format: 'uri-reference' },
  },
  SearchEngine: {
    description: 'What has answered. `postgres` stands in while OpenSearch is away or not configured.',
    required: true,
    schema: { type: 'string', enum: ['opensearch', 'postgres'] },
  },
  WWWAuthenticate: {
    description: 'How to authenticate (RFC 6750).',
    required: true,
    schema: { type: 'string', pattern: '^Bearer ', examples: ['Bearer realm="punctual"'] },
  },
  RetryAfter: {
    description: 'Seconds after which to come back.',
    required: true,
    schema: { type: 'integer', minimum: 1 },
  },
  RateLimit: {
    description: 'What is left: r requests, and t seconds until all are back (draft-ietf-httpapi-ratelimit-headers).',
    schema: { type: 'string', pattern: '^"[a-z0-9-]+";r=[0-9]+;t=[0-9]+$', examples: ['"order";r=199;t=1'] },
  },
  RateLimitPolicy: {
    description: 'The rule: q requests in w seconds.',
    schema: { type: 'string', pattern: '^"[a-z0-9-]+";q=[0-9]+;w=[0-9]+$', examples: ['"order";q=200;w=2'] },
  },
} as const satisfies Record<string, Json>;

const HEADER_NAMES = {
  RequestId: 'X-Request-Id',
  CorrelationId: 'X-Correlation-Id',
  ETag: 'ETag',
  SearchEngine: 'Search-Engine',
  Location: 'Location',
  WWWAuthenticate: 'WWW-Authenticate',
  RetryAfter: 'Retry-After',
  RateLimit: 'RateLimit',
  RateLimitPolicy: 'RateLimit-Policy',
} as const satisfies Record<keyof typeof HEADERS, string>;

export type AnswerHeader = keyof typeof HEADERS;

/** The headers of one answer, as references; every answer has its ids. */
export function headersOf(...names: readonly AnswerHeader[]): Json {
  const all: AnswerHeader[] = ['RequestId', 'CorrelationId', ...names];
  return Object.fromEntries(all.map((name) => [HEADER_NAMES[name], { $ref: `#/components/headers/${name}` }]));
}

/** The two shapes of a failure: what is answered, and what is answered to whoever accepts problem details. */
export function errorSchemas(): Json {
  const error = outputSchema(errorBody.shape.error, () => undefined);
  return {
    Failure: error,
    Error: {
      type: 'object',
      description: 'Every failure.',
      properties: { error: { $ref: '#/components/schemas/Failure' } },
      required: ['error'],
    },
    Problem: {
      type: 'object',
      description: 'The same as problem details (RFC 9457), when Accept names application/problem+json.',
      properties: {
        type: { type: 'string', const: 'about:blank' },
        title: { type: 'string', examples: ['Not Found'] },
        status: { type: 'integer', minimum: 400, maximum: 599 },
        detail: { type: 'string' },
        error: { $ref: '#/components/schemas/Failure' },
      },
      required: ['type', 'title', 'status', 'detail', 'error'],
    },
    FieldProblem: outputSchema(FIELD_PROBLEM, () => undefined),
  };
}

const FIELD_PROBLEM = z.object({
  field: z.string().meta({ examples: ['items[0].quantity'] }),
  message: z.string(),
});

/** The answers of a route that fails with these codes, by status, as references; `answers` collects what they refer to. */
export function failures(codes: readonly ErrorCode[], answers: Map<string, Json>): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    byStatus.set(ERROR_STATUS[code], [...(byStatus.get(ERROR_STATUS[code]) ?? []), code]);
  }
  const inOrder = [...byStatus].sort(([a], [b]) => a - b);
  return Object.fromEntries(
    inOrder.map(([status, ofStatus]) => {
      const sorted = ofStatus.sort();
      const name = sorted.map(pascalCase).join('Or');
      if (!answers.has(name)) answers.set(name, failure(status, sorted));
      return [String(status), { $ref: `#/components/responses/${name}` }];
    }),
  );
}

function failure(status: number, codes: readonly ErrorCode[]): Json {
  const narrowed = { type: 'object', properties: { error: { type: 'object', properties: narrowedTo(codes) } } };
  const examples = Object.fromEntries(
    codes.map((code) => [code, { summary: ERROR_MEANINGS[code], value: example(code) }]),
  );
  const special: AnswerHeader[] = [
    ...(status === UNAUTHENTICATED_STATUS ? (['WWWAuthenticate'] as const) : []),
    ...(RETRY_STATUSES.has(status) ? (['RetryAfter'] as const) : []),
  ];
  return {
    description: codes.map((code) => `\`${code}\`: ${ERROR_MEANINGS[code]}`).join('\n\n'),
    headers: headersOf(...special),
    content: {
      'application/json': { schema: { allOf: [{ $ref: '#/components/schemas/Error' }, narrowed] }, examples },
      'application/problem+json': { schema: { allOf: [{ $ref: '#/components/schemas/Problem' }, narrowed] } },
    },
  };
}

function narrowedTo(codes: readonly ErrorCode[]): Json {
  const [only, ...others] = codes;
  const fields = { type: 'array', minItems: 1, maxItems: 20, items: { $ref: '#/components/schemas/FieldProblem' } };
  return {
    code: { enum: codes },
    ...(only === 'VALIDATION_FAILED' && others.length === 0 ? { details: fields } : {}),
  };
}

function example(code: ErrorCode): Json {
  const details = code === 'VALIDATION_FAILED' ? [{ field: 'limit', message: 'must be a whole number from 1' }] : null;
  const message = code === 'VALIDATION_FAILED' ? 'The request is not valid.' : ERROR_MEANINGS[code];
  return { error: { code, message, details, request_id: '0b5f6c1e-8f55-4f27-9d5b-3f0f6f1d8a11' } };
}

/** ILLEGAL_TRANSITION → IllegalTransition. */
function pascalCase(code: string): string {
  return code.toLowerCase().replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
