import assert from 'node:assert/strict';
import { readGeneratedDocs } from './generated-docs.ts';
import { grpcPage } from './grpc-page.ts';

const { grpc } = readGeneratedDocs();

/** What one part of the page says, without its markup. */
function sectionOf(page: string, name: string): string {
  const start = page.indexOf(`<section id="${name}">`);
  assert.ok(start >= 0, name);
  return page.slice(start, page.indexOf('</section>', start)).replaceAll(/<[^>]+>/g, ' ');
}

describe('the page of the gRPC services', () => {
  const page = grpcPage(grpc, '/docs');

  it('has a part for each service, message and enum, once', () => {
    const names = grpc.flatMap(({ services, messages, enums }) => [...services, ...messages, ...enums]);
    assert.ok(names.length > 50);
    for (const { name } of names) assert.equal(page.split(`<section id="${name}">`).length, 2, name);
  });

  it('shows a method with what it takes, what it does, and whether it may be sent again', () => {
    const section = sectionOf(page, 'OrderService');
    assert.match(section, /Every call needs the user's access token/);
    assert.match(
      section,
      /CreateOrder\s+CreateOrderRequest\s+CreateOrderResponse\s+yes: idempotent\s+The same request_id/,
    );
    assert.match(section, /PayOrder\s+PayOrderRequest\s+PayOrderResponse\s+no\s/);
  });

  it('shows the fields of a message with their comments', () => {
    const section = sectionOf(page, 'Order');
    assert.match(section, /reason\s+string\s+, may be missing\s+5\s+Why it is CANCELLED or REFUNDED\./);
    assert.match(section, /items\s+list of\s+OrderItem\s+11/);
    assert.match(sectionOf(page, 'OrderStatus'), /ORDER_STATUS_PAID/);
  });

  it('leads only to what is there', () => {
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    assert.ok(targets.length > 50);
    for (const id of targets) assert.ok(page.includes(`id="${id}"`), id);
  });

  it('escapes what it shows', () => {
    const [file] = grpc;
    assert.ok(file !== undefined);
    const hostile = { ...file, services: [{ name: 'S', comment: '<script>alert(1)</script>', methods: [] }] };
    const shown = grpcPage([hostile], '/docs');
    assert.ok(!shown.includes('<script') && shown.includes('&lt;script&gt;'));
  });
});
