/* global document, getComputedStyle, matchMedia, uPlot, window */
// Draws every chart of a page. This file runs in the reader's browser: the page holds a copy of it.
(() => {
  const HEIGHT_PX = 320;
  const AXIS_PX = 64;
  const LABEL_PX = 12;
  const LANE_PX = 17;
  const MOST_LANES = 4;
  const COLOURS = 8;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const spoken = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });
  const number = (value) => {
    if (value === null || value === undefined) return '–';
    return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : spoken.format(value);
  };
  const unitsOf = (series) => [...new Set(series.map(({ unit }) => unit))].filter(Boolean).join(', ');
  const isRight = ({ axis }) => axis === 'right';

  /** Shaded spans under the curves; their names in a few lanes, and those without room once the reader has zoomed in. */
  function bandsPlugin(bands) {
    const left = (plot, band) => Math.max(plot.bbox.left, plot.valToPos(band.from, 'x', true));
    const right = (plot, band) => Math.min(plot.bbox.left + plot.bbox.width, plot.valToPos(band.to, 'x', true));
    const isVisible = (plot, band) => band.to >= plot.scales.x.min && band.from <= plot.scales.x.max;
    return {
      hooks: {
        drawClear: (plot) => {
          const { ctx, bbox } = plot;
          ctx.save();
          for (const band of bands) {
            if (!isVisible(plot, band)) continue;
            const start = left(plot, band);
            const width = Math.max(uPlot.pxRatio, right(plot, band) - start);
            ctx.fillStyle = `rgb(${colour('--band')} / 0.16)`;
            ctx.fillRect(start, bbox.top, width, bbox.height);
            ctx.fillStyle = `rgb(${colour('--band')} / 0.7)`;
            ctx.fillRect(start, bbox.top, uPlot.pxRatio, bbox.height);
          }
          ctx.restore();
        },
        draw: (plot) => {
          const { ctx, bbox } = plot;
          const laneEnds = [];
          ctx.save();
          ctx.font = `${LABEL_PX * uPlot.pxRatio}px system-ui, sans-serif`;
          ctx.textAlign = 'left';
          ctx.textBaseline = 'top';
          for (const band of bands) {
            if (!isVisible(plot, band)) continue;
            const gap = 4 * uPlot.pxRatio;
            const width = ctx.measureText(band.label).width;
            // A name near the right edge moves to the left rather than out of the picture.
            const start = Math.min(left(plot, band) + gap, bbox.left + bbox.width - width - gap);
            const free = laneEnds.findIndex((end) => end <= start);
            const lane = free === -1 ? laneEnds.length : free;
            if (lane >= MOST_LANES) continue;
            laneEnds[lane] = start + width + 2 * gap;
            const top = bbox.top + gap + lane * LANE_PX * uPlot.pxRatio;
            ctx.fillStyle = colour('--card');
            ctx.globalAlpha = 0.8;
            ctx.fillRect(start - gap / 2, top - gap / 2, width + gap, (LABEL_PX + 4) * uPlot.pxRatio);
            ctx.globalAlpha = 1;
            ctx.fillStyle = colour('--ink');
            ctx.fillText(band.label, start, top);
          }
          ctx.restore();
        },
      },
    };
  }

  /** From zero, with room above for a band's name. */
  const range = (_plot, min, max) => {
    if (min === null || max === null) return [0, 1];
    const low = Math.min(0, min);
    return [low, max <= low ? low + 1 : max + (max - low) * 0.12];
  };

  function axis(label, side, scale, hasGrid) {
    return {
      label,
      side,
      scale,
      stroke: colour('--quiet'),
      font: '12px system-ui, sans-serif',
      labelFont: '600 12px system-ui, sans-serif',
      grid: { show: hasGrid, stroke: colour('--grid'), width: 1 },
      ticks: { stroke: colour('--line'), width: 1 },
      border: { show: true, stroke: colour('--line'), width: 1 },
      ...(scale === 'x' ? {} : { size: AXIS_PX }),
      values: (_plot, values) => values.map(number),
    };
  }

  function draw(figure) {
    const chart = JSON.parse(figure.querySelector('script').textContent);
    const place = figure.querySelector('.plot');
    place.replaceChildren();
    const lefts = chart.series.filter((series) => !isRight(series));
    const rights = chart.series.filter(isRight);
    const options = {
      width: place.clientWidth,
      height: HEIGHT_PX,
      padding: [12, rights.length > 0 ? 0 : 24, 0, 0],
      scales: { x: { time: false }, y: { range }, y2: { range } },
      axes: [
        axis(chart.xLabel, 2, 'x', true),
        ...(lefts.length > 0 ? [axis(unitsOf(lefts), 3, 'y', true)] : []),
        ...(rights.length > 0 ? [axis(unitsOf(rights), 1, 'y2', lefts.length === 0)] : []),
      ],
      series: [
        { label: chart.xLabel, value: (_plot, value) => number(value) },
        ...chart.series.map((series, index) => ({
          label: isRight(series) && lefts.length > 0 ? `${series.label} (right)` : series.label,
          scale: isRight(series) ? 'y2' : 'y',
          stroke: colour(`--series-${index % COLOURS}`),
          width: 2,
          dash: isRight(series) ? [6, 4] : [],
          value: (_plot, value) => `${number(value)} ${value === null ? '' : series.unit}`,
        })),
      ],
      plugins: [bandsPlugin(chart.bands ?? [])],
    };
    const data = [chart.xs, ...chart.series.map(({ values }) => values)];
    return new uPlot(options, data, place);
  }

  const figures = [...document.querySelectorAll('figure.chart')];
  const drawAll = () => figures.map(draw);
  let plots = drawAll();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const plot of plots) plot.destroy();
    plots = drawAll();
  });
  window.addEventListener('resize', () => {
    plots.forEach((plot, index) => {
      plot.setSize({ width: figures[index].querySelector('.plot').clientWidth, height: HEIGHT_PX });
    });
  });
})();
