import assert from 'node:assert/strict';
import { createRefreshTwins } from './refresh-twins.ts';

const TOKEN = Buffer.from('one token');

describe('refresh twins', () => {
  it('knows a request as a twin of the one that spends the token beside it', () => {
    const twins = createRefreshTwins();
    const [first, second] = [twins.join(TOKEN), twins.join(TOKEN)];
    assert.equal(second.isTwin(), false);
    first.spend();
    assert.equal(second.isTwin(), true);
  });

  it('keeps who comes after the answer out of the group, though a twin is still under way', () => {
    const twins = createRefreshTwins();
    const [winner, twin] = [twins.join(TOKEN), twins.join(TOKEN)];
    winner.spend();
    winner.leave();
    const replay = twins.join(TOKEN);
    assert.equal(replay.isTwin(), false);
    assert.equal(twin.isTwin(), true);
    twin.leave();
    replay.leave();
  });

  it('does not make twins of two replays', () => {
    const twins = createRefreshTwins();
    const [first, second] = [twins.join(TOKEN), twins.join(TOKEN)];
    assert.deepEqual([first.isTwin(), second.isTwin()], [false, false]);
  });

  it('keeps tokens apart', () => {
    const twins = createRefreshTwins();
    const [mine, yours] = [twins.join(TOKEN), twins.join(Buffer.from('another token'))];
    mine.spend();
    assert.equal(yours.isTwin(), false);
  });
});
