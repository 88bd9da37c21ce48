import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Answer, ResponseParser } from './response-parser.ts';

const ANSWERS: readonly { text: string; expected: Partial<Answer> }[] = [
  { text: 'HTTP/1.1 201 Created\r\nContent-Length: 11\r\n\r\nhello world', expected: { status: 201, closes: false } },
  { text: 'HTTP/1.1 204 No Content\r\nx-request-id: a\r\n\r\n', expected: { status: 204 } },
  {
    text: 'HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}',
    expected: { status: 503, hasRetryAfter: true, closes: true },
  },
  {
    text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\n0\r\n\r\n0\r\n\r\n',
    expected: { status: 200, hasRetryAfter: false },
  },
  { text: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', expected: { status: 200 } },
];

describe('the response parser', () => {
  it('finds the end of each answer, however its bytes are cut', () => {
    const wire = ANSWERS.map(({ text }) => Buffer.from(text, 'latin1'));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (cuts) => {
        const parser = new ResponseParser();
        for (const [index, bytes] of wire.entries()) {
          let done: Answer | undefined;
          for (let from = 0, turn = 0; from < bytes.length; turn += 1) {
            const size = cuts[turn % cuts.length] ?? 1;
            assert.equal(done, undefined, 'an answer ended before its last byte');
            done = parser.feed(bytes.subarray(from, from + size));
            from += size;
          }
          assert.ok(done !== undefined, `answer ${index} has no end`);
          assert.deepEqual({ ...done, ...ANSWERS[index]?.expected }, done);
        }
      }),
    );
  });

  it('refuses what is no answer, and bytes behind one', () => {
    const refuses = (text: string) => assert.throws(() => new ResponseParser().feed(Buffer.from(text)), text);
    refuses('SMTP ready\r\n\r\n');
    refuses('HTTP/1.1 200 OK\r\n\r\n');
    refuses('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab');
    refuses('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n');
  });
});
