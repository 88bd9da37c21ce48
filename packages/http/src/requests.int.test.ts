import assert from 'node:assert/strict';
import { errorOf, fieldsOf, sendRaw, startTestApp, type TestApp } from '../test/app-fixture.ts';

describe('bad requests', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(() => app.server.stop());

  const json = { 'content-type': 'application/json' };
  const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = json) =>
    fetch(`${app.url}/things`, { method: 'POST', body, headers });
  const valid = { name: 'lamp', items: [{ product_id: 1, quantity: 2 }] };

  describe('body', () => {
    it('is accepted as JSON, with or without the UTF-8 charset named', async () => {
      for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"']) {
        const response = await post(JSON.stringify(valid), { 'content-type': type });
        assert.equal(response.status, 201, type);
        assert.deepEqual(await response.json(), { data: { name: 'lamp' } });
      }
    });

    it('of another type, charset or encoding answers 415', async () => {
      for (const headers of [
        { 'content-type': 'text/plain' },
        { 'content-type': 'application/x-www-form-urlencoded' },
        { 'content-type': 'application/jsonp' },
        { 'content-type': 'application/json; charset=utf-16' },
        { ...json, 'content-encoding': 'gzip' },
      ]) {
        const response = await post(JSON.stringify(valid), headers);
        assert.equal(response.status, 415, JSON.stringify(headers));
        assert.equal((await errorOf(response)).code, 'UNSUPPORTED_MEDIA_TYPE');
      }
      const untyped = await post(new TextEncoder().encode(JSON.stringify(valid)), {});
      assert.equal(untyped.status, 415);
    });

    it('that is not JSON, not UTF-8, missing or no object answers 400 and names the body', async () => {
      const bodies = [
        '{',
        '{"name":}',
        'null',
        '[]',
        '"text"',
        '1',
        'NaN',
        '',
        '{"name":"a"} x',
        '\0',
        '{"name":"\0"}',
      ];
      for (const body of bodies) {
        const response = await post(body);
        assert.equal(response.status, 400, body);
        assert.deepEqual(await fieldsOf(response), ['body'], body);
      }
      const latin1 = await post(Uint8Array.from([0x7b, 0x22, 0xe9, 0x22, 0x3a, 0x31, 0x7d]));
      assert.deepEqual(await fieldsOf(latin1), ['body']);
    });

    it('over the limit answers 413, by its declared length and as it streams', async () => {
      const declared = await post(JSON.stringify({ name: 'x'.repeat(1_000_001) }));
      assert.equal(declared.status, 413);
      assert.equal((await errorOf(declared)).code, 'PAYLOAD_TOO_LARGE');
      const chunk = `${(500_000).toString(16)}\r\n${'x'.repeat(500_000)}\r\n`;
      const streamed = await sendRaw(
        app.server.port,
        `POST /things HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n${chunk}${chunk}${chunk}0\r\n\r\n`,
      );
      assert.match(streamed, /^HTTP\/1\.1 413 /);
    });

    it('declared far over the limit is refused before it is read', async () => {
      const answer = await sendRaw(
        app.server.port,
        'POST /things HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 9000000000\r\n\r\n{',
      );
      assert.match(answer, /^HTTP\/1\.1 413 /);
      assert.match(answer, /connection: close/i);
    });

    it('exactly at the limit is read', async () => {
      const text = JSON.stringify({ ...valid, note: '' });
      const response = await post(text.replace('"note":""', `"note":"${'x'.repeat(1_000_000 - text.length)}"`));
      assert.equal(response.status, 201);
    });

    it('that nests too deep answers 400, however deep', async () => {
      const deep = (depth: number) => `{"name":"a","items":[],"note":${'['.repeat(depth)}${']'.repeat(depth)}}`;
      assert.equal((await post(deep(20))).status, 201);
      assert.deepEqual(await fieldsOf(await post(deep(40))), ['body']);
      assert.deepEqual(await fieldsOf(await post(deep(400_000))), ['body']);
    });

    it('has every problem named at once, unknown keys by their own path', async () => {
      const response = await post(
        '{"name":1,"status":"PAID","items":[{"product_id":1,"quantity":0,"price":1},{"product_id":1e309,"quantity":"1"}]}',
      );
      assert.equal(response.status, 400);
      assert.deepEqual((await fieldsOf(response)).sort(), [
        'items[0].price',
        'items[0].quantity',
        'items[1].product_id',
        'items[1].quantity',
        'name',
        'status',
      ]);
    });

    it('lists at most twenty problems', async () => {
      const keys = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`key${index}`, 1]));
      assert.equal((await fieldsOf(await post(JSON.stringify({ ...valid, ...keys })))).length, 20);
    });

    it('with an impossible number answers 400 and names the field', async () => {
      for (const quantity of ['-1', '0', '1.5', '2147483648', '1e309', '"1"', 'null', 'true', '9007199254740993']) {
        const response = await post(`{"name":"a","items":[{"product_id":1,"quantity":${quantity}}]}`);
        assert.equal(response.status, 400, quantity);
        assert.deepEqual([...new Set(await fieldsOf(response))], ['items[0].quantity'], quantity);
      }
      const beyond = await post('{"name":"a","items":[{"product_id":9007199254740993,"quantity":1}]}');
      assert.deepEqual(await fieldsOf(beyond), ['items[0].product_id']);
    });

    it('with NUL or half a surrogate pair anywhere answers 400 and names where', async () => {
      for (const [body, field] of [
        ['{"name":"a\\u0000b","items":[]}', 'name'],
        ['{"name":"\\ud800","items":[]}', 'name'],
        ['{"name":"\\udc00x","items":[]}', 'name'],
        ['{"name":"a","items":[],"note":{"deep":["x",{"y":"\\u0000"}]}}', 'note.deep[1].y'],
        ['{"name":"a","items":[],"note":{"k\\u0000":1}}', 'note.k\uFFFD'],
      ] as const) {
        const response = await post(body);
        assert.equal(response.status, 400, body);
        assert.deepEqual(await fieldsOf(response), [field], body);
      }
      assert.equal((await post('{"name":"\\ud83d\\ude00 \\u00e9","items":[]}')).status, 201);
    });

    it('cannot reach a prototype', async () => {
      for (const key of ['__proto__', 'constructor', '\\u005f_proto__']) {
        const response = await post(`{"name":"a","items":[],"${key}":{"prototype":{"polluted":1}}}`);
        assert.equal(response.status, 400, key);
      }
      const nested = await post('{"name":"a","items":[],"note":{"__proto__":{"polluted":1}}}');
      assert.deepEqual(await fieldsOf(nested), ['note.__proto__']);
      assert.equal('polluted' in {}, false);
    });

    it('of a route that takes none may be empty or {}, and nothing more', async () => {
      const touch = (body?: string) =>
        fetch(`${app.url}/things/1/touch`, { method: 'POST', ...(body === undefined ? {} : { body, headers: json }) });
      assert.equal((await touch()).status, 204);
      assert.equal((await touch('{}')).status, 204);
      const refused = await touch('{"status":"PAID"}');
      assert.deepEqual(await fieldsOf(refused), ['status']);
    });
  });

  describe('query', () => {
    const get = (path: string) => fetch(`${app.url}${path}`);

    it('is decoded once', async () => {
      const response = await get('/things/1?q=a+b%2B%20%C3%A9');
      assert.deepEqual(await response.json(), { data: { id: 1, q: 'a b+ é' } });
    });

    it('with a doubled, unknown, malformed or unsafe parameter answers 400 and names it', async () => {
      for (const [query, field] of [
        ['q=1&q=2', 'q'],
        ['x=1', 'x'],
        ['q=%E0', 'q'],
        ['q=%00', 'q'],
        ['q=%ED%A0%80', 'q'],
        ['__proto__=1', '__proto__'],
        ['constructor=1', 'constructor'],
        ['q[]=1', 'q[]'],
        ['%E0=1', 'query'],
      ] as const) {
        const response = await get(`/things/1?${query}`);
        assert.equal(response.status, 400, query);
        assert.deepEqual(await fieldsOf(response), [field], query);
      }
    });

    it('with hundreds of parameters answers 400', async () => {
      const response = await get(`/things/1?${Array.from({ length: 500 }, (_, i) => `k${i}=1`).join('&')}`);
      assert.equal(response.status, 400);
    });

    it('of a route that takes none answers 400', async () => {
      const response = await fetch(`${app.url}/things/own?a=1`, {
        headers: { authorization: 'Bearer customer-token' },
      });
      assert.deepEqual(await fieldsOf(response), ['a']);
    });
  });

  describe('path', () => {
    it('with a bad id answers 400 and names it', async () => {
      for (const id of [
        'abc',
        '0',
        '-1',
        '1.5',
        '01',
        '1e3',
        '9007199254740992',
        '99999999999999999999',
        '%00',
        '1%00',
        '%20',
      ]) {
        const response = await fetch(`${app.url}/things/${id}`);
        assert.equal(response.status, 400, id);
        assert.ok((await fieldsOf(response)).includes('id'), id);
      }
    });

    it('that is malformed, absolute or hides a separator answers 400', async () => {
      for (const target of [
        '/things/%E0',
        '/things/%',
        '/things/..%2fown',
        '/things/1%5Ctouch',
        '//evil.test/things/1',
        'http://evil.test/things/1',
        '*',
      ]) {
        const answer = await sendRaw(app.server.port, `GET ${target} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n`);
        assert.match(answer, /^HTTP\/1\.1 400 /, target);
        assert.match(answer, /"code":"VALIDATION_FAILED"/, target);
      }
    });

    it('that is unknown answers 404', async () => {
      for (const path of ['/', '/nothing', '/things/1/nothing', '/THINGS/1', '/__proto__', '/constructor']) {
        const response = await fetch(app.url + path);
        assert.equal(response.status, 404, path);
        assert.equal((await errorOf(response)).code, 'NOT_FOUND');
      }
    });

    it('that is fixed is never taken for another one with a parameter', async () => {
      for (const path of ['/things/own', '/things/own/']) {
        const wrong = await fetch(app.url + path, {
          method: 'DELETE',
          headers: { authorization: 'Bearer admin-token' },
        });
        assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET, HEAD, OPTIONS'], path);
        const options = await fetch(app.url + path, { method: 'OPTIONS' });
        assert.deepEqual([options.status, options.headers.get('allow')], [204, 'GET, HEAD, OPTIONS'], path);
      }
    });

    it('that is known for other methods answers 405 with Allow, and OPTIONS with 204', async () => {
      const wrong = await fetch(`${app.url}/things/1`, { method: 'PUT' });
      assert.equal(wrong.status, 405);
      assert.equal(wrong.headers.get('allow'), 'DELETE, GET, HEAD, OPTIONS');
      assert.equal((await errorOf(wrong)).code, 'METHOD_NOT_ALLOWED');
      assert.equal((await fetch(`${app.url}/health`, { method: 'POST' })).headers.get('allow'), 'GET, HEAD, OPTIONS');
      const options = await fetch(`${app.url}/articles`, { method: 'OPTIONS' });
      assert.equal(options.status, 204);
      assert.equal(options.headers.get('allow'), 'OPTIONS, POST');
    });
  });

  describe('bytes that are no proper request', () => {
    const cases: [string, string, RegExp][] = [
      [
        'both lengths',
        'POST /things HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
        /400/,
      ],
      ['two lengths', 'POST /things HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n', /400/],
      ['a folded header', 'GET /things/1 HTTP/1.1\r\nhost: t\r\nx-a: 1\r\n 2\r\nconnection: close\r\n\r\n', /400/],
      ['a space before the colon', 'GET /things/1 HTTP/1.1\r\nhost : t\r\n\r\n', /400/],
      ['no host', 'GET /things/1 HTTP/1.1\r\nconnection: close\r\n\r\n', /400/],
      ['not HTTP', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', /400/],
      ['an unknown method', 'FETCH /things/1 HTTP/1.1\r\nhost: t\r\n\r\n', /400/],
      ['headers without end', `GET /things/1 HTTP/1.1\r\nhost: t\r\nx-a: ${'x'.repeat(40_000)}\r\n\r\n`, /431/],
    ];
    for (const [name, text, status] of cases) {
      it(`are refused: ${name}`, async () => {
        const answer = await sendRaw(app.server.port, text);
        assert.match(answer.split('\r\n')[0] ?? '', status);
        assert.match(answer, /"code":"VALIDATION_FAILED"/);
      });
    }

    it('are answered in the error shape', async () => {
      const answer = await sendRaw(app.server.port, 'nonsense\r\n\r\n');
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      const requestId = /x-request-id: (\S+)/.exec(head)?.[1];
      assert.deepEqual(JSON.parse(body), {
        error: {
          code: 'VALIDATION_FAILED',
          message: 'The request cannot be read.',
          details: [{ field: 'request', message: 'is not well-formed HTTP' }],
          request_id: requestId,
        },
      });
    });
  });
});
