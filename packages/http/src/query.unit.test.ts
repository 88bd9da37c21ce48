import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { FieldProblem } from './app-error.ts';
import { parseQuery } from './query.ts';

function parse(text: string): { query: Record<string, string>; problems: FieldProblem[] } {
  const problems: FieldProblem[] = [];
  return { query: { ...parseQuery(text, problems) }, problems };
}

describe('parseQuery', () => {
  it('reads names and values, empty ones too', () => {
    assert.deepEqual(parse('a=1&b=&c&d=x=y&&'), { query: { a: '1', b: '', c: '', d: 'x=y' }, problems: [] });
  });

  it('takes back what URLSearchParams wrote', () => {
    const names = fc.string({ unit: 'grapheme', minLength: 1 });
    const values = fc.dictionary(names, fc.string({ unit: 'grapheme' }), { maxKeys: 20, noNullPrototype: true });
    fc.assert(
      fc.property(values, (entries) => {
        fc.pre(
          !Object.entries(entries)
            .flat()
            .some((text) => text.includes('\0') || !text.isWellFormed()),
        );
        const { problems, query } = parse(new URLSearchParams(entries).toString());
        assert.deepEqual(problems, []);
        assert.deepEqual(query, { ...entries });
      }),
    );
  });

  it('gives an object without prototype, so that no name is special', () => {
    const query = parseQuery('toString=1&__proto__=2', []);
    assert.equal(Object.getPrototypeOf(query), null);
    assert.deepEqual(Object.keys(query), ['toString', '__proto__']);
  });

  it('names what is doubled', () => {
    assert.deepEqual(parse('a=1&%61=2').problems, [{ field: 'a', message: 'must be given once' }]);
  });
});
