// The box to try a model: texts in; tokens, a vector, a score or labels out, and where the time went.

import { strip } from "./chart.js";
import { ask } from "./token.js";
import { count, make, millis } from "./words.js";

const $ = (id) => document.getElementById(id);
const STAGES = ["queue", "tokenize", "infer", "serialize"];

let models = [];
let turn = 0; // answers to older questions are dropped

const picked = () => models[Number($("try-model").value)];

/** What the boxes are called for a task. */
const NAMES = {
  embed: ["Text", "Another text, to compare"],
  score: ["Query", "Document"],
  classify: ["Text", "A second text, for a model of pairs"],
};

function choose() {
  const model = picked();
  if (!model) return;
  const [text, other] = NAMES[model.task] ?? NAMES.embed;
  $("text-name").textContent = text;
  $("other-name").textContent = other;
  $("other").required = model.task === "score";
  const none = new Option(model.default_prompt ? `${model.default_prompt} (default)` : "none", "");
  $("try-prompt").replaceChildren(none, ...model.prompts.filter((name) => name !== model.default_prompt).map((name) => new Option(name, name)));
  $("prompt-label").hidden = model.prompts.length === 0;
  $("result").hidden = true;
  $("try-status").textContent = "";
}

function question() {
  const [model, text, other] = [picked(), $("text").value, $("other").value];
  const isPair = model.task !== "embed";
  const texts = isPair ? [other ? { text, pair: other } : { text }] : [{ text }, ...(other ? [{ text: other }] : [])];
  return { model: model.name, version: model.version, prompt: $("try-prompt").value || null, texts };
}

function say(words, isWrong) {
  $("try-status").textContent = words;
  $("try-status").classList.toggle("wrong", Boolean(isWrong));
}

async function run(event) {
  event.preventDefault();
  const own = (turn += 1);
  say("running …");
  const begun = performance.now();
  try {
    const answer = await ask("/ui/try", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(question()) });
    const body = await answer.json();
    if (own !== turn) return;
    if (!answer.ok) return refuse(body.error);
    show(picked(), body, stages(answer.headers.get("server-timing")), performance.now() - begun);
  } catch {
    if (own === turn) refuse("the service does not answer");
  }
}

function refuse(words) {
  $("result").hidden = true;
  say(words, true);
}

/** The header `Server-Timing` as milliseconds by stage. */
function stages(header) {
  const entries = [...(header ?? "").matchAll(/(\w+);dur=([\d.]+)/g)].map(([, name, time]) => [name, Number(time)]);
  return Object.fromEntries(entries);
}

function show(model, { texts }, times, whole) {
  const parts = texts.map((text, place) => tokens(text, texts.length > 1 ? `Text ${place + 1}` : "Tokens"));
  if (model.task === "embed") parts.push(...vectors(texts));
  else if (model.task === "score") parts.push(score(texts[0].values[0]));
  else parts.push(labels(model, texts[0].values));
  parts.push(timing(times));
  $("result").replaceChildren(...parts);
  $("result").hidden = false;
  // A canvas has its size once it is shown.
  for (const canvas of $("result").querySelectorAll("canvas")) strip(canvas, texts[Number(canvas.dataset.text)].values);
  const inside = STAGES.reduce((all, stage) => all + (times[stage] ?? 0), 0);
  say(`${millis(inside)} in the service, ${millis(whole)} as the browser sees it`);
}

function block(title, ...inside) {
  return make("section", "part", make("h3", "", title), ...inside);
}

function tokens({ tokens, uncut }, title) {
  const list = make("ol", "tokens");
  list.append(...tokens.map(({ id, piece, special, side }) => {
    const kind = ["token", special && "special", side === 1 && "second"].filter(Boolean).join(" ");
    return make("li", kind, make("span", "piece", piece), make("span", "id", String(id)));
  }));
  const cut = uncut > tokens.length ? ` of ${count(uncut)}: the rest was cut` : "";
  return block(title, make("p", "quiet", `${count(tokens.length)} tokens${cut}`), list);
}

const dot = (a, b) => a.reduce((sum, value, place) => sum + value * b[place], 0);

function vectors(texts) {
  const parts = texts.map(({ values }, place) => {
    const canvas = make("canvas", "strip");
    canvas.dataset.text = String(place);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Picture of a vector of ${values.length} values`);
    const first = make("code", "first", `${values.slice(0, 6).map((value) => value.toFixed(4)).join("  ")}${values.length > 6 ? " …" : ""}`);
    const norm = make("p", "quiet numbers", `${count(values.length)} values, length ${Math.sqrt(dot(values, values)).toFixed(4)}`);
    return block(texts.length > 1 ? `Vector ${place + 1}` : "Vector", canvas, norm, first);
  });
  if (texts.length > 1) {
    const [a, b] = texts.map(({ values }) => values);
    const cosine = dot(a, b) / (Math.sqrt(dot(a, a) * dot(b, b)) || 1);
    parts.push(block("Cosine", figure("cosine", cosine.toFixed(4)), gauge((cosine + 1) / 2, ["opposite", "unrelated", "the same"])));
  }
  return parts;
}

function figure(kind, words) {
  return make("p", `answer numbers ${kind}`, words);
}

/** A needle on a line from 0 to 1. */
function gauge(value, names) {
  const meter = make("div", "gauge", make("i"));
  meter.firstChild.style.insetInlineStart = `${100 * Math.min(Math.max(value, 0), 1)}%`;
  return make("div", "", meter, make("p", "ends", ...names.map((name) => make("span", "", name))));
}

function score(value) {
  return block("Score", figure("score", String(value)), make("p", "quiet", "The scale is the model's own: higher is more relevant."));
}

function labels(model, values) {
  const list = make("dl", "labels numbers");
  const ranked = values.map((value, place) => [model.labels[place], value]).sort((a, b) => b[1] - a[1]);
  for (const [name, value] of ranked) {
    const bar = make("i");
    bar.style.inlineSize = `${100 * value}%`;
    list.append(make("dt", "", name), make("dd", "", make("span", "bar", bar), make("b", "", value.toFixed(4))));
  }
  return block("Labels", list);
}

function timing(times) {
  const all = STAGES.reduce((sum, stage) => sum + (times[stage] ?? 0), 0) || 1;
  const bar = make("div", "split");
  const legend = make("ul", "legend numbers");
  for (const stage of STAGES) {
    const part = make("i", `stage-${stage}`);
    part.style.flexGrow = String((times[stage] ?? 0) / all);
    bar.append(part);
    legend.append(make("li", `stage-${stage}`, make("i", "key"), `${stage} `, make("b", "", millis(times[stage] ?? 0))));
  }
  bar.setAttribute("aria-hidden", "true");
  return block("Time", bar, legend);
}

/** Makes the box ready. */
export function start(all) {
  // A ranker takes no text: `/docs` has a request for each.
  models = all.filter((model) => model.task !== "rank");
  $("try").hidden = models.length === 0;
  $("try-model").replaceChildren(...models.map((model, place) => new Option(`${model.name} ${model.version}`, String(place))));
  $("try-model").addEventListener("change", choose);
  $("ask").addEventListener("submit", run);
  // Return runs it; with the shift key it is a new line.
  for (const box of [$("text"), $("other")])
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      $("ask").requestSubmit();
    });
  choose();
}
