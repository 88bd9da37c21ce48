import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const LIBRARIES = [
  'zod',
  'kafkajs',
  'amqplib',
  'knex',
  'pg',
  'express',
  'etcd3',
  '@grpc/grpc-js',
  'nice-grpc-common',
  'cockatiel',
  '@opensearch-project/opensearch',
];

/** What is allowed: no rule speaks up about it. */
const LAWFUL: Readonly<Record<string, string>> = {
  'packages/contracts/src/index.ts': `import { z } from 'zod';\nexport const order = z;\nexport type Order = { id: number };\n`,
  'packages/postgres/src/index.ts': `import type { Knex } from 'knex';\nexport type { Knex };\nexport const rows = 1;\n`,
  'packages/messaging/src/index.ts': `import { Kafka } from 'kafkajs';\nimport amqp from 'amqplib';\nexport const outbox = [Kafka, amqp];\n`,
  'packages/coordination/src/index.ts': `import { Etcd3 } from 'etcd3';\nexport const etcd = Etcd3;\n`,
  'packages/contracts/generated/grpc/product.ts': `import type { CallContext } from 'nice-grpc-common';\nexport type Context = CallContext;\n`,
  'packages/grpc/src/index.ts': `import { Client } from '@grpc/grpc-js';\nexport const client = Client;\n`,
  'packages/http/src/index.ts': `import express from 'express';\nexport const http = express;\n`,
  'packages/resilience/src/index.ts': `import { wrap } from 'cockatiel';\nexport const policies = wrap;\n`,
  'packages/testing/src/index.ts': `export const eventually = 1;\n`,
  'services/order/src/main.ts': `import { buildApp } from './app.ts';\nimport { config } from './config.ts';\nbuildApp(config);\n`,
  'services/order/src/config.ts': 'export const config = 1;\n',
  'services/order/src/app.ts': `import { routes } from './http/routes.ts';\nimport '../src/timers/expiry.ts';\nimport './store/orders.ts';\nexport function buildApp(_config: number) { return routes; }\n`,
  'services/order/src/domain/order.ts': 'export type OrderState = string;\nexport const transition = 1;\n',
  'services/order/src/store/orders.ts': `import type { OrderState } from '../domain/order.ts';\nimport { rows } from '../../../../packages/postgres/src/index.ts';\nexport const load = rows;\nexport type Row = OrderState;\n`,
  'services/order/src/search/index.ts': `import { transition } from '../domain/order.ts';\nimport { Client } from '@opensearch-project/opensearch';\nexport const index = [transition, Client];\n`,
  'services/order/src/commands/pay-order.ts': `import '../search/index.ts';\nimport { transition } from '../domain/order.ts';\nimport { load } from '../store/orders.ts';\nimport { outbox } from '../../../../packages/messaging/src/index.ts';\nexport const payOrder = [transition, load, outbox];\n`,
  'services/order/src/queries/list-orders.ts': `import { load } from '../store/orders.ts';\nexport const listOrders = load;\n`,
  'services/order/src/http/routes.ts': `import { payOrder } from '../commands/pay-order.ts';\nimport { listOrders } from '../queries/list-orders.ts';\nimport { http } from '../../../../packages/http/src/index.ts';\nexport const routes = [payOrder, listOrders, http];\n`,
  'services/order/src/timers/expiry.ts': `import { payOrder } from '../commands/pay-order.ts';\nexport const expire = payOrder;\n`,
  'services/order/test/order.component.test.ts': `import { buildApp } from '../src/app.ts';\nimport { eventually } from '../../../packages/testing/src/index.ts';\nbuildApp(eventually);\n`,
  'services/mail/src/app.ts': 'export const mail = 1;\n',
};

