export type Answer = {
  readonly status: number;
  readonly hasRetryAfter: boolean;
  /** The server wants no further request on this connection. */
  readonly closes: boolean;
};

const HEAD_END = '\r\n\r\n';

/**
 * Just enough of HTTP/1.1 for load: the status, where the body ends, and the headers that a bench asks for. One request is in flight at a
 * time, so what follows a body is an error. Bodies are counted and not kept.
 */
export class ResponseParser {
  #head = '';
  #answer: Answer | undefined;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;
  #chunked = false;
  #line = '';

  /** The answer when these bytes complete it. Throws on what is not an HTTP answer. */
  feed(bytes: Buffer): Answer | undefined {
    let offset = 0;
    if (this.#answer === undefined) {
      const before = this.#head.length;
      this.#head += bytes.toString('latin1');
      const end = this.#head.indexOf(HEAD_END, Math.max(0, before - HEAD_END.length));
      if (end < 0) return undefined;
      this.#answer = this.#readHead(this.#head.slice(0, end));
      offset = end + HEAD_END.length - before;
    }
    const isWhole = this.#chunked ? this.#skipChunks(bytes, offset) : this.#skipBody(bytes.length - offset);
    if (!isWhole) return undefined;
    const answer = this.#answer;
    this.#head = '';
    this.#answer = undefined;
    return answer;
  }

  #readHead(head: string): Answer {
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
    if (!(status >= 200)) throw new Error(`not an HTTP answer: ${head.slice(0, 60)}`);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    this.#chunked = length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head);
    if (length === undefined && !this.#chunked && status !== 204 && status !== 304) {
      throw new Error(`an answer ${status} without a length`);
    }
    this.#left = Number(length ?? 0);
    this.#line = '';
    return { status, hasRetryAfter: /\r\nretry-after:/i.test(head), closes: /\r\nconnection: *close/i.test(head) };
  }

  #skipBody(size: number): boolean {
    this.#left -= size;
    if (this.#left < 0) throw new Error('more bytes than the answer has');
    return this.#left === 0;
  }

  /** `#left` counts a chunk's bytes with the line end behind them; at 0 the next line is a size. */
  #skipChunks(bytes: Buffer, from: number): boolean {
    let offset = from;
    while (offset < bytes.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - offset);
        this.#left -= taken;
        offset += taken;
        continue;
      }
      this.#line += String.fromCharCode(bytes[offset] ?? 0);
      offset += 1;
      if (!this.#line.endsWith('\r\n')) continue;
      if (this.#line === '\r\n') return true;
      const size = Number.parseInt(this.#line, 16);
      if (Number.isNaN(size)) throw new Error(`not the size of a chunk: ${this.#line.trim()}`);
      this.#line = '';
      // The last chunk has no bytes, and an empty line ends the answer.
      this.#left = size === 0 ? 0 : size + 2;
    }
    return false;
  }
}
