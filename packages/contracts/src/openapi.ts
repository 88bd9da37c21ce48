import type { z } from 'zod';
import { expanded, inputSchema, type Json, outputSchema } from './documented.ts';
import type { ErrorCode } from './errors.ts';
import { type AnswerHeader, errorSchemas, failures, HEADERS, headersOf } from './openapi-answers.ts';
import { paging } from './primitives.ts';
import type { Route } from './route.ts';

export type OpenApiDocument = {
  readonly openapi: '3.1.0';
  readonly info: Json;
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Json>>;
  readonly components: Json;
} & Json;

/** An operation that no contract describes: a page, a probe, what a stranger calls. `operation` has the answer when all is well. */
export type PlainOperation = {
  readonly path: string;
  readonly method: 'get' | 'post';
  readonly operation: Json & { readonly responses: Json };
  readonly failures: readonly ErrorCode[];
};

export type OpenApiOptions = {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  readonly servers: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly routes: readonly Route[];
  /** Stand behind the routes. */
  readonly plain?: readonly PlainOperation[];
  /** Whether the gateway stands in front, which limits rates, reads every token and waits only so long. */
  readonly isBehindGateway: boolean;
};

/** What may go wrong with every route of a service. */
const ALWAYS: readonly ErrorCode[] = ['VALIDATION_FAILED', 'INTERNAL', 'UNAVAILABLE', 'TIMEOUT'];
const WITH_BODY: readonly ErrorCode[] = ['PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];
/** What the gateway adds: a token is read on public routes too. */
export const AT_THE_GATEWAY: readonly ErrorCode[] = ['UNAUTHENTICATED', 'RATE_LIMITED'];
const RATE_HEADERS: readonly AnswerHeader[] = ['RateLimit', 'RateLimitPolicy'];
const SUCCESS = { 200: 'Success', 201: 'Created', 202: 'Accepted', 204: 'Done; no content' } as const;

type Parts = { readonly schemas: Map<string, Json>; readonly answers: Map<string, Json>; isBehindGateway: boolean };

/** OpenAPI 3.1 of the given routes, in the order given. Pure: the same routes give the same document. */
export function buildOpenApi(options: OpenApiOptions): OpenApiDocument {
  const parts: Parts = { schemas: new Map(), answers: new Map(), isBehindGateway: options.isBehindGateway };
  const paths: Record<string, Json> = {};
  const add = (path: string, method: string, operation: Json): void => {
    const item = paths[path] ?? {};
    if (item[method] !== undefined) throw new Error(`two operations answer ${method.toUpperCase()} ${path}`);
    item[method] = operation;
    paths[path] = item;
  };
  for (const route of options.routes) {
    for (const [index, path] of [route.path, ...(route.aliases ?? [])].entries()) {
      add(path.replaceAll(/:(\w+)/g, '{$1}'), route.method, operation(route, index, parts));
    }
  }
  for (const { path, method, operation: plain, failures: codes } of options.plain ?? []) {
    add(path, method, { ...plain, responses: { ...plain.responses, ...failures(codes, parts.answers) } });
  }
  const used = new Set(Object.values(paths).flatMap((item) => Object.values(item).flatMap((each) => tagsOf(each))));
  return {
    openapi: '3.1.0',
    info: {
      title: options.title,
      version: options.version,
      description: options.description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: options.servers.map((url) => ({ url })),
    tags: [...used].map((name) => ({ name, description: options.tags[name] ?? name })),
    paths,
    components: {
      schemas: { ...errorSchemas(), Paging: expanded(paging, () => undefined), ...sorted(parts.schemas) },
      responses: sorted(parts.answers),
      headers: HEADERS,
      securitySchemes: {
        accessToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'The `access_token` of POST /auth/login.',
        },
      },
    },
  };
}

function operation(route: Route, alias: number, parts: Parts): Json {
  const result: Json = {
    operationId: alias === 0 ? route.id : `${route.id}Alias${alias}`,
    tags: [route.tag],
    summary: route.summary,
    description: descriptionOf(route, alias),
    // OpenAPI 3.1 names here the roles that are needed.
    security: route.access === 'public' ? [] : [{ accessToken: route.access === 'admin' ? ['admin'] : [] }],
  };
  const parameters = [
    ...parametersOf(route.params, 'path'),
    ...parametersOf(route.query, 'query'),
    ...Object.entries(route.headers ?? {}).map(([name, { description, required, pattern }]) => ({
      name,
      in: 'header',
      required,
      description,
      schema: { type: 'string', ...(pattern === undefined ? {} : { pattern }) },
    })),
  ];
  if (parameters.length > 0) result.parameters = parameters;
  if (route.body) {
    const { example, ...schema } = inputSchema(route.body);
    const required = !route.body.safeParse(undefined).success;
    result.requestBody = {
      required,
      content: { 'application/json': { schema, ...(example === undefined ? {} : { example }) } },
    };
  }
  result.responses = responses(route, parts);
  return result;
}

const WHO = {
  public: 'Needs no identity.',
  user: 'Needs an access token.',
  admin: "Needs an administrator's access token.",
} as const;

function descriptionOf(route: Route, alias: number): string {
  const parts = [
    ...(alias === 0 ? [] : [`The same as \`${route.path}\`.`]),
    ...(route.description === undefined ? [] : [route.description]),
    WHO[route.access],
  ];
  return parts.join(' ');
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): Json[] {
  if (!schema) return [];
  const object = inputSchema(schema) as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(object.properties ?? {}).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    required: place === 'path' || (object.required ?? []).includes(name),
    ...(description === undefined ? {} : { description }),
    schema: property,
  }));
}

function responses(route: Route, parts: Parts): Json {
  const { status, headers = [] } = route.success;
  const rateHeaders = parts.isBehindGateway ? RATE_HEADERS : [];
  const codes = [
    ...route.errors,
    ...ALWAYS,
    ...(route.method === 'get' ? [] : WITH_BODY),
    ...(route.access === 'public' ? [] : (['UNAUTHENTICATED'] as const)),
    ...(route.access === 'admin' ? (['FORBIDDEN'] as const) : []),
    ...(parts.isBehindGateway ? AT_THE_GATEWAY : []),
  ];
  const schema = successSchema(route, parts);
  const success = {
    description: SUCCESS[status],
    headers: headersOf(...headers, ...rateHeaders),
    ...(schema === undefined ? {} : { content: { 'application/json': { schema } } }),
  };
  return { [status]: success, ...failures(codes, parts.answers) };
}

function successSchema({ success, list, beside = {} }: Route, parts: Parts): Json | undefined {
  if (success.schema === undefined) return undefined;
  const data = schemaOf(success.schema, parts);
  if (success.isBare === true) return data;
  const properties = {
    ...(list === true
      ? { data: { type: 'array', items: data }, paging: { $ref: '#/components/schemas/Paging' } }
      : { data }),
    ...Object.fromEntries(Object.entries(beside).map(([name, schema]) => [name, schemaOf(schema, parts)])),
  };
  return { type: 'object', properties, required: Object.keys(properties) };
}

/** The schema of an answer; what it refers to becomes a component, and so does what that refers to. */
function schemaOf(schema: z.ZodType, parts: Parts): Json {
  const found = (name: string, inner: z.core.$ZodType): void => {
    if (parts.schemas.has(name)) return;
    parts.schemas.set(name, {});
    parts.schemas.set(name, expanded(inner, found));
  };
  return outputSchema(schema, found);
}

function tagsOf(operation: unknown): string[] {
  return (operation as { tags: string[] }).tags;
}

function sorted(parts: ReadonlyMap<string, Json>): Json {
  return Object.fromEntries([...parts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
