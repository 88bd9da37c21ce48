import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { eventually } from './eventually.ts';
import { type TcpProxy, tcpProxy } from './tcp-proxy.ts';

/** Says back whatever it hears, and keeps it. */
async function echoServer(): Promise<{ url: string; heard(): string; server: Server; sockets: Socket[] }> {
  let heard = '';
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      socket.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address !== 'string');
  return { url: `tcp://127.0.0.1:${address.port}`, heard: () => heard, server, sockets };
}

describe('a TCP proxy', () => {
  let echo: Awaited<ReturnType<typeof echoServer>>;
  let proxy: TcpProxy;
  const clients: Socket[] = [];

  beforeEach(async () => {
    echo = await echoServer();
    proxy = await tcpProxy(echo.url);
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await proxy.stop();
    for (const socket of echo.sockets) socket.destroy();
    echo.server.close();
  });

  async function client() {
    const socket = connect({ host: '127.0.0.1', port: proxy.port });
    clients.push(socket);
    const seen = { text: '', error: undefined as string | undefined, isClosed: false };
    socket.on('data', (chunk: Buffer) => {
      seen.text += chunk.toString();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      seen.error = error.code;
    });
    socket.on('close', () => {
      seen.isClosed = true;
    });
    // A reset may come as early as the connection itself.
    await eventually(async () => assert.ok(!socket.connecting));
    return { socket, seen };
  }
  const sees = (seen: { text: string }, text: string) => eventually(async () => assert.equal(seen.text, text));

  it('passes both ways, and ends what has ended', async () => {
    const { socket, seen } = await client();
    socket.write('hello');
    await sees(seen, 'hello');
    socket.end();
    await eventually(async () => assert.equal(proxy.connections(), 0));
  });

  it('holds each chunk back for the delay, both ways, and keeps the order when the delay is taken back', async () => {
    const { socket, seen } = await client();
    proxy.delay(150);
    const sentAt = performance.now();
    socket.write('slow ');
    await eventually(async () => assert.equal(echo.heard(), 'slow '));
    assert.ok(performance.now() - sentAt >= 145);
    proxy.delay(0);
    socket.write('quick');
    await sees(seen, 'slow quick');
    assert.ok(performance.now() - sentAt >= 150);
  });

  it('stalled towards the client, the server hears and the client does not', async () => {
    const { socket, seen } = await client();
    proxy.stall('to-client');
    socket.write('one way');
    await eventually(async () => assert.equal(echo.heard(), 'one way'));
    assert.equal(seen.text, '');
    proxy.heal();
    await sees(seen, 'one way');
  });

  it('stalled towards the server, nothing is heard until it is healed, not even of new connections', async () => {
    const { socket, seen } = await client();
    proxy.stall('to-server');
    socket.write('old ');
    const later = await client();
    later.socket.write('new');
    assert.equal(echo.heard(), '');
    proxy.heal();
    await sees(seen, 'old ');
    await sees(later.seen, 'new');
  });

  it('resets what is open and lets new connections pass', async () => {
    const first = await client();
    first.socket.write('first');
    await sees(first.seen, 'first');
    proxy.reset();
    await eventually(async () => assert.equal(first.seen.error, 'ECONNRESET'));
    const second = await client();
    second.socket.write('second');
    await sees(second.seen, 'second');
  });

  it('cut, it resets old and new connections until it is healed', async () => {
    const first = await client();
    first.socket.write('first');
    await sees(first.seen, 'first');
    proxy.cut();
    await eventually(async () => assert.ok(first.seen.isClosed));
    const second = await client();
    await eventually(async () => assert.ok(second.seen.isClosed));
    assert.equal(second.seen.text, '');
    proxy.heal();
    const third = await client();
    third.socket.write('third');
    await sees(third.seen, 'third');
  });
});
