/**
 * Preloaded into a service as `--import …/hook.ts?sabotage=NAME`: while Node loads a source file that the sabotage names, its
 * text is replaced. The services know nothing of it. A text that is not there makes the load, and so the start, fail.
 */
import { registerHooks } from 'node:module';
import { replaceOnce } from './replace.ts';
import { REPLACEMENTS } from './replacements.ts';

const name = new URL(import.meta.url).searchParams.get('sabotage') ?? '';
const replacements = REPLACEMENTS[name];
if (replacements === undefined) throw new Error(`there is no sabotage ${JSON.stringify(name)}`);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const own = replacements.filter(({ file }) => url.split('?')[0]?.endsWith(`/${file}`));
    if (own.length === 0) return loaded;
    const { source } = loaded;
    if (source === undefined || source === null) throw new Error(`sabotage ${name}: ${url} was loaded without a text`);
    const text = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString('utf8');
    process.stderr.write(`sabotage ${name}: ${url} is spoiled\n`);
    return { ...loaded, source: own.reduce(replaceOnce, text) };
  },
});
