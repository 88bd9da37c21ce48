import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as contracts from './index.ts';
import { API_NAMES, apiRoutes, ERROR_STATUS, gatewayOpenApi, type OpenApiDocument, type Route } from './index.ts';

const GENERATED = join(import.meta.dirname, '../generated');
const read = (name: string) => JSON.parse(readFileSync(join(GENERATED, name), 'utf8')) as OpenApiDocument;
const merged = read('openapi.json');
const parts = API_NAMES.map((name) => read(`openapi.${name}.json`));

type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  security: Record<string, string[]>[];
  parameters?: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { content: { 'application/json': { schema: object; example?: unknown } } };
  responses: Record<string, object>;
};
type Found = { readonly name: string; readonly operation: Operation };

function operationsOf(document: OpenApiDocument): Found[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      name: `${method} ${path}`,
      operation: operation as Operation,
    })),
  );
}

/** What the process itself answers, such as its health, which is not the API of a service. */
const isPlatform = ({ operation }: Found) => operation.tags.some((tag) => tag === 'platform' || tag === 'admin');

/** What a reference leads to; undefined for one that leads nowhere. */
function resolve(document: unknown, reference: string): unknown {
  return reference
    .replace('#/', '')
    .split('/')
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], document);
}

function referencesOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' ? [value] : referencesOf(value),
  );
}

describe('the merged OpenAPI document', () => {
  const ofParts = parts.flatMap(operationsOf).filter((found) => !isPlatform(found));

  it('has every operation of the services, and besides them only what the gateway answers itself', () => {
    const names = operationsOf(merged).filter((found) => !isPlatform(found));
    assert.deepEqual(names.map(({ name }) => name).sort(), ofParts.map(({ name }) => name).sort());
    const own = operationsOf(merged).filter(isPlatform);
    assert.deepEqual(
      own.map(({ name }) => name),
      [
        'get /admin/config',
        'get /admin/config/audit',
        'put /admin/config/{key}',
        'delete /admin/config/{key}',
        'get /health',
        'get /health/live',
        'get /health/ready',
        'get /metrics',
        'get /openapi.json',
        'get /asyncapi.json',
        'get /docs',
        'get /docs/grpc',
        'get /docs/events',
        'get /docs/graphql',
        'get /docs/schema.graphql',
        'get /graphql',
        'post /graphql',
        'get /docs/proto/{name}.proto',
      ],
    );
  });

  it('takes and answers what the services do, and adds only failures', () => {
    const byName = new Map(operationsOf(merged).map(({ name, operation }) => [name, operation]));
    for (const { name, operation } of ofParts) {
      const there = byName.get(name);
      assert.deepEqual(there?.parameters, operation.parameters, name);
      assert.deepEqual(there?.requestBody, operation.requestBody, name);
      assert.deepEqual(there?.security, operation.security, name);
      const missing = Object.keys(operation.responses).filter((status) => there?.responses[status] === undefined);
      assert.deepEqual(missing, [], name);
    }
  });

  it('says of every operation behind the gateway that it may be limited, late or away', () => {
    for (const { name, operation } of operationsOf(merged).filter((found) => !isPlatform(found))) {
      for (const status of ['400', '401', '429', '500', '503', '504'])
        assert.ok(operation.responses[status], `${name} ${status}`);
    }
  });
});

for (const [name, document] of [
  ['openapi.json', merged] as const,
  ...API_NAMES.map((api, index) => [`openapi.${api}.json`, parts[index]] as const),
]) {
  describe(name, () => {
    assert.ok(document !== undefined);
    const operations = operationsOf(document);

    it('is OpenAPI 3.1 whose references all lead somewhere', () => {
      assert.equal(document.openapi, '3.1.0');
      const broken = referencesOf(document).filter((reference) => resolve(document, reference) === undefined);
      assert.deepEqual(broken, []);
    });

    it('calls every operation something else, and describes each parameter of its path once', () => {
      assert.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, operations.length);
      for (const { name: place, operation } of operations) {
        const inPath = [...place.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
        const described = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
        assert.deepEqual(described.map((parameter) => parameter.name).sort(), inPath.sort(), place);
        assert.ok(
          described.every(({ required }) => required),
          place,
        );
      }
    });

    it('refuses what it does not know in every body that it describes, and shows one that it takes', () => {
      for (const { name: place, operation } of operations) {
        const body = operation.requestBody?.content['application/json'];
        if (body === undefined || place.includes('/webhooks/')) continue;
        const accepts = new Ajv2020({ strict: false, validateFormats: false }).compile(body.schema);
        assert.ok(!accepts({ ...(body.example as object), surely_unknown: 1 }), place);
        assert.ok(accepts(body.example), `${place}: ${JSON.stringify(accepts.errors)}`);
      }
    });

    it('has schemas that are JSON Schema', () => {
      const { schemas } = document.components as { schemas: Record<string, object> };
      const ajv = new Ajv2020({ strict: false, validateFormats: false });
      ajv.addSchema({ $id: 'https://punctual.test/document', components: { schemas } });
      for (const schema of Object.keys(schemas)) {
        assert.ok(ajv.compile({ $ref: `https://punctual.test/document#/components/schemas/${schema}` }), schema);
      }
    });

    it('says when to come back with every 429 and 503, and how to authenticate with every 401', () => {
      for (const { name: place, operation } of operations) {
        for (const [status, header] of [
          ['429', 'Retry-After'],
          ['503', 'Retry-After'],
          ['401', 'WWW-Authenticate'],
        ] as const) {
          const answer = operation.responses[status] as
            | { $ref?: string; headers?: Record<string, unknown> }
            | undefined;
          if (answer === undefined) continue;
          const { headers } = (answer.$ref === undefined ? answer : resolve(document, answer.$ref)) as {
            headers: Record<string, unknown>;
          };
          assert.ok(headers[header], `${place} ${status}`);
        }
      }
    });
  });
}

describe('the documents', () => {
  const described: readonly Route[] = [...apiRoutes, ...contracts.adminApi.adminRoutes];

  it('have every route that the contracts define', () => {
    const isRoute = (value: unknown): value is Route =>
      typeof value === 'object' && value !== null && 'access' in value && 'method' in value && 'path' in value;
    const namespaces = Object.entries(contracts).filter(([name]) => name.endsWith('Api'));
    const defined = namespaces.flatMap(([, api]) => Object.values(api as Record<string, unknown>).filter(isRoute));
    assert.ok(defined.length > 30);
    assert.deepEqual(
      defined.filter((route) => !described.includes(route)).map(({ id }) => id),
      [],
    );
  });

  it('have each failure of a route under its status, with its code', () => {
    const operations = new Map(operationsOf(merged).map(({ operation }) => [operation.operationId, operation]));
    for (const route of described) {
      for (const errorCode of route.errors) {
        const [reference = ''] = referencesOf(operations.get(route.id)?.responses[ERROR_STATUS[errorCode]]);
        assert.match(
          JSON.stringify(resolve(merged, reference)),
          new RegExp(`"${errorCode}"`),
          `${route.id} ${errorCode}`,
        );
      }
    }
  });

  it('are the same every time', () => assert.deepEqual(gatewayOpenApi(), gatewayOpenApi()));
});
