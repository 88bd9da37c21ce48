import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { eventually } from '@punctual/testing';
import { createDnsResolver } from './dns-resolver.ts';
import type { Resolver } from './resolver.ts';

const HEADER_BYTES = 12;
const NAME_ERROR = 3;

describe('services that are found in DNS', () => {
  let server: Socket;
  let resolver: Resolver;
  let hosts: string[] | undefined;
  let asked = '';

  before(async () => {
    server = createSocket('udp4', (query, { port, address }) => {
      asked = nameIn(query);
      server.send(answerTo(query, hosts), port, address);
    });
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    resolver = createDnsResolver({
      name: 'tasks.{service}',
      httpPort: 3000,
      grpcPort: 4000,
      intervalMs: 20,
      addresses: {},
      logger: silentLogger(),
      metrics: createMetrics('test'),
      nameServers: [`127.0.0.1:${server.address().port}`],
    });
  });
  after(async () => {
    await resolver.close();
    server.close();
  });

  it('are one instance for each A record, follow its changes, and stay known when their name is gone', async () => {
    let latest: readonly unknown[] = [];
    let times = 0;
    hosts = ['10.0.0.2', '10.0.0.1'];
    resolver.watch('product', (instances) => {
      latest = instances;
      times += 1;
    });
    const first = { http: '10.0.0.1:3000', grpc: '10.0.0.1:4000' };
    await eventually(() => assert.deepEqual(latest, [first, { http: '10.0.0.2:3000', grpc: '10.0.0.2:4000' }]));
    assert.equal(asked, 'tasks.product');
    hosts = ['10.0.0.1'];
    await eventually(() => assert.deepEqual(latest, [first]));
    hosts = undefined;
    asked = '';
    await eventually(() => assert.equal(asked, 'tasks.product'));
    assert.deepEqual([latest, times], [[first], 2]);
  });
});

function nameIn(query: Buffer): string {
  const labels: string[] = [];
  for (let at = HEADER_BYTES; query.readUInt8(at) > 0; at += 1 + query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query.readUInt8(at)));
  }
  return labels.join('.');
}

/** The question and an A record for each host; a name error without hosts. */
function answerTo(query: Buffer, hosts: readonly string[] | undefined): Buffer {
  const header = Buffer.from(query.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(0x8180 + (hosts === undefined ? NAME_ERROR : 0), 2);
  header.writeUInt16BE(hosts?.length ?? 0, 6);
  header.writeUInt16BE(0, 10);
  const question = query.subarray(HEADER_BYTES, HEADER_BYTES + nameIn(query).length + 2 + 4);
  const records = (hosts ?? []).map((host) =>
    // A pointer to the question's name, type A, class IN, no time to live, four bytes.
    Buffer.from([0xc0, HEADER_BYTES, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...host.split('.').map(Number)]),
  );
  return Buffer.concat([header, question, ...records]);
}
