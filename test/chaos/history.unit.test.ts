import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHistory, parseHistory, type RunRecord, readHistory } from './history.ts';
import type { FaultRecord, Operation } from './types.ts';

const RUN: RunRecord = {
  seed: 7,
  minutes: 1,
  rate: 15,
  fault: 'kill',
  sabotage: null,
  startedAtMs: 1_800_000_000_000,
  revision: 'abc',
};
const OPERATION: Operation = {
  id: 1,
  kind: 'order',
  userId: 5,
  email: 'chaos-1@example.com',
  requestId: 'chaos-7-1',
  orderId: 9,
  startedMs: 100,
  endedMs: 140,
  attempts: 2,
  outcome: 'ok',
  status: 201,
  code: null,
  answer: { status: 'PENDING' },
};
const FAULT: FaultRecord = {
  name: 'kill',
  target: 'order',
  struckMs: 1_000,
  healedMs: 3_000,
  recoveredMs: null,
  notes: { poison: [] },
};

describe('the history of a run', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'punctual-history-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is read back as it was written', () => {
    const file = join(folder, 'below', 'history.jsonl');
    const writer = openHistory(file);
    writer.append({ line: 'run', ...RUN });
    writer.append({ line: 'operation', ...OPERATION });
    writer.append({ line: 'fault', ...FAULT });
    writer.append({ line: 'sample', atMs: 1_000, values: { 'outbox order': 3, 'replica lag': null } });
    writer.append({ line: 'event', atMs: 1_000, message: 'strike', fields: {} });
    writer.append({ line: 'quiesced', quiescedMs: 61_000, left: {} });
    writer.close();
    assert.deepEqual(readHistory(file), {
      run: RUN,
      history: { operations: [OPERATION], faults: [FAULT], startedAtMs: RUN.startedAtMs, quiescedMs: 61_000 },
      samples: [{ atMs: 1_000, values: { 'outbox order': 3, 'replica lag': null } }],
    });
  });

  it('has each line on the disk before the next begins, so that a killed run leaves what it has seen', () => {
    const file = join(folder, 'history.jsonl');
    const writer = openHistory(file);
    writer.append({ line: 'run', ...RUN });
    writer.append({ line: 'operation', ...OPERATION });
    assert.deepEqual(parseHistory(readFileSync(file, 'utf8')).history.operations, [OPERATION]);
    writer.close();
  });

  it('leaves out a last line that was cut off, and did not come to rest when nothing says so', () => {
    const text = `${JSON.stringify({ line: 'run', ...RUN })}\n{"line":"operation","id":`;
    const { history } = parseHistory(text);
    assert.deepEqual(history.operations, []);
    assert.equal(history.quiescedMs, null);
  });

  it('is refused when a line within is broken', () => {
    assert.throws(() => parseHistory(`${JSON.stringify({ line: 'run', ...RUN })}\n{"li\n{}\n`), SyntaxError);
    assert.throws(() => parseHistory(''), /does not begin with its run/);
  });
});