/** One deliberate breach of each rule. */
const BREACHES: readonly { rule: string; file: string; source: string }[] = [
  {
    rule: 'no-cycles',
    file: 'packages/http/src/a.ts',
    source: `import type { B } from './b.ts';\nexport type A = B;\n`,
  },
  { rule: 'resolvable', file: 'packages/http/src/missing.ts', source: `import './nowhere.ts';\n` },
  {
    rule: 'domain-imports-itself',
    file: 'services/order/src/domain/type-only.ts',
    source: `import type { Order } from '../../../../packages/contracts/src/index.ts';\nexport type O = Order;\n`,
  },
  { rule: 'domain-imports-itself', file: 'services/order/src/domain/impure.ts', source: `import 'node:crypto';\n` },
  {
    rule: 'store-imports-domain',
    file: 'services/order/src/store/up.ts',
    source: `import '../commands/pay-order.ts';\n`,
  },
  {
    rule: 'search-imports-domain',
    file: 'services/order/src/search/side.ts',
    source: `import '../store/orders.ts';\n`,
  },
  {
    rule: 'http-imports-commands-and-queries',
    file: 'services/order/src/http/searching.ts',
    source: `import '../search/index.ts';\n`,
  },
  {
    rule: 'opensearch-behind-search',
    file: 'services/mail/src/finding.ts',
    source: `import { Client } from '@opensearch-project/opensearch';\nexport const client = Client;\n`,
  },
  {
    rule: 'commands-import-domain-and-store',
    file: 'services/order/src/commands/up.ts',
    source: `import '../queries/list-orders.ts';\n`,
  },
  {
    rule: 'queries-import-store',
    file: 'services/order/src/queries/side.ts',
    source: `import '../commands/pay-order.ts';\n`,
  },
  {
    rule: 'core-knows-no-transport',
    file: 'services/order/src/commands/http.ts',
    source: `import '../../../../packages/http/src/index.ts';\n`,
  },
  {
    rule: 'http-imports-commands-and-queries',
    file: 'services/order/src/http/deep.ts',
    source: `import '../store/orders.ts';\n`,
  },
  {
    rule: 'timers-imports-commands-and-queries',
    file: 'services/order/src/timers/side.ts',
    source: `import '../http/routes.ts';\n`,
  },
  {
    rule: 'events-imports-commands-and-queries',
    file: 'services/order/src/events/up.ts',
    source: `import '../app.ts';\n`,
  },
  { rule: 'grpc-imports-commands-and-queries', file: 'services/order/src/grpc.ts', source: `import './config.ts';\n` },
  { rule: 'main-imports-app-and-config', file: 'services/mail/src/main.ts', source: `import './store/ledger.ts';\n` },
  { rule: 'main-is-imported-by-nobody', file: 'services/order/src/app.unit.test.ts', source: `import './main.ts';\n` },
  {
    rule: 'no-service-imports-a-service',
    file: 'services/order/src/mailing.ts',
    source: `import '../../mail/src/app.ts';\n`,
  },
  {
    rule: 'no-package-imports-a-service',
    file: 'packages/http/src/upward.ts',
    source: `import '../../../services/mail/src/app.ts';\n`,
  },
  {
    rule: 'contracts-import-zod',
    file: 'packages/contracts/src/extra.ts',
    source: `import express from 'express';\nexport default express;\n`,
  },
  {
    rule: 'packages-by-their-index',
    file: 'services/mail/src/deep.ts',
    source: `import '../../../packages/http/src/inner.ts';\n`,
  },
  {
    rule: 'testing-is-for-tests',
    file: 'services/mail/src/waits.ts',
    source: `import '../../../packages/testing/src/index.ts';\n`,
  },
  {
    rule: 'brokers-behind-messaging',
    file: 'services/mail/src/broker.ts',
    source: `import type { Kafka } from 'kafkajs';\nexport type K = Kafka;\n`,
  },
  {
    rule: 'etcd-behind-coordination',
    file: 'services/mail/src/discovery.ts',
    source: `import { Etcd3 } from 'etcd3';\nexport const etcd = Etcd3;\n`,
  },
  {
    rule: 'grpc-behind-packages-grpc',
    file: 'services/mail/src/call.ts',
    source: `import type { Metadata } from '@grpc/grpc-js';\nexport type M = Metadata;\n`,
  },
  {
    rule: 'core-knows-no-transport',
    file: 'services/order/src/queries/call.ts',
    source: `import '../../../../packages/grpc/src/index.ts';\n`,
  },
  {
    rule: 'knex-behind-postgres',
    file: 'services/mail/src/sql.ts',
    source: `import knex from 'knex';\nexport const db = knex;\n`,
  },
  {
    rule: 'cockatiel-behind-resilience',
    file: 'services/mail/src/breaker.ts',
    source: `import { circuitBreaker } from 'cockatiel';\nexport const breaker = circuitBreaker;\n`,
  },
  {
    rule: 'pg-behind-postgres',
    file: 'services/mail/src/driver.ts',
    source: `import pg from 'pg';\nexport const db = pg;\n`,
  },
];
const SUPPORT: Readonly<Record<string, string>> = {
  'packages/http/src/b.ts': `import type { A } from './a.ts';\nexport type B = A;\n`,
  'packages/http/src/inner.ts': 'export const inner = 1;\n',
  'services/mail/src/store/ledger.ts': 'export const ledger = 1;\n',
};

describe('the import rules', () => {
  let folder: string;

  function write(files: Readonly<Record<string, string>>): void {
    for (const [file, source] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), source);
    }
  }

  function violations(): { status: number | null; found: string[] } {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        '--import',
        join(ROOT, 'test/boundaries/typescript-for-cruiser.ts'),
        join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs'),
        '--config',
        join(ROOT, '.dependency-cruiser.cjs'),
        'packages',
        'services',
      ],
      { cwd: folder, encoding: 'utf8' },
    );
    assert.doesNotMatch(stdout + stderr, /ERROR:/);
    return {
      status,
      found: [...stdout.matchAll(/^ +error ([a-z-]+): (\S+)/gm)].map(([, rule, file]) => `${rule} ${file}`),
    };
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'punctual-boundaries-'));
    for (const library of LIBRARIES) {
      write({
        [`node_modules/${library}/package.json`]: JSON.stringify({ name: library, version: '1.0.0', main: 'index.js' }),
        [`node_modules/${library}/index.js`]: 'module.exports = {};\n',
      });
    }
    write(LAWFUL);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('let the design through', () => {
    assert.deepEqual(violations(), { status: 0, found: [] });
  });

  it('report one deliberate breach of each, type-only imports included', () => {
    write(SUPPORT);
    write(Object.fromEntries(BREACHES.map(({ file, source }) => [file, source])));
    const { status, found } = violations();
    const expected = BREACHES.map(({ rule, file }) => `${rule} ${file}`);
    assert.deepEqual(
      expected.filter((breach) => !found.includes(breach)),
      [],
    );
    assert.deepEqual(
      found
        .filter((breach) => !expected.includes(breach))
        .filter((breach) => !breach.startsWith('no-cycles packages/http/src/b.ts')),
      [],
    );
    assert.equal(status, found.length);
  });
});
