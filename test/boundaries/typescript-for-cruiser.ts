/**
 * dependency-cruiser reads TypeScript through the compiler's JavaScript API, which TypeScript 7 no longer has. This file, loaded with
 * `node --import`, gives it what it asks of `typescript`: sources without their types, stripped by Node itself, in which a type-only
 * import still is an import, so that the rules hold for types too.
 */
import { registerHooks, stripTypeScriptTypes } from 'node:module';

/** What dependency-cruiser accepts as a compiler's version. */
const STAND_IN_VERSION = '6.0.0';
const ASKED_BY = '/node_modules/dependency-cruiser/';
const STAND_IN: Readonly<Record<string, string>> = {
  typescript: import.meta.url,
  'typescript/package.json': new URL('./typescript-version.json', import.meta.url).href,
};

registerHooks({
  resolve(specifier, context, nextResolve) {
    const url = context.parentURL?.includes(ASKED_BY) === true ? STAND_IN[specifier] : undefined;
    return url === undefined ? nextResolve(specifier, context) : { url, shortCircuit: true };
  },
  load(url, context, nextLoad) {
    if (url !== STAND_IN['typescript/package.json']) return nextLoad(url, context);
    return { format: 'json', source: JSON.stringify({ version: STAND_IN_VERSION }), shortCircuit: true };
  },
});

export const version = STAND_IN_VERSION;

/** Looked at when dependency-cruiser loads, and needed only for its option `tsPreCompilationDeps`, which stays off. */
export const SyntaxKind = {};

export function transpileModule(source: string): { outputText: string } {
  const withTypeImports = source
    .replace(/^import type (?=[\w{*])/gm, 'import ')
    .replace(/^export type (?=[{*])/gm, 'export ');
  return { outputText: stripTypeScriptTypes(withTypeImports) };
}
