import assert from 'node:assert/strict';
import { create, createFileRegistry, fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials } from '@grpc/grpc-js';
import { AppError } from '@punctual/http';
import { createChannel, createClient } from 'nice-grpc';
import { HealthDefinition } from 'nice-grpc-server-health';
import { startClient, startServer } from '../test/grpc-fixture.ts';
import { isUnanswered } from './index.ts';

const PRODUCT_SERVICE = 'punctual.v1.ProductService';
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
/** Numbers of fields in grpc/reflection/v1/reflection.proto. */
const FILE_BY_FILENAME = 3;
const FILE_CONTAINING_SYMBOL = 4;
const LIST_SERVICES = 7;
const FILE_DESCRIPTOR_RESPONSE = 4;
const LIST_SERVICES_RESPONSE = 6;

const SERVING = 1;
const NOT_SERVING = 2;

describe('The server', () => {
  describe('tells of its health', () => {
    it('as a whole and of each service, and that it stops before it does', async () => {
      const { server } = await startServer({});
      const channel = createChannel(server.address);
      const health = createClient(HealthDefinition, channel);
      for (const service of ['', PRODUCT_SERVICE]) {
        assert.equal((await health.check({ service })).status, SERVING);
      }
      await assert.rejects(health.check({ service: 'punctual.v1.Nobody' }), /NOT_FOUND/);

      const seen: number[] = [];
      const firstSeen = Promise.withResolvers<void>();
      const watch = (async () => {
        for await (const { status } of health.watch({ service: PRODUCT_SERVICE })) {
          seen.push(status);
          firstSeen.resolve();
        }
      })().catch(() => undefined);
      await firstSeen.promise;
      await server.stop();
      await watch;
      assert.deepEqual(seen, [SERVING, NOT_SERVING]);
      channel.close();
    });
  });

  describe('tells what it serves', () => {
    it('so that a client that knows nothing can call it', async () => {
      const { server } = await startServer({
        getProduct: async ({ id }) => ({ product: { id, name: 'Lamp', createdAt: new Date(0) } }),
      });
      const client = new Client(server.address, credentials.createInsecure());
      try {
        const services = await listServices(client);
        assert.deepEqual(services, [PRODUCT_SERVICE]);

        const files = await filesOf(client, services[0] ?? '');
        const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: files }));
        const service = registry.getService(PRODUCT_SERVICE);
        assert.deepEqual(
          service?.methods.map(({ name }) => name),
          ['GetProduct', 'BatchGetProducts', 'ListProducts', 'SearchProducts', 'SuggestProducts'],
        );
        const method = service?.method.getProduct;
        assert.ok(method !== undefined);
        const request = create(method.input);
        Object.assign(request, { id: 5n });
        const answer = await new Promise<Uint8Array>((resolve, reject) => {
          client.makeUnaryRequest(
            `/${PRODUCT_SERVICE}/${method.name}`,
            () => Buffer.from(toBinary(method.input, request)),
            (bytes) => bytes,
            {},
            (error, bytes) => {
              if (error === null && bytes !== undefined) resolve(bytes);
              else reject(error);
            },
          );
        });
        const shown = toJson(method.output, fromBinary(method.output, answer), { registry });
        assert.deepEqual(shown, { product: { id: '5', name: 'Lamp', createdAt: '1970-01-01T00:00:00Z' } });
      } finally {
        client.close();
        await server.stop();
      }
    });
  });

  describe('stops', () => {
    it('when the calls under way are answered, and takes no new ones', async () => {
      const [begun, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const { server, lines } = await startServer({
        async getProduct({ id }) {
          begun.resolve();
          await release.promise;
          return { product: { id } };
        },
      });
      const [early, late] = [startClient(server.address), startClient(server.address)];
      const answer = early.calls.getProduct({ id: 5 });
      await begun.promise;
      const stopped = server.stop();
      const refused = await late.calls.getProduct({ id: 6 }).catch((error: unknown) => error);
      assert.ok(isUnanswered(refused), String(refused));
      release.resolve();
      assert.equal((await answer).product?.id, 5);
      await stopped;
      assert.equal(lines.filter(({ level }) => level === 'warn').length, 0);
      early.close();
      late.close();
    });

    it('within its bound, whatever still runs', async () => {
      const begun = Promise.withResolvers<void>();
      const { server, lines } = await startServer(
        {
          async getProduct() {
            begun.resolve();
            return await new Promise<never>(() => undefined);
          },
        },
        { drainTimeoutMs: 100 },
      );
      const client = startClient(server.address);
      const answer = client.calls.getProduct({ id: 5 }).catch((error: unknown) => error);
      await begun.promise;
      await server.stop();
      assert.ok(lines.some(({ message }) => message === 'grpc server cut calls that did not finish in time'));
      const error = await answer;
      assert.ok(error instanceof AppError && error.code === 'UNAVAILABLE', String(error));
      client.close();
    });
  });

  it('says which address is taken', async () => {
    const { server } = await startServer({});
    await assert.rejects(startServer({}, { port: server.port }), /cannot listen on 127\.0\.0\.1:\d+ for gRPC/);
    await server.stop();
  });
});

/** One question to the reflection service; the field of the answer that is asked for. */
function ask(client: Client, question: Buffer, field: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const stream = client.makeBidiStreamRequest(
      REFLECTION,
      (bytes: Buffer) => bytes,
      (bytes) => bytes,
    );
    stream.on('error', reject);
    stream.on('data', (answer: Buffer) => {
      stream.end();
      const [found] = bytesOf(answer, field);
      if (found === undefined) reject(new Error('the server has no such thing'));
      else resolve(found);
    });
    stream.write(question);
  });
}

async function listServices(client: Client): Promise<string[]> {
  const question = new BinaryWriter().tag(LIST_SERVICES, 2).string('*').finish();
  const answer = await ask(client, Buffer.from(question), LIST_SERVICES_RESPONSE);
  return bytesOf(answer, 1).flatMap((service) => bytesOf(service, 1).map((name) => Buffer.from(name).toString()));
}

/** The file that has the symbol and all that it imports, each after what it needs. */
async function filesOf(client: Client, symbol: string): Promise<FileDescriptorProto[]> {
  const files = new Map<string, FileDescriptorProto>();
  const fetchFile = async (field: number, value: string): Promise<void> => {
    const question = new BinaryWriter().tag(field, 2).string(value).finish();
    const [bytes] = bytesOf(await ask(client, Buffer.from(question), FILE_DESCRIPTOR_RESPONSE), 1);
    assert.ok(bytes !== undefined);
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    for (const needed of file.dependency) if (!files.has(needed)) await fetchFile(FILE_BY_FILENAME, needed);
    files.set(file.name, file);
  };
  await fetchFile(FILE_CONTAINING_SYMBOL, symbol);
  return [...files.values()];
}

/** All length-delimited values of one field of a message. */
function bytesOf(message: Uint8Array, field: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === field) found.push(reader.bytes());
    else reader.skip(wireType);
  }
  return found;
}
