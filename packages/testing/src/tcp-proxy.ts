import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export type TcpProxy = {
  /** The given URL with the proxy's host and port in it. */
  readonly url: string;
  /** Ends every connection through it and refuses new ones. */
  cut(): void;
  /** Keeps every connection open and passes nothing on: the silence of a host that has lost its state. */
  stall(): void;
  heal(): void;
  connections(): number;
  stop(): Promise<void>;
};

/** A way to a server that can be cut, for tests of what happens then. Takes the URL of the server, and needs its port in it. */
export async function tcpProxy(serverUrl: string): Promise<TcpProxy> {
  const target = new URL(serverUrl);
  const open = new Map<Socket, Socket>();
  let state: 'open' | 'cut' | 'stalled' = 'open';

  const join = (client: Socket, upstream: Socket): void => {
    client.pipe(upstream);
    upstream.pipe(client);
  };

  const server = createServer((client) => {
    if (state === 'cut') {
      client.destroy();
      return;
    }
    const upstream = connect({ host: target.hostname, port: Number(target.port) });
    open.set(client, upstream);
    const end = (): void => {
      open.delete(client);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.on('error', end);
      socket.on('close', end);
    }
    if (state === 'open') join(client, upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);

  const closeAll = (): void => {
    for (const client of open.keys()) client.destroy();
  };
  return {
    url: url.href,
    cut() {
      state = 'cut';
      closeAll();
    },
    stall() {
      state = 'stalled';
      for (const [client, upstream] of open) {
        client.unpipe(upstream);
        upstream.unpipe(client);
      }
    },
    heal() {
      if (state === 'stalled') for (const [client, upstream] of open) join(client, upstream);
      state = 'open';
    },
    connections: () => open.size,
    async stop() {
      server.close();
      closeAll();
      await once(server, 'close');
    },
  };
}
