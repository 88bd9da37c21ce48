import assert from 'node:assert/strict';
import { renderPage, type Section } from './page.ts';

const chart = { xLabel: 'seconds', xs: [0, 1, 2], series: [{ label: 'rate', unit: 'orders/s', values: [1, null, 3] }] };
const render = (...sections: Section[]) => renderPage({ title: 'A run', subtitle: 'on one machine', sections });

describe('a report page', () => {
  it('holds the title, every heading, text and cell', () => {
    const html = render({
      heading: 'Rates',
      text: 'First.\n\nSecond.',
      table: { columns: ['what', 'figure'], rows: [['through the gateway', 652]] },
    });
    assert.match(html, /^<!doctype html>/);
    assert.match(html, /<title>A run<\/title>/);
    assert.match(html, /<h2>Rates<\/h2><p>First.<\/p><p>Second.<\/p>/);
    assert.match(html, /<th>what<\/th><th class="number">figure<\/th>/);
    assert.match(html, /<td>through the gateway<\/td><td class="number">652<\/td>/);
  });

  it('shows markup in any text instead of obeying it', () => {
    const evil = `</script><img src=x onerror="alert('1')">&amp;`;
    const html = renderPage({
      title: evil,
      subtitle: evil,
      sections: [
        {
          heading: evil,
          text: evil,
          table: { columns: [evil], rows: [[evil]] },
          chart: {
            xLabel: evil,
            xs: [1],
            series: [{ label: evil, unit: evil, values: [1] }],
            bands: [{ from: 0, to: 1, label: evil }],
          },
        },
      ],
    });
    assert.ok(!html.includes('<img'));
    assert.equal(html.match(/<script/g)?.length, html.match(/<\/script/g)?.length);
  });

  it('carries a chart as data that a browser reads back unchanged', () => {
    const bands = [{ from: 0.5, to: 1.5, label: 'relay <killed>' }];
    const html = render({ heading: 'Curve', chart: { ...chart, bands } });
    const json = /<script type="application\/json">(.*?)<\/script>/s.exec(html)?.[1];
    assert.deepEqual(JSON.parse(json ?? ''), { ...chart, bands });
  });

  it('needs no network and no other file', () => {
    const html = render({ heading: 'Curve', chart });
    assert.ok(!/\b(?:src|href)\s*=\s*["'](?!#)/.test(html));
    assert.ok(!/@import|url\(/.test(html));
    assert.match(html, /Content-Security-Policy" content="default-src 'none'/);
    assert.match(html, /var uPlot=/);
  });

  it('refuses a series that has not one value per point, and points that go back', () => {
    const short = { label: 'p99', unit: 'ms', values: [1] };
    assert.throws(() => render({ heading: 'Curve', chart: { ...chart, series: [short] } }), /1 values of "p99" for 3/);
    assert.throws(() => render({ heading: 'Curve', chart: { ...chart, xs: [0, 2, 1] } }), RangeError);
  });
});
