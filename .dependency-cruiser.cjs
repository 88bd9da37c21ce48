/**
 * What may import what. Run as
 *   node --disable-warning=ExperimentalWarning --import ./test/boundaries/typescript-for-cruiser.ts \
 *     node_modules/dependency-cruiser/bin/dependency-cruiser.mjs --config .dependency-cruiser.cjs packages services
 * so that dependency-cruiser can read TypeScript; type-only imports count like any other.
 */
const TESTS = '\\.test\\.ts$|^services/[^/]+/test/';
const ENTRIES = 'http|grpc|events|timers';

/** Matches these layers, folder or single file, of the service that `$1` stands for. */
const own = (layers) => `^services/$1/src/(?:${layers})(?:/|\\.ts$)`;
/** Matches a file in one of these layers of any service, which becomes `$1`. */
const layer = (layers) => `^services/([^/]+)/src/(?:${layers})(?:/|\\.ts$)`;
const packages = (names) => `^packages/(?:${names})/`;
const npm = (names) => `node_modules/(?:@types/)?(?:${names})/`;

const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    forbid('no-cycles', 'A cycle has no first module to understand.', {}, { circular: true }),
    forbid('resolvable', 'An import that cannot be resolved cannot be judged.', {}, { couldNotResolve: true }),

    forbid(
      'domain-imports-itself',
      'The domain is pure: it imports itself and nothing else.',
      { path: layer('domain'), pathNot: TESTS },
      { pathNot: own('domain') },
    ),
    forbid(
      'store-imports-domain',
      'Of its service, the store knows the domain only.',
      { path: layer('store'), pathNot: TESTS },
      { path: own(`search|commands|queries|${ENTRIES}|app|main|config`) },
    ),
    forbid(
      'search-imports-domain',
      'What speaks to a search engine is a store of another kind: of its service, it knows the domain only.',
      { path: layer('search'), pathNot: TESTS },
      { path: own(`store|commands|queries|${ENTRIES}|app|main|config`) },
    ),
    forbid(
      'commands-import-domain-and-store',
      'A command knows the domain and the store; who calls it is not its business.',
      { path: layer('commands'), pathNot: TESTS },
      { path: own(`queries|${ENTRIES}|app|main|config`) },
    ),
    forbid(
      'queries-import-store',
      'A query reads through the store.',
      { path: layer('queries'), pathNot: TESTS },
      { path: own(`domain|commands|${ENTRIES}|app|main|config`) },
    ),
    forbid(
      'core-knows-no-transport',
      'Commands, queries, store and search do not speak HTTP or gRPC, start processes or read the environment.',
      { path: layer('commands|queries|store|search'), pathNot: TESTS },
      { path: packages('http|grpc|config|lifecycle') },
    ),
    ...ENTRIES.split('|').map((entry) =>
      forbid(
        `${entry}-imports-commands-and-queries`,
        'An entry calls commands and queries, and never another entry.',
        { path: layer(entry), pathNot: TESTS },
        {
          path: own(
            [
              'domain',
              'store',
              'search',
              'app',
              'main',
              'config',
              ...ENTRIES.split('|').filter((other) => other !== entry),
            ].join('|'),
          ),
        },
      ),
    ),
    forbid(
      'main-imports-app-and-config',
      'main.ts touches the process and leaves the rest to app.ts.',
      { path: '^services/([^/]+)/src/main\\.ts$' },
      { path: '^services/', pathNot: '^services/$1/src/(?:app|config)\\.ts$' },
    ),
    forbid(
      'main-is-imported-by-nobody',
      'main.ts is run, not imported.',
      {},
      { path: '^services/[^/]+/src/main\\.ts$' },
    ),

    forbid(
      'no-service-imports-a-service',
      'Services meet through contracts and messages.',
      { path: '^services/([^/]+)/' },
      { path: '^services/', pathNot: '^services/$1/' },
    ),
    forbid(
      'no-package-imports-a-service',
      'Packages are below the services.',
      { path: '^packages/' },
      { path: '^services/' },
    ),
    forbid(
      'contracts-import-zod',
      'Contracts are shapes: they import zod and nothing else.',
      { path: '^packages/contracts/src/', pathNot: TESTS },
      { pathNot: `${packages('contracts')}|${npm('zod')}` },
    ),
    forbid(
      'packages-by-their-index',
      'A package is used through what its index exports.',
      { path: '^(?:packages|services)/([^/]+)/' },
      { path: '^packages/[^/]+/src/', pathNot: '^packages/[^/]+/src/index\\.ts$|^packages/$1/' },
    ),
    forbid(
      'testing-is-for-tests',
      'What runs in production does not import test support.',
      {
        path: '^(?:packages|services)/',
        pathNot: `${TESTS}|${packages('testing')}|^packages/messaging/src/conformance/`,
      },
      { path: packages('testing') },
    ),

    forbid(
      'brokers-behind-messaging',
      "packages/messaging is the one place that knows the brokers' clients.",
      { pathNot: packages('messaging') },
      { path: npm('kafkajs|amqplib') },
    ),
    forbid(
      'etcd-behind-coordination',
      'packages/coordination is the one place that knows the client of etcd, and what of it bites.',
      { pathNot: packages('coordination') },
      { path: npm('etcd3') },
    ),
    forbid(
      'grpc-behind-packages-grpc',
      "packages/grpc is the one place that knows gRPC's libraries; generated code names their types.",
      { path: '^(?:packages|services)/', pathNot: `${packages('grpc')}|^packages/contracts/generated/` },
      { path: npm('nice-grpc[^/]*|@grpc/grpc-js') },
    ),
    forbid(
      'knex-behind-postgres',
      'Only packages/postgres, and the stores, know knex.',
      { pathNot: `${packages('postgres')}|${layer('store')}` },
      { path: npm('knex') },
    ),
    forbid(
      'cockatiel-behind-resilience',
      'There is one kind of policy, and packages/resilience is where it is made.',
      { pathNot: packages('resilience') },
      { path: npm('cockatiel') },
    ),
    forbid(
      'opensearch-behind-search',
      "Only a service's search layer knows OpenSearch's client.",
      { pathNot: layer('search') },
      { path: npm('@opensearch-project/opensearch') },
    ),
    forbid(
      'pg-behind-postgres',
      'Only packages/postgres, and test support, know the driver.',
      { path: '^(?:packages|services)/', pathNot: `${packages('postgres|testing')}|${TESTS}` },
      { path: npm('pg') },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(?:coverage|\\.stack)/' },
    moduleSystems: ['es6', 'cjs'],
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.d.ts', '.json'],
      mainFields: ['main', 'types'],
    },
    reporterOptions: { text: { highlightFocused: true } },
  },
};
