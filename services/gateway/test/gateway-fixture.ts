import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { createMetrics, type Metrics, silentLogger } from '@punctual/telemetry';
import { type TestTokens, testTokens } from '@punctual/testing';
import { buildApp } from '../src/app.ts';
import { loadGatewayConfig } from '../src/config.ts';

/** Nobody listens on the discard port: connections are refused at once. */
export const CLOSED_ADDRESS = '127.0.0.1:9';

/** What services prove themselves with, here. */
export const SERVICE_KEY = 'a key that only these tests have in common';

/** An application behind the gateway, on a free port, that a test scripts as it needs. */
export type UpstreamApp = {
  readonly url: string;
  readonly server: Server;
  /** Every request that arrived, oldest first. */
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers'] }[];
  stop(): Promise<void>;
};

export async function startUpstream(handle: RequestListener = answerJson): Promise<UpstreamApp> {
  const requests: UpstreamApp['requests'] = [];
  const server = createServer((req, res) => {
    if (req.url !== '/health/ready') {
      requests.push({ method: req.method ?? '', url: req.url ?? '', headers: req.headers });
    }
    handle(req, res);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    requests,
    async stop() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}

/** Takes the whole body and answers it with what else was seen. */
export function answerJson(req: IncomingMessage, res: ServerResponse): void {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    const text = JSON.stringify({ data: { url: req.url, method: req.method, body: Buffer.concat(chunks).toString() } });
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
  });
}

export type GatewayFixture = {
  readonly url: string;
  readonly port: number;
  readonly metrics: Metrics;
  stop(): Promise<void>;
};

let tokens: TestTokens | undefined;

/** One signer for a test file; call `stopTokens` at its end. */
export async function sharedTokens(): Promise<TestTokens> {
  tokens ??= await testTokens();
  return tokens;
}

export async function stopTokens(): Promise<void> {
  await tokens?.stop();
  tokens = undefined;
}

/** A whole gateway on a free port. `upstreams` maps names to the addresses of one or more instances, each name owning `/<name>s`; `env` overrides what is set here. */
export async function startGateway(
  upstreams: Readonly<Record<string, string | readonly string[]>>,
  env: Readonly<Record<string, string>> = {},
): Promise<GatewayFixture> {
  const { jwksUrl, issuer, audience } = await sharedTokens();
  const routes = Object.keys(upstreams).map((name) => ({ name, prefixes: [`/${name}s`] }));
  const addresses = Object.entries(upstreams).map(([name, urls]) => [
    name,
    [urls].flat().map((url) => ({ http: new URL(url).host })),
  ]);
  const config = loadGatewayConfig({
    HOST: '127.0.0.1',
    PORT: '0',
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    JWKS_URL: jwksUrl,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    REDIS_NODES: CLOSED_ADDRESS,
    KAFKA_BROKERS: CLOSED_ADDRESS,
    SERVICE_KEY,
    PUBLIC_URL: 'https://shop.example',
    GATEWAY_ROUTES: JSON.stringify(routes),
    SERVICE_ADDRESSES: JSON.stringify(Object.fromEntries(addresses)),
    ...env,
  });
  const metrics = createMetrics('gateway');
  const gateway = buildApp(config, { logger: silentLogger(), metrics });
  await gateway.start();
  return { url: gateway.url, port: Number(new URL(gateway.url).port), metrics, stop: () => gateway.stop() };
}

/** Sends bytes as they are and returns everything that comes back until the gateway closes or `until` is seen. */
export async function sendRaw(port: number, bytes: string, until?: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let received = '';
  const done = new Promise<string>((resolve, reject) => {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      received += text;
      if (until !== undefined && received.includes(until)) resolve(received);
    });
    socket.on('close', () => resolve(received));
    socket.on('error', (error) => (received === '' ? reject(error) : resolve(received)));
  });
  socket.write(bytes, 'latin1');
  const answer = await done;
  socket.destroy();
  return answer;
}

export type ErrorAnswer = { error: { code: string; message: string; details: unknown; request_id: string } };

export async function errorOf(response: Response): Promise<ErrorAnswer['error']> {
  return ((await response.json()) as ErrorAnswer).error;
}

/** The value of a metric's series, 0 when there is none yet. */
export async function metricValue(
  metrics: Metrics,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<number> {
  const metric = await metrics.registry.getSingleMetric(name)?.get();
  const match = metric?.values.find((value) => {
    const seen: Record<string, unknown> = value.labels;
    return Object.entries(labels).every(([label, wanted]) => seen[label] === wanted);
  });
  return match?.value ?? 0;
}
