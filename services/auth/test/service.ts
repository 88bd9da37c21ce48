import { loadConfig } from '@punctual/config';
import { type Logger, silentLogger } from '@punctual/telemetry';
import { TEST_SERVICE_KEY } from '@punctual/testing';
import { type AuthApp, buildApp, type Role } from '../src/app.ts';
import { configSchema } from '../src/config.ts';
import { signingKeyPem } from './fixture.ts';

export const ISSUER = 'https://shop.test';
export const AUDIENCE = 'shop';

/** Brokers that nobody runs: what only needs Postgres must work without them. */
const NO_BROKERS = { KAFKA_BROKERS: '127.0.0.1:1', RABBITMQ_URL: 'amqp://127.0.0.1:1' };

export type Answer = { status: number; headers: Headers; body: unknown };

export type Service = {
  readonly url: string;
  /** `host:port`. */
  readonly grpcAddress: string;
  post(path: string, body: unknown): Promise<Answer>;
  get(path: string): Promise<Answer>;
  send(path: string, init: RequestInit): Promise<Answer>;
  stop(): Promise<void>;
};

export type ServiceOptions = {
  readonly role: Role;
  /** Variables beside those that every test needs; DATABASE_URL at least. */
  readonly env: Readonly<Record<string, string>> & { readonly DATABASE_URL: string };
  readonly logger?: Logger;
};

/** The whole service in this process, on a free port. */
export async function startService({ role, env, logger = silentLogger() }: ServiceOptions): Promise<Service> {
  const config = loadConfig(configSchema, {
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: '0',
    GRPC_PORT: '0',
    SERVICE_KEY: TEST_SERVICE_KEY,
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: AUDIENCE,
    JWT_SIGNING_KEY: signingKeyPem(),
    ...NO_BROKERS,
    ...env,
  });
  const app: AuthApp = await buildApp(config, { role, logger });
  await app.start();

  async function send(path: string, init: RequestInit): Promise<Answer> {
    const response = await fetch(new URL(path, app.url), init);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  return {
    url: app.url,
    grpcAddress: app.grpcAddress,
    send,
    get: (path) => send(path, {}),
    post: (path, body) =>
      send(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    stop: () => app.stop(),
  };
}

/** The code of an error answer. */
export function errorCode(answer: Answer): string | undefined {
  const { body } = answer;
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  const { error } = body;
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined;
}
