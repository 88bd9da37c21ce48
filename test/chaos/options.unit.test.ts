import assert from 'node:assert/strict';
import { chooseAimed, chooseFaults, parseOptions, UsageError } from './options.ts';

const NAMED = [{ name: 'kill' }, { name: 'pause' }];

describe('the options of a chaos run', () => {
  it('have defaults, shorter ones for a sabotage; what make passes on empty counts as absent', () => {
    const options = parseOptions(['--seed', '', '--fault', '']);
    assert.ok(options !== 'help');
    assert.deepEqual([options.seed, options.minutes, options.rate, options.faults], [1, 3, 15, []]);
    const sabotage = parseOptions(['--sabotage', 'inbox-off']);
    assert.ok(sabotage !== 'help' && sabotage.minutes < 3);
  });

  it('refuse in plain words what they cannot mean', () => {
    for (const wrong of [['--seed', '1.5'], ['--minutes', '0'], ['--rate', 'fast'], ['--colour']]) {
      assert.throws(() => parseOptions(wrong), UsageError);
    }
    assert.equal(parseOptions(['--help']), 'help');
  });

  it('choose all faults, some by name, or none', () => {
    assert.deepEqual(chooseFaults(NAMED, []), NAMED);
    assert.deepEqual(chooseFaults(NAMED, ['pause', 'kill']), [{ name: 'pause' }, { name: 'kill' }]);
    assert.deepEqual(chooseFaults(NAMED, ['none']), []);
    assert.throws(() => chooseFaults(NAMED, ['kil']), /there is no fault "kil"; there are kill, pause/);
  });

  it('chooses a fault on certain targets only', () => {
    const all = [
      { name: 'kill', targets: ['kafka', 'order', 'mail'] },
      { name: 'poison', targets: ['all'] },
    ];
    assert.deepEqual(chooseAimed(all, ['kill:kafka', 'kill:mail', 'poison']), [
      { name: 'kill', targets: ['kafka', 'mail'] },
      { name: 'poison', targets: ['all'] },
    ]);
    assert.deepEqual(chooseAimed(all, []), all);
    assert.deepEqual(chooseAimed(all, ['none']), []);
    assert.throws(
      () => chooseAimed(all, ['kill:postgres']),
      /kill cannot strike "postgres"; it can strike kafka, order, mail/,
    );
  });
});
