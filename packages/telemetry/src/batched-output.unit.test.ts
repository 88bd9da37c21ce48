import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { batchedOutput } from './batched-output.ts';

describe('batched output', () => {
  let writes: string[][];
  let stream: Writable;
  let output: ReturnType<typeof batchedOutput>;

  beforeEach(() => {
    writes = [];
    stream = new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        writes.push([String(chunk)]);
        done();
      },
      writev(chunks, done) {
        writes.push(chunks.map(({ chunk }) => String(chunk)));
        done();
      },
    });
    output = batchedOutput(stream);
  });
  afterEach(() => output.flush());

  it('lets lines that come close together leave in one write, in order', async () => {
    const drained = new Promise((resolve) => {
      output.hold();
      stream.write('one');
      output.hold();
      stream.write('two', resolve);
    });
    assert.deepEqual(writes, []);
    await drained;
    assert.deepEqual(writes, [['one', 'two']]);
  });

  it('holds nothing back once it is flushed, and holds anew afterwards', () => {
    output.hold();
    stream.write('one');
    output.flush();
    assert.deepEqual(writes, [['one']]);
    output.hold();
    stream.write('two');
    assert.deepEqual(writes, [['one']]);
    output.flush();
    assert.deepEqual(writes, [['one'], ['two']]);
  });

  it('loses nothing at the end of the process', async () => {
    const { spawn } = await import('node:child_process');
    const program = `
      const { createLogger } = await import(${JSON.stringify(new URL('./logger.ts', import.meta.url).href)});
      createLogger({ service: 'test' }).info('last words');
      process.exit(0);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
    });
    await once(child, 'close');
    assert.match(text, /last words/);
  });
});
