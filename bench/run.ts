/**
 * Orders per second through the gateway, beside the identical transaction in pgbench, in one run on one machine.
 *
 *   node bench/run.ts [--seconds 20] [--connections 128] [--clients 32] [--json FILE]
 *
 * P2 is `pgbench -M prepared` calling the same server-side function with one order of two items per commit, on a database of
 * its own in the same Postgres: straight to the primary, and through pgpool. Ratios matter; absolutes belong to the machine.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadGateway } from './gateway-load.ts';
import { memoryOfStack } from './memory.ts';
import { createP2Database, runPgbench } from './pgbench.ts';
import { prepareShop } from './shop.ts';
import { benchStack } from './stack.ts';

/** pgpool's places, less those that the services hold. */
const PGPOOL_CLIENTS = 8;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    connections: { type: 'string', default: '128' },
    clients: { type: 'string', default: '32' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log('usage: node bench/run.ts [--seconds 20] [--connections 128] [--clients 32] [--json FILE]');
  process.exit(0);
}
const seconds = positive('seconds', values.seconds);
const connections = positive('connections', values.connections);
const clients = positive('clients', values.clients);

const stack = await benchStack();
try {
  const idleMemory = memoryOfStack(stack.settings);
  const shop = await prepareShop(stack.settings);
  await loadGateway(stack.settings, shop, { seconds: Math.min(5, seconds), connections });

  const p2 = await createP2Database(stack.settings, shop);
  const before = await runPgbench(p2, { seconds, clients, through: 'primary' });
  const load = await loadGateway(stack.settings, shop, { seconds, connections });
  const loadedMemory = memoryOfStack(stack.settings);
  const pooled = await runPgbench(p2, { seconds, clients: Math.min(clients, PGPOOL_CLIENTS), through: 'pgpool' });
  const after = await runPgbench(p2, { seconds, clients, through: 'primary' });
  await p2.drop();

  const primary = (before + after) / 2;
  const report = {
    machine: stack.machine,
    durability: stack.durability,
    seconds,
    gateway: load,
    p2: { primary: { before, after }, pgpool: pooled },
    ratio: { toPrimary: load.ordersPerSecond / primary, toPgpool: load.ordersPerSecond / pooled },
    memoryMb: { idle: idleMemory, loaded: loadedMemory },
  };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  const number = (value: number, digits = 0) => value.toFixed(digits);
  console.log(`
machine      ${report.machine}
durability   ${report.durability}
gateway      ${number(load.ordersPerSecond)} orders/s, ${connections} connections, ${seconds} s
             p50 ${number(load.p50Ms)} ms, p99 ${number(load.p99Ms)} ms, errors ${load.errors}
             every order reserved ${number(load.reservedAfterMs / 1_000, 1)} s after the load stopped
P2 pgbench   ${number(before)} and ${number(after)} orders/s on the primary (before and after), ${clients} clients
             ${number(pooled)} orders/s through pgpool, ${Math.min(clients, PGPOOL_CLIENTS)} clients
ratio        ${number(report.ratio.toPrimary, 2)} of P2 on the primary, ${number(report.ratio.toPgpool, 2)} of P2 through pgpool
memory       ${idleMemory.rss} MB RSS (${idleMemory.pss} MB PSS) idle, ${loadedMemory.rss} MB RSS (${loadedMemory.pss} MB PSS) after the load
`);
} finally {
  await stack.down();
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`--${name} takes a whole number above 0, not "${text}"`);
  process.exit(2);
}
