import {
  authApi,
  buildOpenApi,
  type OpenApiDocument,
  orderApi,
  paymentApi,
  productApi,
  type Route,
  userApi,
} from '@punctual/contracts';

/** Every route of the services behind the gateway, as their contracts state them. */
export const contractRoutes: readonly Route[] = [
  ...authApi.authRoutes,
  ...userApi.userRoutes,
  ...productApi.productRoutes,
  ...orderApi.orderRoutes,
  ...paymentApi.paymentRoutes,
];

const json = (description: string) => ({
  description,
  content: { 'application/json': { schema: { type: 'object' } } },
});
const error = {
  description: 'UNAVAILABLE',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
};
const operation = (operationId: string, summary: string, responses: Record<string, unknown>) => ({
  get: { operationId, tags: ['platform'], summary, security: [], responses },
});

/** What the gateway answers itself. These have no `{data}` contract of their own, so they are described here. */
export const platformPaths: Readonly<Record<string, Record<string, unknown>>> = {
  '/health': operation('health', 'Liveness and readiness at a glance', { 200: json('Ready'), 503: error }),
  '/health/live': operation('healthLive', 'Whether the gateway answers', { 200: json('Live') }),
  '/health/ready': operation('healthReady', 'Whether every service is ready', { 200: json('Ready'), 503: error }),
  '/metrics': operation('metrics', 'Metrics in the Prometheus text format', {
    200: { description: 'Success', content: { 'text/plain': { schema: { type: 'string' } } } },
  }),
  '/docs': operation('docs', 'This documentation as a page', {
    200: { description: 'Success', content: { 'text/html': { schema: { type: 'string' } } } },
  }),
  '/docs/events': operation('eventsPage', 'Events and queues as a page', {
    200: { description: 'Success', content: { 'text/html': { schema: { type: 'string' } } } },
  }),
  '/openapi.json': operation('openapi', 'This document', { 200: json('OpenAPI 3.1') }),
  '/asyncapi.json': operation('asyncapi', 'Events and queues as a document', { 200: json('AsyncAPI 3.0') }),
};

/** The document of the whole public API, with the public address in both mounts. */
export function publicOpenApi(publicUrl: string, version: string): OpenApiDocument {
  const document = buildOpenApi({
    title: 'Punctual',
    version,
    description:
      'An event-driven commerce backend. Log in, press Authorize and give the access token; every answer is `{data}` or `{error}`.',
    routes: contractRoutes,
  });
  return {
    ...document,
    externalDocs: { description: 'Events and queues', url: `${publicUrl}/docs/events` },
    servers: [{ url: publicUrl }, { url: `${publicUrl}/api/v1` }],
    paths: { ...document.paths, ...platformPaths },
  };
}
