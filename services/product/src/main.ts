import { loadConfig } from '@punctual/config';
import { type Command, runMain } from '@punctual/lifecycle';
import { buildApp, migrateDatabase, type Role, rebuild, seed } from './app.ts';
import { databaseOnlyConfig, serviceConfig } from './config.ts';

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
  const unknown = args.filter((arg) => arg !== '--check');
  if (unknown.length > 0) throw new Error(`rebuild knows --check only, not ${unknown.join(' ')}`);
  const checkOnly = args.includes('--check');
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
  },
});
