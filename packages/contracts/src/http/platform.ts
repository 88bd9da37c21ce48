/** What every process answers besides its routes: probes, metrics, documents. */

import type { Json } from '../documented.ts';
import type { ErrorCode } from '../errors.ts';
import type { PlainOperation } from '../openapi.ts';
import { headersOf } from '../openapi-answers.ts';

/** The .proto files; each service serves its own and those that it imports. */
export const PROTO_NAMES = ['auth', 'common', 'order', 'payment', 'product'] as const;

const health = (summary: string, isSummary: boolean) => ({
  type: 'object',
  description: summary,
  properties: {
    data: {
      type: 'object',
      properties: {
        status: { enum: ['ready'] },
        checks: {
          type: 'object',
          description: 'What is needed, by name.',
          additionalProperties: {
            type: 'object',
            properties: { status: { enum: ['up', 'degraded'] } },
            required: ['status'],
          },
        },
        dependencies: {
          type: 'object',
          description: 'The breakers of what is called, by name; one that is not closed degrades the service.',
          additionalProperties: { enum: ['closed', 'half_open', 'open'] },
        },
        ...(isSummary
          ? {
              service: { type: 'string' },
              version: { type: 'string' },
              uptime_seconds: { type: 'integer', minimum: 0 },
              live: { const: true },
            }
          : {}),
      },
      required: ['status', 'checks', ...(isSummary ? ['service', 'version', 'uptime_seconds', 'live'] : [])],
    },
  },
  required: ['data'],
});

const LIVE = {
  type: 'object',
  properties: { data: { type: 'object', properties: { status: { const: 'live' } }, required: ['status'] } },
  required: ['data'],
};

type Page = {
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  /** Of its content. */
  readonly type: string;
  readonly schema?: Json;
  readonly parameters?: readonly Json[];
  readonly failures: readonly ErrorCode[];
};

/** A GET that anyone may ask. */
export function page({
  path,
  id,
  summary,
  type,
  schema = { type: 'string' },
  parameters,
  failures,
}: Page): PlainOperation {
  return {
    method: 'get',
    path,
    operation: {
      operationId: id,
      tags: ['platform'],
      summary,
      security: [],
      ...(parameters === undefined ? {} : { parameters }),
      responses: { 200: { description: 'Success', headers: headersOf(), content: { [type]: { schema } } } },
    },
    failures,
  };
}

/** Of every process, the gateway included. `failures` are those of any request. */
export function platformOperations(failures: readonly ErrorCode[]): PlainOperation[] {
  const json = 'application/json';
  const notReady: ErrorCode[] = [...failures, 'UNAVAILABLE'];
  return [
    page({
      path: '/health',
      id: 'health',
      summary: 'Liveness and readiness at a glance',
      type: json,
      schema: health('Ready', true),
      failures: notReady,
    }),
    page({
      path: '/health/live',
      id: 'healthLive',
      summary: 'Whether the process answers',
      type: json,
      schema: LIVE,
      failures,
    }),
    page({
      path: '/health/ready',
      id: 'healthReady',
      summary: 'Whether what it needs can be used',
      type: json,
      schema: health('Ready', false),
      failures: notReady,
    }),
    page({
      path: '/metrics',
      id: 'metrics',
      summary: 'Metrics in the Prometheus text format',
      type: 'text/plain',
      failures,
    }),
    page({
      path: '/openapi.json',
      id: 'openapi',
      summary: 'This document',
      type: json,
      schema: { type: 'object' },
      failures,
    }),
  ];
}
