import assert from 'node:assert/strict';
import { knownInstances, nextKnown } from './known-instances.ts';

const [a, b] = [
  { http: 'a:1', registration: '1' },
  { http: 'b:1', registration: '2' },
];

describe('the known instances of a service', () => {
  it('are what is seen, each address once, and what was known when nothing is seen', () => {
    assert.deepEqual(nextKnown([a, b], [b]), [b]);
    assert.deepEqual(nextKnown([a, b], []), [a, b]);
    assert.deepEqual(nextKnown([a], [a, b, { ...a, registration: '3' }]), [{ ...a, registration: '3' }, b]);
  });

  it('are told at once when there are any, and then when there is news alone', () => {
    const told: string[] = [];
    const known = knownInstances([]);
    const stop = known.listen((instances) => told.push(instances.map(({ http }) => http).join()));
    known.update([]);
    known.update([a]);
    known.update([{ ...a }]);
    known.update([]);
    known.update([a, b]);
    known.listen((instances) => told.push(`late ${instances.length}`));
    stop();
    known.update([b]);
    assert.deepEqual(told, ['a:1', 'a:1,b:1', 'late 2', 'late 1']);
  });

  it('are news when one of them has registered anew at its old address', () => {
    let times = 0;
    const known = knownInstances([a]);
    known.listen(() => {
      times += 1;
    });
    known.update([{ ...a, registration: '9' }]);
    assert.equal(times, 2);
  });
});
