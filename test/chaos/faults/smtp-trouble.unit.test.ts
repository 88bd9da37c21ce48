import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { eventually, type TcpProxy, tcpProxy } from '@punctual/testing';
import { createTransport } from 'nodemailer';
import type { SmtpMode } from '../types.ts';
import { createSmtpTrouble, type SmtpTrouble } from './smtp-trouble.ts';

const MESSAGE_ID = '<the-one@shop.test>';

/** As much of a mail server as it takes to be sent a mail; keeps what it took. */
async function mailServer(): Promise<{ server: Server; port: number; taken: string[]; commands: string[] }> {
  const taken: string[] = [];
  const commands: string[] = [];
  const server = createServer((socket: Socket) => {
    let mail: string | undefined;
    socket.on('error', () => socket.destroy());
    socket.write('220 ready\r\n');
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString();
      if (mail !== undefined) {
        mail += text;
        if (!mail.endsWith('\r\n.\r\n')) return;
        taken.push(mail);
        mail = undefined;
        socket.write('250 taken\r\n');
        return;
      }
      commands.push(text.trim());
      if (text.startsWith('DATA')) {
        mail = '';
        socket.write('354 go on\r\n');
      } else if (text.startsWith('EHLO'))
        socket.write('250-here\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250 STARTTLS\r\n');
      else socket.write('250 fine\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address !== 'string');
  return { server, port: address.port, taken, commands };
}

describe('a mail server in trouble', () => {
  let inbox: Awaited<ReturnType<typeof mailServer>>;
  let trouble: SmtpTrouble;
  let proxy: TcpProxy;

  beforeEach(async () => {
    inbox = await mailServer();
    trouble = createSmtpTrouble();
    proxy = await tcpProxy(`smtp://127.0.0.1:${inbox.port}`, { inspect: trouble.inspect });
  });
  afterEach(async () => {
    await proxy.stop();
    inbox.server.close();
  });

  async function send(mode?: SmtpMode): Promise<string> {
    if (mode !== undefined) trouble.begin(mode);
    const transport = createTransport({ host: '127.0.0.1', port: proxy.port, socketTimeout: 500 });
    try {
      const mail = {
        from: 'shop@shop.test',
        to: 'ann@example.com',
        messageId: MESSAGE_ID,
        subject: 'Hi',
        text: 'Hello',
      };
      return (await transport.sendMail(mail)).response;
    } finally {
      transport.close();
    }
  }

  it('passes mails on while there is no trouble', async () => {
    assert.equal(await send(), '250 taken');
    assert.equal(inbox.taken.length, 1);
  });

  it('refuses for now, and takes the mail once it is well', async () => {
    await assert.rejects(send('refuse'), { responseCode: 451 });
    assert.ok(!inbox.commands.some((command) => command.startsWith('MAIL')));
    trouble.end();
    assert.equal(await send(), '250 taken');
  });

  it('never answers DATA', async () => {
    await assert.rejects(send('hang'), { code: 'ETIMEDOUT' });
    assert.deepEqual(inbox.taken, []);
  });

  it('takes the mail and loses its answer, and tells which mail that was', async () => {
    await assert.rejects(send('reset-before-answer'));
    assert.equal(inbox.taken.length, 1);
    assert.deepEqual(trouble.unanswered(), [MESSAGE_ID]);
  });

  it('takes the mail, says so and loses the connection', async () => {
    assert.equal(await send('reset-after-answer'), '250 taken');
    assert.deepEqual(trouble.unanswered(), []);
    await eventually(async () => assert.equal(proxy.connections(), 0));
  });
});
