import assert from 'node:assert/strict';
import { listMailHog } from './mailhog.ts';

const part = (type: string, encoding: string, body: string) => ({
  Headers: { 'Content-Type': [`${type}; charset=utf-8`], 'Content-Transfer-Encoding': [encoding] },
  Body: body,
  MIME: null,
});

describe('listMailHog', () => {
  it('undoes transfer encodings and encoded words, oldest mail first', () => {
    const multipart = {
      ID: 'newer',
      From: { Mailbox: 'shop', Domain: 'punctual.test' },
      To: [{ Mailbox: 'ann', Domain: 'punctual.test' }],
      Content: {
        Headers: {
          Subject: ['=?UTF-8?Q?Your_order_=E2=80=93?= =?UTF-8?B?IDIzIOKCrA==?='],
          'Message-ID': ['<1@punctual.test>'],
        },
        Body: 'preamble',
      },
      MIME: {
        Parts: [
          part('text/plain', 'quoted-printable', 'Code: 12=\r\n3456 =E2=82=AC'),
          part('text/html', 'base64', Buffer.from('<b>123456 €</b>').toString('base64')),
        ],
      },
    };
    const plain = {
      ...multipart,
      ID: 'older',
      Content: { Headers: { Subject: ['Hello'] }, Body: 'just text' },
      MIME: null,
    };
    const [older, newer] = listMailHog({ items: [multipart, plain] });
    assert.deepEqual(newer, {
      id: 'newer',
      from: 'shop@punctual.test',
      to: ['ann@punctual.test'],
      subject: 'Your order – 23 €',
      html: '<b>123456 €</b>',
      text: 'Code: 123456 €',
      headers: { subject: 'Your order – 23 €', 'message-id': '<1@punctual.test>' },
    });
    assert.equal(older?.id, 'older');
    assert.equal(older?.text, 'just text');
  });
});
