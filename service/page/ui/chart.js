// Small charts, drawn by hand: a line of the last minutes, spans on a logarithmic scale, a strip of values.

const SVG = "http://www.w3.org/2000/svg";

function draw(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** A line over its area; `room` points, the newest at the right. */
export function spark(svg, values, room) {
  const [width, height] = [room - 1, 30];
  const top = Math.max(...values, 1e-9);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const start = width - (values.length - 1);
  const at = (value, place) => `${start + place},${(height - 1 - (value / top) * (height - 3)).toFixed(2)}`;
  const line = values.map(at).join(" L");
  svg.replaceChildren(
    draw("path", { class: "area", d: `M${start},${height} L${line} L${width},${height} Z` }),
    draw("path", { class: "line", d: `M${line}`, "vector-effect": "non-scaling-stroke" }),
  );
}

/** For each row a span from its median over the 90th to the 99th of a hundred, in milliseconds, on one logarithmic scale. */
export function spans(svg, rows) {
  const all = rows.flatMap(({ times }) => [times.p50, times.p99]).filter((time) => time > 0);
  const low = Math.floor(Math.log10(Math.min(...all)));
  const high = Math.max(Math.ceil(Math.log10(Math.max(...all))), low + 1);
  // As wide as it is shown, so that its letters are as large as the page's.
  const [width, left, right, pitch] = [Math.max(svg.clientWidth, 240), 84, 26, 34];
  const height = rows.length * pitch + 26;
  const x = (time) => left + ((Math.log10(Math.max(time, 10 ** low)) - low) / (high - low)) * (width - left - right);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const parts = [];
  for (let power = low; power <= high; power += 1) {
    const place = x(10 ** power);
    parts.push(draw("line", { class: "grid", x1: place, x2: place, y1: 4, y2: height - 22 }));
    const name = power < -3 ? `${10 ** (power + 6)} ns` : power < 0 ? `${Math.round(10 ** (power + 3))} µs` : power < 3 ? `${10 ** power} ms` : `${10 ** (power - 3)} s`;
    parts.push(draw("text", { class: "tick", x: place, y: height - 6, "text-anchor": "middle" }, name));
  }
  rows.forEach(({ name, stage, times }, row) => {
    const y = row * pitch + pitch / 2 + 4;
    parts.push(draw("text", { class: "name", x: 0, y: y + 5 }, name));
    if (!(times.p99 > 0)) return;
    const kind = `stage-${stage}`;
    parts.push(draw("line", { class: `thin ${kind}`, x1: x(times.p50), x2: x(times.p99), y1: y, y2: y }));
    parts.push(draw("line", { class: `thick ${kind}`, x1: x(times.p50), x2: x(times.p90), y1: y, y2: y }));
    parts.push(draw("circle", { class: `dot ${kind}`, cx: x(times.p50), cy: y, r: 6.5 }));
    parts.push(draw("line", { class: `end ${kind}`, x1: x(times.p99), x2: x(times.p99), y1: y - 7, y2: y + 7 }));
  });
  svg.replaceChildren(...parts);
}

/** A picture of a vector: a cell a value, blue below zero, orange above, as strong as it is far from it. */
export function strip(canvas, values) {
  const columns = values.length <= 32 ? values.length : Math.ceil(values.length / Math.max(1, Math.round(Math.sqrt(values.length / 24))));
  const lines = Math.ceil(values.length / columns);
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth * scale;
  const cell = width / columns;
  const tall = Math.min(Math.max(cell, 9 * scale), 26 * scale);
  canvas.width = Math.round(width);
  canvas.height = Math.round(tall * lines);
  const most = Math.max(...values.map(Math.abs), 1e-12);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const pen = canvas.getContext("2d");
  values.forEach((value, place) => {
    const strength = Math.abs(value) / most;
    const hue = value < 0 ? 212 : 24;
    const light = dark ? 14 + 52 * strength : 96 - 50 * strength;
    pen.fillStyle = `hsl(${hue} ${30 + 50 * strength}% ${light}%)`;
    const [left, top] = [(place % columns) * cell, Math.floor(place / columns) * tall];
    pen.fillRect(Math.round(left), Math.round(top), Math.round(left + cell) - Math.round(left), Math.ceil(tall));
  });
}
