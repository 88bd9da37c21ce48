/**
 * Starts an OpenSearch node inside the runner's embedding of it; run by Rhino, with the runner's own options as arguments. The
 * runner's main class would do, did it not refuse every port above 9299, which only its API lifts.
 */
const { lang } = Packages.java;
const given = globalThis.arguments;
const options = lang.reflect.Array.newInstance(lang.String, given.length);
for (let index = 0; index < given.length; index += 1) options[index] = given[index];

const runner = new Packages.org.codelibs.opensearch.runner.OpenSearchRunner();
runner.setMaxHttpPort(-1);
lang.Runtime.getRuntime().addShutdownHook(new lang.Thread(() => runner.close()));
runner.build(options);
while (!runner.isClosed()) lang.Thread.sleep(1000);
