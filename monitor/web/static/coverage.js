// Draws the coverage chart, in the colours of the theme; a click shows the stories of a day.
"use strict";

const place = document.querySelector("#plot");
const { by, starts, lines, isStacked } = place ? JSON.parse(place.dataset.chart) : { starts: [], lines: [] };
// Stacked, each line stands on those before it, and is drawn before them, so that none hides another.
const drawn = lines.map((line, number) => ({ ...line, number, heights: isStacked ? heights(number) : line.counts }));
if (isStacked) drawn.reverse();
// Hours are shown in the reader's zone; days and weeks begin in UTC.
const isHourly = starts[1] - starts[0] < 86_400;
let chart = null;

function heights(number) {
  return starts.map((_, at) => lines.slice(0, number + 1).reduce((sum, line) => sum + line.counts[at], 0));
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function draw() {
  const width = place.clientWidth;
  const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") } };
  chart?.destroy();
  chart = new uPlot(
    {
      width,
      height: width < 600 ? 240 : 320,
      ...(isHourly ? {} : { tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC") }),
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { y: { range: (self, low, high) => [0, Math.max(high, 1) * 1.05] } },
      axes: [{ ...axis, values: (self, ticks) => ticks.map(writtenTick), space: 88 }, { ...axis, size: 48, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] }],
      series: [
        { value: (self, seconds) => (seconds === null ? "" : writtenStart(seconds)), label: "From" },
        ...drawn.map((line) => {
          const stroke = colour(line.isOthers ? "series-others" : `series-${line.number + 1}`);
          return {
            label: by === "language" ? languageName(line.name) : line.name,
            stroke: isStacked ? colour("paper") : stroke,
            fill: isStacked ? stroke : undefined,
            width: isStacked ? 1 : 2,
            dash: line.isOthers && !isStacked ? [4, 4] : [],
            points: { show: !isStacked && starts.length <= 31, size: 5, fill: colour("paper") },
            value: (self, value, series, at) => (at === null ? "" : numbers.format(line.counts[at])),
          };
        }),
      ],
    },
    [starts, ...drawn.map((line) => line.heights)],
    place,
  );
  chart.over.addEventListener("click", () => {
    const bucket = chart.cursor.idx;
    if (bucket !== null && bucket !== undefined) document.querySelector(`[data-bucket="${bucket}"]`)?.click();
  });
}

function writtenStart(seconds) {
  const style = isHourly ? { dateStyle: "medium", timeStyle: "short" } : { dateStyle: "medium", timeZone: "UTC" };
  return new Intl.DateTimeFormat(undefined, style).format(new Date(seconds * 1000));
}

function writtenTick(seconds) {
  const style = isHourly ? { timeStyle: "short" } : { day: "numeric", month: "short", timeZone: "UTC" };
  return new Intl.DateTimeFormat(undefined, style).format(new Date(seconds * 1000));
}

if (place) {
  draw();
  let width = place.clientWidth;
  new ResizeObserver(() => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    draw();
  }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
