import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createPump, type Direction, type Pump } from './tcp-pump.ts';

/** Looks at what passes on one connection. What it returns goes on instead; undefined swallows it. */
export type Inspection = {
  toServer?(chunk: Buffer): Buffer | undefined;
  toClient?(chunk: Buffer): Buffer | undefined;
};

/** The inspected connection's ends: something may be said to the client in the server's place, or both be torn apart. */
export type Inspected = {
  answer(text: string): void;
  reset(): void;
};

export type TcpProxyOptions = {
  /** Called for each connection. */
  readonly inspect?: (connection: Inspected) => Inspection;
};

export type TcpProxy = {
  /** The given URL with the proxy's host and port in it. */
  readonly url: string;
  readonly port: number;
  /** Resets every connection through it and refuses new ones. */
  cut(): void;
  /** Resets every connection through it; new ones pass. */
  reset(): void;
  /** Keeps every connection open and passes nothing on: the silence of a host that has lost its state. */
  stall(direction?: Direction | 'both'): void;
  /** Each chunk waits so long, in both directions; 0 takes it back. */
  delay(delayMs: number): void;
  heal(): void;
  connections(): number;
  stop(): Promise<void>;
};

type Connection = { readonly client: Socket; readonly upstream: Socket; readonly pumps: readonly Pump[] };

/** A way to a server that can be cut, for tests of what happens then. Takes the URL of the server, and needs its port in it. */
export async function tcpProxy(serverUrl: string, { inspect }: TcpProxyOptions = {}): Promise<TcpProxy> {
  const target = new URL(serverUrl);
  const open = new Set<Connection>();
  const stalled = new Set<Direction>();
  let isCut = false;
  let delayMs = 0;
  const gate = { isStalled: (direction: Direction) => stalled.has(direction), delayMs: () => delayMs };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    client.on('error', () => client.destroy());
    if (isCut) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: target.hostname, port: Number(target.port), allowHalfOpen: true, noDelay: true });
    const inspection = inspect?.({
      answer: (text) => void client.write(text),
      reset: () => tear(connection),
    });
    const connection: Connection = {
      client,
      upstream,
      pumps: [
        createPump(client, upstream, { direction: 'to-server', gate, look: inspection?.toServer?.bind(inspection) }),
        createPump(upstream, client, { direction: 'to-client', gate, look: inspection?.toClient?.bind(inspection) }),
      ],
    };
    open.add(connection);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      // What happened to one end happens to the other: a reset stays a reset.
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', () => {
        open.delete(connection);
        if (!socket.readableEnded) other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);

  const tear = (connection: Connection): void => {
    open.delete(connection);
    connection.client.resetAndDestroy();
    connection.upstream.destroy();
  };
  const tearAll = (): void => {
    for (const connection of [...open]) tear(connection);
  };
  const update = (): void => {
    for (const { pumps } of open) for (const pump of pumps) pump.update();
  };
  return {
    url: url.href,
    port: address.port,
    cut() {
      isCut = true;
      tearAll();
    },
    reset: tearAll,
    stall(direction = 'both') {
      if (direction !== 'to-client') stalled.add('to-server');
      if (direction !== 'to-server') stalled.add('to-client');
      update();
    },
    delay(ms) {
      delayMs = ms;
    },
    heal() {
      isCut = false;
      delayMs = 0;
      stalled.clear();
      update();
    },
    connections: () => open.size,
    async stop() {
      server.close();
      tearAll();
      await once(server, 'close');
    },
  };
}
