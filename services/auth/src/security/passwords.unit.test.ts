import assert from 'node:assert/strict';
import { createPasswords, PasswordsOverloaded } from './passwords.ts';

describe('passwords', () => {
  it('match their own hash only, and no hash at all matches nothing', async () => {
    const passwords = createPasswords({ concurrency: 2, maxWaiting: 10 });
    const stored = await passwords.hash('correct horse');
    assert.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    assert.equal(await passwords.verify(stored, 'correct horse'), true);
    assert.equal(await passwords.verify(stored, 'wrong horse'), false);
    assert.equal(await passwords.verify(undefined, 'correct horse'), false);
  });

  it('wait for their turn, and are refused at once when the queue is full', async () => {
    const passwords = createPasswords({ concurrency: 1, maxWaiting: 2 });
    const hashes = [passwords.hash('first'), passwords.hash('second'), passwords.hash('third')];
    assert.equal(passwords.waiting(), 2);
    await assert.rejects(passwords.hash('fourth'), PasswordsOverloaded);
    assert.equal((await Promise.all(hashes)).length, 3);
    assert.equal(passwords.waiting(), 0);
    assert.equal(await passwords.verify(await passwords.hash('fifth'), 'fifth'), true);
  });

  it('give their turn back when hashing fails', async () => {
    const passwords = createPasswords({ concurrency: 1, maxWaiting: 0 });
    await assert.rejects(passwords.verify('not a hash', 'password'));
    assert.match(await passwords.hash('password'), /^\$argon2id/);
  });
});
