import { loadConfig } from '@punctual/config';
import { type Command, runMain } from '@punctual/lifecycle';
import { buildApp, migrateDatabase, type Role, rebuild, reindex, seed } from './app.ts';
import { databaseOnlyConfig, reindexConfig, serviceConfig } from './config.ts';

const MAX_PRINTED = 50;

const databaseOnly = () => loadConfig(databaseOnlyConfig, process.env);
const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const run =
  (role: Role): Command =>
  async (_args, { fail }) => {
    const app = buildApp(loadConfig(serviceConfig, process.env), { role, onFatal: fail });
    await app.start();
    return app;
  };

/** `--check` only compares. Fails when anything is wrong that this run has not repaired. */
async function runRebuild(args: string[]): Promise<void> {
  const checkOnly = isCheck('rebuild', args);
  const { products, differences, stockProblems, swapped } = await rebuild(databaseOnly(), { checkOnly, report: print });
  printSome(differences, ({ productId, fields }) => `product ${productId} differed in: ${fields.join(', ')}`);
  printSome(
    stockProblems,
    ({ productId, ...counts }) => `stock of product ${productId} does not add up: ${JSON.stringify(counts)}`,
  );
  print(
    `${products} products, ${differences.length} differences, ${stockProblems.length} stock problems; ` +
      (swapped ? 'the rebuilt projection is live' : 'nothing was changed'),
  );
  if (checkOnly && differences.length > 0) throw new Error('the projection is not what its events say');
  if (stockProblems.length > 0) throw new Error('stock does not add up');
}

/** `--check` only compares, and fails when the index is not what Postgres has. */
async function runReindex(args: string[]): Promise<void> {
  const checkOnly = isCheck('reindex', args);
  const result = await reindex(loadConfig(reindexConfig, process.env), { checkOnly, report: print });
  if (result === undefined) throw new Error('there is no search index; a worker makes it, and so does reindex');
  const { indexName, products, checksums, moved, different } = result;
  printSome(different, (id) => `product ${id} is not in the index as Postgres has it`);
  print(`${products.postgres} products in Postgres, ${products.index} in ${indexName}, ${moved} changed meanwhile`);
  print(`checksum of Postgres ${checksums.postgres}`);
  print(`checksum of the index ${checksums.index}`);
  print(checkOnly ? 'nothing was changed' : `${indexName} is live`);
  if (checksums.postgres !== checksums.index) throw new Error('the index is not what Postgres has');
}

function isCheck(command: string, args: string[]): boolean {
  const unknown = args.filter((arg) => arg !== '--check');
  if (unknown.length > 0) throw new Error(`${command} knows --check only, not ${unknown.join(' ')}`);
  return args.includes('--check');
}

function printSome<T>(items: readonly T[], describe: (item: T) => string): void {
  for (const item of items.slice(0, MAX_PRINTED)) print(describe(item));
  if (items.length > MAX_PRINTED) print(`… and ${items.length - MAX_PRINTED} more`);
}

await runMain({
  process,
  name: 'product',
  commands: {
    api: run('api'),
    worker: run('worker'),
    all: run('all'),
    'migrate-up': () => migrateDatabase(databaseOnly(), 'up'),
    'migrate-down': () => migrateDatabase(databaseOnly(), 'down'),
    async seed() {
      print(`${await seed(databaseOnly())} products created`);
    },
    rebuild: runRebuild,
    reindex: runReindex,
  },
});
