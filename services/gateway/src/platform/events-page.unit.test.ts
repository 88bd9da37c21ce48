import assert from 'node:assert/strict';
import { type AsyncApiDocument, messageTypes } from '@punctual/contracts';
import { eventsPage } from './events-page.ts';
import { readGeneratedDocs } from './generated-docs.ts';
import { formsOf } from './schema-fields.ts';

const document = readGeneratedDocs().asyncapi;

/** What one message's part of the page says, without its markup. */
function sectionOf(page: string, type: string): string {
  const start = page.indexOf(`<section id="${type}">`);
  assert.ok(start >= 0, type);
  return page.slice(start, page.indexOf('</section>', start)).replaceAll(/<[^>]+>/g, ' ');
}

describe('the page of events and queues', () => {
  const page = eventsPage(document, '/docs');

  it('has a part for each message, that the table of channels leads to', () => {
    for (const type of messageTypes) {
      assert.ok(page.includes(`<section id="${type}">`), type);
      assert.ok(page.includes(`href="#${type}"`), type);
    }
  });

  it('says who writes and who reads a message, with its fields and an example', () => {
    const section = sectionOf(page, 'order.created');
    assert.match(section, /Kafka topic order\. Written by order, read by product, payment\./);
    assert.match(section, /items\[\]\.unit_price_minor/);
    assert.match(section, /&quot;expires_at&quot;/);
    assert.match(section, /ce_id/);
    assert.match(sectionOf(page, 'user.created'), /read by nobody/);
    assert.match(sectionOf(page, 'mail.verification'), /Written by auth, read by mail/);
  });

  it('shows the forms of a message that are still read', () => {
    const section = sectionOf(page, 'order.expiry');
    assert.ok(section.indexOf('order_ids') < section.indexOf('Older messages'));
    assert.match(section, /Older messages have this form.*order_id /s);
  });

  it('escapes what it shows', () => {
    const title = '<script>alert("1") & more</script>';
    const hostile: AsyncApiDocument = { ...document, info: { ...document.info, title } };
    const shown = eventsPage(hostile, '/docs');
    assert.ok(!shown.includes('<script'));
    assert.ok(shown.includes('&lt;script&gt;alert(&quot;1&quot;) &amp; more'));
  });
});

describe('the fields of a schema', () => {
  it('go into objects and lists, with what may be missing', () => {
    const items = { type: 'array', items: { type: 'object', properties: { id: { type: 'integer', minimum: 1 } } } };
    const at = { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }], default: null };
    const kind = { enum: ['a', 'b'] };
    const [fields] = formsOf({ properties: { items, at, kind }, required: ['items'] });
    assert.deepEqual(fields, [
      { path: 'items', type: 'list of object', isRequired: true, note: '' },
      { path: 'items[].id', type: 'integer', isRequired: false, note: 'at least 1' },
      { path: 'at', type: 'string (date-time) or null', isRequired: false, note: 'null when missing' },
      { path: 'kind', type: '"a" or "b"', isRequired: false, note: '' },
    ]);
  });
});
