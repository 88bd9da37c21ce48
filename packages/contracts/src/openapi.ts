import { z } from 'zod';
import { ERROR_STATUS, type ErrorCode, errorBody } from './errors.ts';
import { paging } from './primitives.ts';
import type { Route } from './route.ts';

type Json = Record<string, unknown>;
export type OpenApiDocument = { openapi: '3.1.0'; info: Json; paths: Record<string, Json>; components: Json } & Json;

/** What the API takes: input shapes, before defaults and transformations. OpenAPI 3.1 schemas are JSON Schema 2020-12. */
const inputSchema = (schema: z.ZodType): Json => strip(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
const outputSchema = (schema: z.ZodType): Json =>
  strip(z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }));

/** OpenAPI 3.1 of the given routes, in the order given. Pure: the same routes give the same document. */
export function buildOpenApi(options: {
  title: string;
  version: string;
  description: string;
  routes: readonly Route[];
}): OpenApiDocument {
  const paths: Record<string, Json> = {};
  for (const route of options.routes) {
    for (const [index, path] of [route.path, ...(route.aliases ?? [])].entries()) {
      const key = path.replaceAll(/:(\w+)/g, '{$1}');
      const item = paths[key] ?? {};
      item[route.method] = operation(route, index);
      paths[key] = item;
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: options.title,
      version: options.version,
      description: options.description,
      license: { name: 'MIT' },
    },
    servers: [{ url: '/' }, { url: '/api/v1' }],
    paths,
    components: {
      schemas: { Error: outputSchema(errorBody), Paging: outputSchema(paging) },
      securitySchemes: { accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}

function operation(route: Route, alias: number): Json {
  const result: Json = {
    operationId: alias === 0 ? route.id : `${route.id}Alias${alias}`,
    tags: [route.tag],
    summary: route.summary,
    ...(alias === 0 ? {} : { description: `The same as \`${route.path}\`.` }),
    security: route.access === 'public' ? [] : [{ accessToken: [] }],
    responses: responses(route),
  };
  const parameters = [
    ...parametersOf(route.params, 'path'),
    ...parametersOf(route.query, 'query'),
    ...Object.entries(route.headers ?? {}).map(([name, header]) => ({
      name,
      in: 'header',
      required: header.required,
      description: header.description,
      schema: { type: 'string' },
    })),
  ];
  if (parameters.length > 0) result.parameters = parameters;
  if (route.body) {
    const required = !route.body.safeParse(undefined).success;
    result.requestBody = { required, content: { 'application/json': { schema: inputSchema(route.body) } } };
  }
  return result;
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): Json[] {
  if (!schema) return [];
  const object = inputSchema(schema) as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(object.properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || (object.required ?? []).includes(name),
    schema: property,
  }));
}

function responses(route: Route): Json {
  const { status, schema } = route.success;
  const result: Json = {};
  if (schema) {
    const data = outputSchema(schema);
    const body = route.list
      ? {
          type: 'object',
          properties: { data: { type: 'array', items: data }, paging: { $ref: '#/components/schemas/Paging' } },
          required: ['data', 'paging'],
        }
      : { type: 'object', properties: { data }, required: ['data'] };
    result[status] = { description: 'Success', content: { 'application/json': { schema: body } } };
  } else {
    result[status] = { description: 'Done; no content' };
  }
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of route.errors) {
    byStatus.set(ERROR_STATUS[code], [...(byStatus.get(ERROR_STATUS[code]) ?? []), code]);
  }
  for (const [errorStatus, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
    const schemaRef = { schema: { $ref: '#/components/schemas/Error' } };
    result[errorStatus] = {
      description: codes.join(', '),
      content: { 'application/json': schemaRef, 'application/problem+json': schemaRef },
    };
  }
  return result;
}

/** The dialect is stated once by OpenAPI itself. */
function strip(schema: Json): Json {
  const { $schema: _, ...rest } = schema;
  return rest;
}
