import assert from 'node:assert/strict';
import fc from 'fast-check';
import { excerpt, highlight, wordsOf } from './highlight.ts';

describe('highlighting', () => {
  it('marks equal words, words that begin so, and words with few typing errors', () => {
    assert.equal(highlight('A Laptop for laps', wordsOf('lapotp lap')), 'A <em>Laptop</em> for <em>laps</em>');
    assert.equal(highlight('Oak, oat, oaks', wordsOf('oak')), '<em>Oak</em>, <em>oat</em>, <em>oaks</em>');
    assert.equal(highlight('ab ac', wordsOf('ab')), '<em>ab</em> ac');
  });

  it('escapes everything else, whatever it is', () => {
    assert.equal(highlight('<img onerror="x">&', wordsOf('img')), '&lt;<em>img</em> onerror=&quot;x&quot;&gt;&amp;');
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '<', '>', '"', "'", '&', ' ') }), (text) => {
        const plain = highlight(text, ['a']).replaceAll(/<\/?em>/g, '');
        assert.doesNotMatch(plain, /[<>"']/);
      }),
    );
  });

  it('cuts a long text around its first match', () => {
    const text = `${'filler '.repeat(100)}walnut${' filler'.repeat(100)}`;
    assert.match(excerpt(text, wordsOf('walnut')), /walnut/);
    assert.ok(excerpt(text, wordsOf('walnut')).length <= 160);
    assert.match(excerpt(text, []), /^filler/);
    assert.doesNotThrow(() => encodeURIComponent(excerpt('😀'.repeat(200), [])));
  });

  it('takes ten words at most', () => {
    assert.equal(wordsOf(Array.from({ length: 30 }, (_, n) => `w${n}`).join(' ')).length, 10);
    assert.deepEqual(wordsOf('  "; -- %_ '), []);
  });
});
