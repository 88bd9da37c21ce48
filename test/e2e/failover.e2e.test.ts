import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@punctual/testing';
import { Client } from 'pg';
import { newCustomers, newProduct, platformAt, platformReady, settings, stack } from './platform.ts';
import { everyOrderIsThereOnce, type SteadyOrders, steadyOrders } from './steady-orders.ts';

const CUSTOMERS = 6;
const STOCK = 100_000;
const SOME_ORDERS = 40;
/** The promise: so long after the loss of the primary, orders are accepted again. */
const ACCEPTED_AGAIN_MS = 30_000;
/** A server that may start does so in less. */
const START_MS = 5_000;

type Servers = {
  readonly POSTGRES_PRIMARY_PROGRAM: string;
  readonly POSTGRES_REPLICA_PROGRAM: string;
  readonly POSTGRES_ADMIN_URL: string;
  readonly POSTGRES_REPLICA_ADMIN_URL: string;
};

describe("Postgres' primary", function () {
  this.timeout(180_000);
  let first: Servers;
  let load: SteadyOrders | undefined;

  before(async () => {
    await platformAt(1);
    // What an interrupted run may have left.
    await rm(dataFolder('lost'), { recursive: true, force: true });
    await upWith('synchronous', 'automatic');
    first = await servers();
    assert.deepEqual(await replicas(), ['streaming sync']);
  });
  // A failure is not to leave customers behind that order for ever.
  afterEach(() => load?.stop());
  // `up` makes the replica anew where that is needed, whatever state a failure has left.
  after(() => upWith('asynchronous', 'manual'));

  it('is lost with its disk: within 30 s orders are accepted again, and each that was accepted is there once', async () => {
    const orders = await startOrders();
    await orders.answeredSince(0, SOME_ORDERS);

    await rename(dataFolder(first.POSTGRES_PRIMARY_PROGRAM), dataFolder('lost'));
    const lostAt = Date.now();
    await stack('kill', first.POSTGRES_PRIMARY_PROGRAM);
    const killedAt = Date.now();
    const [next] = await orders.answeredSince(killedAt, 1);
    await orders.answeredSince(killedAt, SOME_ORDERS);
    const placed = await orders.stop();

    const gapMs = (next?.answeredAt ?? Number.NaN) - lostAt;
    assert.ok(gapMs < ACCEPTED_AGAIN_MS, `orders were accepted again after ${gapMs} ms`);
    assert.equal((await servers()).POSTGRES_PRIMARY_PROGRAM, first.POSTGRES_REPLICA_PROGRAM);
    await everyOrderIsThereOnce(placed);
  });

  it('does not come back as a second primary when it is started again', async () => {
    await rename(dataFolder('lost'), dataFolder(first.POSTGRES_PRIMARY_PROGRAM));
    const environment = { ...process.env, STACK: settings.STACK };
    const starting = promisify(execFile)(
      process.execPath,
      ['infra/stack.ts', 'start', first.POSTGRES_PRIMARY_PROGRAM],
      {
        env: environment,
        timeout: START_MS,
      },
    );
    await assert.rejects(starting, { killed: true }, 'the former primary is up');
    await assert.rejects(query(first.POSTGRES_ADMIN_URL, 'SELECT 1'), { code: 'ECONNREFUSED' });
  });

  it('that was, becomes the synchronous replica of the one that is', async () => {
    await stack('rejoin');
    assert.deepEqual(await replicas(), ['streaming sync']);
    await platformReady();
  });

  it('changes places with its replica by hand, under load, and nothing is lost', async () => {
    const orders = await startOrders();
    await orders.answeredSince(0, SOME_ORDERS);
    await stack('promote');
    await orders.answeredSince(Date.now(), SOME_ORDERS);
    const placed = await orders.stop();
    assert.deepEqual(await servers(), first);
    await everyOrderIsThereOnce(placed);

    await stack('rejoin');
    assert.deepEqual(await replicas(), ['streaming sync']);
  });

  async function startOrders(): Promise<SteadyOrders> {
    // A replica that comes back makes pgpool drop its connections, and what was under way is answered 503.
    const [customers, product] = await eventually(async () => [await newCustomers(CUSTOMERS), await newProduct(STOCK)]);
    load = steadyOrders(customers, product.id);
    return load;
  }
});

/** What a stack keeps until it is told otherwise. */
async function upWith(replication: string, failover: string): Promise<void> {
  const { REPLICATION, FAILOVER } = process.env;
  Object.assign(process.env, { REPLICATION: replication, FAILOVER: failover });
  try {
    await stack('up');
    await platformReady();
  } finally {
    for (const [name, value] of Object.entries({ REPLICATION, FAILOVER })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

/** Who is who at present. */
async function servers(): Promise<Servers> {
  const { stdout } = await promisify(execFile)(process.execPath, ['infra/stack.ts', 'env', settings.STACK, '--json']);
  const all: Servers = JSON.parse(stdout);
  return {
    POSTGRES_PRIMARY_PROGRAM: all.POSTGRES_PRIMARY_PROGRAM,
    POSTGRES_REPLICA_PROGRAM: all.POSTGRES_REPLICA_PROGRAM,
    POSTGRES_ADMIN_URL: all.POSTGRES_ADMIN_URL,
    POSTGRES_REPLICA_ADMIN_URL: all.POSTGRES_REPLICA_ADMIN_URL,
  };
}

function dataFolder(program: string): string {
  return join(settings.STACK_HOME, 'data', 'postgres', program);
}

/** How the primary sees its replicas. */
async function replicas(): Promise<unknown[]> {
  const { POSTGRES_ADMIN_URL } = await servers();
  return await query(POSTGRES_ADMIN_URL, "SELECT state || ' ' || sync_state FROM pg_stat_replication");
}

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text: statement, rowMode: 'array' });
    return rows.map(([value]) => value);
  } finally {
    await client.end();
  }
}
