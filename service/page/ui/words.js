// Numbers in words: short, with their unit, never more digits than one reads.

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A count: `12,345`. */
export const count = (value) => grouped.format(value);

/** A rate or mean: three digits. */
export function amount(value) {
  if (value === 0) return "0";
  if (value >= 100) return grouped.format(value);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Milliseconds as `38 µs`, `0.42 ms`, `1.3 s`. */
export function millis(value) {
  if (!(value > 0)) return "0";
  if (value < 0.1) return `${Math.round(value * 1000)} µs`;
  if (value < 1) return `${value.toFixed(2)} ms`;
  if (value < 1000) return `${value.toPrecision(3).replace(/\.?0+$/, "")} ms`;
  return `${(value / 1000).toPrecision(3)} s`;
}

/** Bytes as `17.2 MB`. */
export function bytes(value) {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

/** Seconds as `3 h 12 min`. */
export function span(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** An element with a class and a text or children. */
export function make(name, kind = "", ...inside) {
  const element = document.createElement(name);
  if (kind) element.className = kind;
  element.append(...inside);
  return element;
}
