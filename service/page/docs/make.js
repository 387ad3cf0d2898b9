// Elements and texts.

/** An element with a class and texts or children. */
export function make(name, kind = "", ...inside) {
  const element = document.createElement(name);
  if (kind) element.className = kind;
  element.append(...inside);
  return element;
}

/** A text that ends after so many characters. */
export const shorten = (text, most) => (text.length > most ? `${text.slice(0, most)} …` : text);

/** JSON with lists of numbers on one line. */
export function pretty(value) {
  return JSON.stringify(value, null, 2).replace(/\[\s+(-?[\d.eE+-]+(?:,\s+-?[\d.eE+-]+)*)\s+\]/g, (_, numbers) => `[${numbers.replace(/\s+/g, " ")}]`);
}
