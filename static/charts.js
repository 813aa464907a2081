// Draws the charts of a page with uPlot, from the JSON that each holds; without scripts there is the table.
const locale = document.documentElement.dataset.intl || "en-GB";
const counts = new Intl.NumberFormat(locale, { maximumFractionDigits: 1, notation: "compact" });
const exact = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric" });
const full = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
// From so many milliseconds on this unit, of so many.
const UNITS = [[2 * 86400000, "day", 86400000], [2 * 3600000, "hour", 3600000], [600000, "minute", 60000], [1000, "second", 1000], [0, "millisecond", 1]];
const DAY_S = 86400;
const drawn = new Map();  // element -> { plot, data }

// A canvas cannot read var(): an element is asked what colour that is.
function colour(name) {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(--${name})`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const faint = (rgb) => rgb.replace("rgb(", "rgba(").replace(")", ", 0.14)");

function span(ms) {
  const [, unit, size] = UNITS.find(([from]) => ms >= from);
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "narrow", maximumSignificantDigits: 3 }).format(ms / size);
}

const written = { jobs: (value) => counts.format(value), ms: span };
const told = { jobs: (value) => exact.format(value), ms: span };

function series(data) {
  return data.series.map(({ name, colour: own }) => ({
    label: name,
    stroke: colour(own),
    fill: data.unit === "jobs" ? faint(colour(own)) : undefined,
    width: 2,
    points: { show: data.times.length < 3 },
    value: (_, value) => (value === null || value === undefined ? "–" : told[data.unit](value)),
  }));
}

function axes(data) {
  const shared = { stroke: colour("mahaam-soft"), grid: { stroke: colour("mahaam-line"), width: 1 }, ticks: { show: false } };
  const isLong = data.times.at(-1) - data.times[0] > 2 * DAY_S;
  return [
    { ...shared, values: (_, at) => at.map((second) => (isLong ? day : clock).format(second * 1000)) },
    { ...shared, size: 64, values: (_, values) => values.map((value) => (value === null ? "" : written[data.unit](value))) },
  ];
}

// A deploy is a dashed line with its revision.
function marks(plot, data) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("mahaam-ink");
  ctx.font = `${11 * devicePixelRatio}px sans-serif`;
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  for (const { at, text } of data.lines) {
    const left = plot.valToPos(at, "x", true);
    if (left < bbox.left || left > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(left, bbox.top);
    ctx.lineTo(left, bbox.top + bbox.height);
    ctx.stroke();
    const isRight = left > bbox.left + bbox.width * 0.8;
    ctx.textAlign = isRight ? "right" : "left";
    ctx.fillText(text.slice(0, 24), left + (isRight ? -4 : 4) * devicePixelRatio, bbox.top + 12 * devicePixelRatio);
  }
  ctx.restore();
}

const columns = (data) => [data.times, ...data.values.map((values) => (data.unit === "ms" ? values.map((value) => value || null) : values))];

// A logarithmic axis needs something to stand on.
const heights = (_, low, high) => (low === null ? [1, 1000] : [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(Math.max(high, low * 10)))]);

function options(box, data) {
  return {
    width: box.clientWidth,
    height: box.clientWidth < 480 ? 200 : 240,
    series: [{ label: box.dataset.time || "", value: (_, at) => (at ? full.format(at * 1000) : "–") }, ...series(data)],
    axes: axes(data),
    scales: { y: data.unit === "ms" ? { distr: 3, range: heights } : { range: (_, low, high) => [0, Math.max(high || 0, 1) * 1.05] } },
    cursor: { drag: { x: false, y: false } },
    hooks: { draw: [(plot) => marks(plot, data)] },
  };
}

function draw(box) {
  const data = JSON.parse(box.dataset.chart);
  drawn.get(box)?.plot.destroy();
  drawn.set(box, { plot: new uPlot(options(box, data), columns(data), box), text: box.dataset.chart });
}

const size = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const known = drawn.get(target);
    if (known && known.plot.width !== target.clientWidth) known.plot.setSize({ width: target.clientWidth, height: known.plot.height });
  }
});

// Draw what is new or has other data.
export function drawCharts(part) {
  if (!globalThis.uPlot) return;
  for (const box of drawn.keys()) if (!box.isConnected) drawn.delete(box);
  part.querySelectorAll("[data-chart]").forEach((box) => {
    if (drawn.get(box)?.text === box.dataset.chart) return;
    draw(box);
    size.observe(box);
  });
}

// Other colours after a switch between light and dark.
export function keepColours(page) {
  const redraw = () => [...drawn.keys()].filter((box) => box.isConnected).forEach(draw);
  new MutationObserver(redraw).observe(page.documentElement, { attributeFilter: ["data-bs-theme"] });
}
