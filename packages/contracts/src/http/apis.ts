/** Which service answers what, and the OpenAPI documents that follow from it: one for each service, and the gateway's of all. */
import type { ErrorCode } from '../errors.ts';
import { AT_THE_GATEWAY, buildOpenApi, type OpenApiDocument, type PlainOperation } from '../openapi.ts';
import type { Route } from '../route.ts';
import { adminRoutes } from './admin.ts';
import { authRoutes } from './auth.ts';
import { graphqlOperations } from './graphql.ts';
import { orderRoutes } from './orders.ts';
import { paymentRoutes } from './payments.ts';
import { PROTO_NAMES, page, platformOperations } from './platform.ts';
import { productRoutes } from './products.ts';
import { userRoutes } from './users.ts';
import { webhookOperation } from './webhooks.ts';

type ServiceApi = {
  readonly about: string;
  readonly routes: readonly Route[];
  readonly plain: readonly PlainOperation[];
  /** Its .proto file and those that it imports. */
  readonly protos: readonly (typeof PROTO_NAMES)[number][];
};

/** The services that clients reach through the gateway. A route that stands here is in both documents and in the access rules. */
export const serviceApis = {
  auth: {
    about: 'Registration, sessions and users.',
    routes: [...authRoutes, ...userRoutes],
    plain: [],
    protos: ['auth', 'common'],
  },
  product: { about: 'The catalog and its stock.', routes: productRoutes, plain: [], protos: ['product', 'common'] },
  order: {
    about: 'Orders, from their placing to their end.',
    routes: orderRoutes,
    plain: [],
    protos: ['order', 'payment', 'common'],
  },
  payment: {
    about: "Payments of orders, and the provider's webhooks.",
    routes: paymentRoutes,
    plain: [webhookOperation],
    protos: ['payment', 'common'],
  },
} as const satisfies Record<string, ServiceApi>;
export type ApiName = keyof typeof serviceApis;
export const API_NAMES = Object.keys(serviceApis) as ApiName[];

/** Every route of the services behind the gateway. */
export const apiRoutes: readonly Route[] = API_NAMES.flatMap((name): readonly Route[] => serviceApis[name].routes);

const VERSION = '1.0.0';
const TAGS = {
  auth: 'Registration, verification, sessions',
  users: 'Profiles, and the administration of users',
  products: 'The catalog and its stock',
  orders: 'Orders, their payment and fulfilment',
  payments: 'Payments and refunds',
  admin: 'Settings that change while services run',
  platform: 'Health, metrics and documents',
};
const CONVENTIONS = [
  'Answers are `{"data": …}`, lists `{"data": […], "paging": …}`, failures `{"error": {code, message, details, request_id}}`.',
  'Ids are positive integers, money is a decimal string, times are RFC 3339 in UTC. A later version may add fields to answers.',
  'What is not described is refused: unknown query parameters and body fields, a parameter twice, text with NUL or half a surrogate pair.',
  'Text is trimmed. HEAD answers like GET, OPTIONS says in `Allow` what an address answers, other methods get 405.',
].join('\n\n');

/** What a service itself serves. */
export function serviceOpenApi(name: ApiName): OpenApiDocument {
  const { about, routes, plain, protos } = serviceApis[name];
  return buildOpenApi({
    title: `Punctual ${name}`,
    version: VERSION,
    description: `${about} Reached by clients through the gateway.\n\n${CONVENTIONS}`,
    servers: ['/'],
    tags: TAGS,
    routes,
    plain: [
      ...plain,
      ...platformOperations(['INTERNAL']),
      ...protos.map((proto) =>
        page({
          path: `/docs/${proto}.proto`,
          id: `${proto}Proto`,
          summary: `${proto}.proto`,
          type: 'text/plain',
          failures: ['INTERNAL'],
        }),
      ),
    ],
    isBehindGateway: false,
  });
}

/** Of requests that the gateway answers itself: a body with GET is refused. */
const OF_THE_GATEWAY: readonly ErrorCode[] = ['VALIDATION_FAILED', 'INTERNAL'];

/** What the gateway answers itself. Without contracts of their own, since these are pages and probes. */
const gatewayOperations: readonly PlainOperation[] = [
  ...platformOperations(OF_THE_GATEWAY),
  document('/asyncapi.json', 'asyncapi', 'Events and queues as AsyncAPI 3.0'),
  htmlPage('/docs', 'docs', 'The REST API as a page'),
  htmlPage('/docs/grpc', 'grpcPage', 'The gRPC services as a page'),
  htmlPage('/docs/events', 'eventsPage', 'Events and queues as a page'),
  htmlPage('/docs/graphql', 'graphqlPage', 'The graph as a page'),
  page({
    path: '/docs/schema.graphql',
    id: 'graphqlSchema',
    summary: 'The schema of the graph, as SDL',
    type: 'text/plain',
    failures: OF_THE_GATEWAY,
  }),
  ...graphqlOperations,
  page({
    path: '/docs/proto/{name}.proto',
    id: 'proto',
    summary: 'A .proto file',
    type: 'text/plain',
    parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string', enum: PROTO_NAMES } }],
    failures: [...OF_THE_GATEWAY, 'NOT_FOUND'],
  }),
];

/** What the gateway serves: all that its services answer to clients, with what it adds to it, and its own. */
export function gatewayOpenApi(): OpenApiDocument {
  return buildOpenApi({
    title: 'Punctual',
    version: VERSION,
    description: `An event-driven commerce backend. Log in, press Authorize and give the access token. Every path is mounted at \`/\` and at \`/api/v1\` alike.\n\n${CONVENTIONS}`,
    servers: ['/', '/api/v1'],
    tags: TAGS,
    routes: [...apiRoutes, ...adminRoutes],
    plain: [...API_NAMES.flatMap(proxied), ...gatewayOperations],
    isBehindGateway: true,
  });
}

function proxied(name: ApiName): PlainOperation[] {
  const { plain }: ServiceApi = serviceApis[name];
  return plain.map((operation) => ({ ...operation, failures: [...operation.failures, ...AT_THE_GATEWAY, 'TIMEOUT'] }));
}

function htmlPage(path: string, id: string, summary: string): PlainOperation {
  return page({ path, id, summary, type: 'text/html', failures: OF_THE_GATEWAY });
}

function document(path: string, id: string, summary: string): PlainOperation {
  return page({ path, id, summary, type: 'application/json', schema: { type: 'object' }, failures: OF_THE_GATEWAY });
}
