import { once } from 'node:events';
import {
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';

export type DeafProxy = {
  /** `host:port`. */
  readonly address: string;
  lost(): number;
  stop(): Promise<void>;
};

export type DeafProxyOptions = {
  /** `host:port` of the server behind it. */
  readonly target: string;
  /** The path of the method whose answers may be lost: `/punctual.v1.PaymentService/ProcessPayment`. */
  readonly method: string;
  /** Asked for each of them. */
  loses(): boolean;
};

/** Between a gRPC client and a server: calls pass, answers to one method are lost with their connection when `loses` says so. */
export async function deafGrpcProxy({ target, method, loses }: DeafProxyOptions): Promise<DeafProxy> {
  let lost = 0;
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (client) => {
    sessions.add(client);
    const upstream = connect(`http://${target}`);
    client.on('error', () => undefined);
    client.on('close', () => {
      sessions.delete(client);
      upstream.destroy();
    });
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => client.destroy());
    client.on('stream', (stream, headers) => {
      const call = upstream.request(headers);
      pass(stream, call, () => {
        if (headers[constants.HTTP2_HEADER_PATH] !== method || !loses()) return true;
        lost += 1;
        client.destroy();
        return false;
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');

  return {
    address: `127.0.0.1:${address.port}`,
    lost: () => lost,
    async stop() {
      server.close();
      for (const session of sessions) session.destroy();
      await once(server, 'close');
    },
  };
}

/** One call. Its answer begins with headers, which are all of it when the call failed at once, and ends with trailers. */
function pass(stream: ServerHttp2Stream, call: ClientHttp2Stream, mayAnswer: () => boolean): void {
  let trailers: IncomingHttpHeaders = {};
  stream.pipe(call);
  stream.on('error', () => call.close(constants.NGHTTP2_CANCEL));
  stream.on('aborted', () => call.close(constants.NGHTTP2_CANCEL));
  call.on('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  call.on('trailers', (told) => {
    trailers = told;
  });
  call.on('response', (answer, flags) => {
    if (!mayAnswer()) return;
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.respond(answer, { endStream, waitForTrailers: !endStream });
    if (endStream) return;
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    call.pipe(stream);
  });
}
