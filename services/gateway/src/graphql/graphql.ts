import type { Resolver } from '@punctual/coordination';
import type { Component } from '@punctual/lifecycle';
import { createKafka } from '@punctual/messaging';
import type { Policies } from '@punctual/resilience';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { Router } from 'express';
import type { GatewayConfig } from '../config.ts';
import type { Admission } from '../edge/admission.ts';
import type { BucketPolicy } from '../rate-limit/token-bucket.ts';
import { createEngine } from './engine.ts';
import { createOrderWatch } from './order-watch.ts';
import { graphqlRouter } from './server.ts';
import { createServices } from './services.ts';

export type GraphqlOptions = {
  readonly config: GatewayConfig;
  readonly admission: Admission;
  /** How often one client may. */
  readonly policy: () => BucketPolicy;
  readonly resolver: Resolver;
  readonly policies: Policies;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

export type Graphql = {
  readonly router: Router;
  /** To start before the server that serves the router, and so to stop after it. */
  readonly connections: Component;
  /** To start after it: stopping ends the subscriptions, which the server waits for. */
  readonly subscriptions: Component;
};

/** Puts GraphQL together; nothing is opened before its components start. */
export function createGraphql(options: GraphqlOptions): Graphql {
  const { config, admission, policy, resolver, policies, logger, metrics } = options;
  const services = createServices({
    resolver,
    policies,
    serviceKey: config.SERVICE_KEY,
    readTimeoutMs: config.GRAPHQL_READ_TIMEOUT,
    writeTimeoutMs: config.GRAPHQL_WRITE_TIMEOUT,
    concurrency: config.MAX_IN_FLIGHT,
    logger,
    metrics,
  });
  const kafka = createKafka({
    brokers: config.KAFKA_BROKERS,
    clientId: 'gateway',
    topicPrefix: config.KAFKA_TOPIC_PREFIX,
    logger,
    metrics,
  });
  const watch = createOrderWatch({
    kafka,
    limits: { perClient: config.GRAPHQL_SUBSCRIPTIONS_PER_CLIENT, perProcess: config.GRAPHQL_SUBSCRIPTIONS },
    metrics,
  });
  const engine = createEngine({
    limits: {
      depth: config.GRAPHQL_MAX_DEPTH,
      aliases: config.GRAPHQL_MAX_ALIASES,
      tokens: config.GRAPHQL_MAX_TOKENS,
      directives: config.GRAPHQL_MAX_DIRECTIVES,
      cost: config.GRAPHQL_MAX_COST,
      mutations: config.GRAPHQL_MAX_MUTATIONS,
    },
    hasIntrospection: config.GRAPHQL_INTROSPECTION ?? config.NODE_ENV !== 'production',
    logger,
  });
  const router = graphqlRouter({
    engine,
    services,
    watch,
    admission,
    policy,
    bodyLimitBytes: config.GRAPHQL_BODY_LIMIT,
    timeoutMs: config.GRAPHQL_TIMEOUT,
    writeTimeoutMs: config.GRAPHQL_WRITE_TIMEOUT,
    maxInFlight: config.MAX_IN_FLIGHT,
    logger,
    metrics,
  });
  return {
    router,
    connections: {
      name: 'graphql connections',
      start: () => kafka.start(),
      async stop() {
        services.close();
        await kafka.stop();
      },
    },
    subscriptions: watch,
  };
}
