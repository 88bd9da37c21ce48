import {
  databaseConfig,
  discoveryConfig,
  duration,
  grpcConfig,
  httpConfig,
  identityConfig,
  integer,
  kafkaConfig,
  logConfig,
  resilienceConfig,
  url,
} from '@punctual/config';
import { z } from 'zod';

/** What migrations, the seed and a rebuild need: the database alone. */
export const databaseOnlyConfig = z.object({ ...databaseConfig, ...logConfig });
export type DatabaseOnlyConfig = z.infer<typeof databaseOnlyConfig>;

const openSearchUrl = url({ example: 'http://localhost:9200' });
const searchIndexConfig = {
  /** Stands in front of every index and alias. */
  OPENSEARCH_INDEX_PREFIX: z
    .string()
    .regex(/^([a-z0-9][a-z0-9_.-]*)?$/, 'small letters, digits, dots and dashes')
    .default(''),
  /** Of an index that is made from now on. */
  OPENSEARCH_SHARDS: integer({ min: 1, max: 100 }).default(1),
  OPENSEARCH_REPLICAS: integer({ min: 0, max: 10 }).default(0),
};
export type SearchIndexConfig = z.infer<z.ZodObject<typeof searchIndexConfig>>;

/** What a reindex needs: the database and OpenSearch. */
export const reindexConfig = z.object({
  ...databaseConfig,
  ...logConfig,
  ...searchIndexConfig,
  OPENSEARCH_URL: openSearchUrl,
});
export type ReindexConfig = z.infer<typeof reindexConfig>;

export const serviceConfig = z.object({
  ...httpConfig,
  ...grpcConfig,
  ...discoveryConfig,
  ...databaseConfig,
  ...kafkaConfig,
  ...identityConfig,
  ...resilienceConfig,
  ...logConfig,
  ...searchIndexConfig,
  /** Of one search there; then Postgres answers. */
  OPENSEARCH_TIMEOUT: duration().prefault('500ms'),
  /** Searches that OpenSearch is asked at a time; Postgres answers those beyond. It works on 3/2 × processors + 1 at once. */
  OPENSEARCH_CONCURRENCY: integer({ min: 1, max: 1_000 }).default(4),
  /** Without it, Postgres answers searches and nothing is indexed. */
  OPENSEARCH_URL: openSearchUrl.optional(),
});
export type ServiceConfig = z.infer<typeof serviceConfig>;
