import { once } from 'node:events';
import { createServer, connect as open, type Server, type Socket } from 'node:net';

export type TcpProxy = {
  readonly port: number;
  /** Refuses connections, and cuts those that are open. */
  down(): Promise<void>;
  up(): Promise<void>;
};

/** A way to a broker that a test can break without disturbing others who use the broker. Starts down. */
export async function tcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;

  const serve = (client: Socket): void => {
    const upstream = open(target);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  };

  async function listen(port: number): Promise<number> {
    server = createServer(serve).listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    return address.port;
  }

  async function down(): Promise<void> {
    const closing = server;
    server = undefined;
    for (const socket of sockets) socket.destroy();
    if (closing === undefined) return;
    closing.close();
    await once(closing, 'close');
  }

  const port = await listen(0);
  await down();
  return {
    port,
    down,
    async up() {
      await listen(port);
    },
  };
}
