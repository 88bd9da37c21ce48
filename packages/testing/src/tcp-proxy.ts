import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export type TcpProxy = {
  /** The given URL with the proxy's host and port in it. */
  readonly url: string;
  /** Ends every connection through it and refuses new ones. */
  cut(): void;
  heal(): void;
  connections(): number;
  stop(): Promise<void>;
};

/** A way to a server that can be cut, for tests of what happens then. Takes the URL of the server, and needs its port in it. */
export async function tcpProxy(serverUrl: string): Promise<TcpProxy> {
  const target = new URL(serverUrl);
  const open = new Set<Socket>();
  let isCut = false;

  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect({ host: target.hostname, port: Number(target.port) });
    open.add(client);
    const end = (): void => {
      open.delete(client);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.on('error', end);
      socket.on('close', end);
    }
    client.pipe(upstream);
    upstream.pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);

  const closeAll = (): void => {
    for (const client of open) client.destroy();
  };
  return {
    url: url.href,
    cut() {
      isCut = true;
      closeAll();
    },
    heal() {
      isCut = false;
    },
    connections: () => open.size,
    async stop() {
      server.close();
      closeAll();
      await once(server, 'close');
    },
  };
}
