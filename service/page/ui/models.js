// The models inside: what they are, and what their gates measured before they were let in.

import { amount, bytes, count, make } from "./words.js";

const places = new Map();
const key = (model) => `${model.name} ${model.version}`;

function fact(name, ...value) {
  return make("div", "", make("dt", "", name), make("dd", "", ...value));
}

function digest(value) {
  const short = make("code", "", value.length > 22 ? `${value.slice(0, 19)}…` : value);
  short.title = value;
  return short;
}

function facts(model) {
  const gives = { embed: `${model.outputs} values${model.normalized ? ", of unit length" : ""}`, score: "a score for a pair", classify: `${model.outputs} labels`, rank: model.outputs === 1 ? "a score for a candidate" : `${model.outputs} scores for a candidate` };
  const found = [
    fact("gives", gives[model.task] ?? `${model.outputs} values`),
    fact("takes", model.task === "rank" ? `${model.features.length} features` : `${model.max_tokens} tokens`),
    fact("pack", `${bytes(model.pack_bytes)}, ${model.isa}`),
    fact("digest", digest(model.digest)),
  ];
  if (model.space) found.push(fact("space", digest(model.space)));
  if (model.labels.length) found.push(fact("labels", model.labels.join(", ")));
  for (const of of ["user", "session", "candidate"]) {
    const names = model.features.filter((feature) => feature.of === of).map((feature) => feature.name);
    if (names.length) found.push(fact(`of a ${of}`, names.join(", ")));
  }
  if (model.prompts.length) found.push(fact("prompts", model.prompts.map((name) => (name === model.default_prompt ? `${name} (default)` : name)).join(", ")));
  return found;
}

/** A bar to a figure, its threshold marked. */
function bar(name, value, figure, mark) {
  const SVG = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 100 6");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const rect = (kind, x, width) => {
    const part = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ class: kind, x, width, y: 0, height: 6 })) part.setAttribute(name, value);
    return part;
  };
  svg.append(rect("track", 0, 100), rect("value", 0, 100 * Math.min(Math.max(value, 0), 1)));
  if (mark !== undefined) svg.append(rect("mark", 100 * mark - 0.4, 0.8));
  return make("div", "measure", make("span", "", name), svg, make("b", "numbers", figure));
}

function gate(model) {
  const measured = model.gate;
  if (!measured) return [make("p", "quiet", "Its manifest asks for no gate.")];
  const { metric, base, got, thresholds, figures } = measured;
  const lines = [
    bar(`${metric}, f32`, Number(base), base),
    bar(`${metric}, here`, Number(got), got, thresholds["min-ratio"] && Number(base) * Number(thresholds["min-ratio"])),
  ];
  if (figures["cosine-min"]) lines.push(bar("least cosine", Number(figures["cosine-min"]), figures["cosine-min"], thresholds["min-cosine"] && Number(thresholds["min-cosine"])));
  const ratio = (100 * Number(got)) / Number(base);
  const asked = Object.entries(thresholds).map(([name, value]) => `${name.replace("min-", "")} ≥ ${value}`).join(", ");
  const words = Number(base) > 0 ? `${ratio.toFixed(2)} % of the f32 model` : "";
  return [make("h4", "", "Gate"), ...lines, make("p", "quiet", [words, asked && `asked: ${asked}`].filter(Boolean).join("; "))];
}

/** Shows the models. */
export function show(models) {
  const template = document.getElementById("card");
  const cards = models.map((model) => {
    const card = template.content.firstElementChild.cloneNode(true);
    card.querySelector("h3").append(model.name, " ", make("small", "numbers", model.version));
    card.querySelector(".task").textContent = model.task;
    card.querySelector(".facts").append(...facts(model));
    card.querySelector(".gate").append(...gate(model));
    places.set(key(model), card.querySelector(".load"));
    return card;
  });
  document.getElementById("cards").replaceChildren(...cards);
}

/** Shows what each model does now. */
export function load(models) {
  for (const model of models) {
    const place = places.get(key(model));
    const now = model.requests.per_second > 0 ? `${amount(model.requests.per_second)} requests and ${amount(model.tokens.per_second)} tokens a second` : "idle";
    if (place) place.textContent = `${now} · ${count(model.requests.total)} requests in all`;
  }
}
