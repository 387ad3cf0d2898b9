// The figures of the moment: tiles with the last two minutes, and the times of each stage.

import { spans, spark } from "./chart.js";
import { amount, bytes, count, make, millis, span } from "./words.js";

/** How many seconds the lines show. */
const ROOM = 120;

const STAGES = [["whole", "whole"], ["queue", "queue"], ["tokenize", "tokenize"], ["infer", "infer"], ["serialize", "serialize"]];

const past = new Map();

function tile(name, value, figure, note) {
  const values = past.get(name) ?? [];
  values.push(value);
  if (values.length > ROOM) values.shift();
  past.set(name, values);
  const place = document.querySelector(`[data-tile="${name}"]`);
  place.querySelector(".figure").textContent = figure;
  place.querySelector(".note").textContent = note;
  spark(place.querySelector("svg"), values, ROOM);
}

const sum = (values) => values.reduce((all, value) => all + value, 0);

/** The median over models: that of the one with most requests lately. */
function busiest(models) {
  return models.reduce((best, model) => (model.stages.whole.count > (best?.stages.whole.count ?? 0) ? model : best), null);
}

function tiles(state) {
  const { requests, models } = state;
  tile("rate", requests.per_second, amount(requests.per_second), `${count(requests.total)} since the start`);
  const busy = busiest(models);
  const whole = busy?.stages.whole ?? { p50: 0, p99: 0 };
  tile("median", whole.p50, busy ? millis(whole.p50) : "–", busy ? `99 % within ${millis(whole.p99)}` : "no model was asked lately");
  tile("flight", state.in_flight, count(state.in_flight), `${count(state.connections)} connection${state.connections === 1 ? "" : "s"}`);
  const waiting = sum(models.map((model) => model.waiting.texts));
  tile("waiting", waiting, count(waiting), `text${waiting === 1 ? "" : "s"}, ${count(sum(models.map((model) => model.waiting.tokens)))} tokens`);
  const sheds = models.flatMap((model) => model.sheds);
  const rate = sum(sheds.map((shed) => shed.per_second));
  const total = sum(sheds.map((shed) => shed.total));
  tile("shed", rate, rate > 0 ? `${amount(rate)}/s` : count(total), rate > 0 ? `${count(total)} since the start` : "since the start");
}

const title = (model) => `${model.name} ${model.version}`;

function stages(models) {
  const picked = document.getElementById("stage-model");
  if (picked.options.length !== models.length) {
    picked.replaceChildren(...models.map((model) => new Option(title(model))));
    picked.onchange = () => { picked.dataset.chosen = "true"; };
    picked.parentElement.hidden = models.length < 2;
  }
  // Until somebody picks one, the busiest.
  const busy = busiest(models);
  if (!picked.dataset.chosen && busy) picked.value = title(busy);
  const model = models.find((known) => title(known) === picked.value);
  const has = Boolean(model && model.stages.whole.count > 0);
  document.getElementById("stage-none").hidden = has;
  document.getElementById("stage-shown").hidden = !has;
  if (!has) return;
  const rows = STAGES.map(([stage, name]) => ({ stage, name, times: model.stages[stage] }));
  spans(document.getElementById("stage-chart"), rows);
  const row = ({ stage, name, times }) => {
    const line = make("tr", `stage-${stage}`);
    const head = make("th", "", make("i", "key"), name);
    head.scope = "row";
    line.append(head, ...[times.p50, times.p90, times.p99, times.max].map((time) => make("td", "", millis(time))));
    return line;
  };
  document.getElementById("stage-rows").replaceChildren(...rows.map(row));
}

/** Shows a snapshot; says how the service stands. */
export function show(state) {
  document.getElementById("service").textContent = state.service;
  document.title = `${state.service} · dashboard`;
  tiles(state);
  stages(state.models);
  const { resident_bytes: resident, threads } = state.process;
  const parts = [resident && `${bytes(resident)} of memory`, threads && `${threads} threads`].filter(Boolean);
  document.getElementById("process").textContent = parts.length ? `It takes ${parts.join(" and ")}.` : "";
  return `version ${state.version}, up ${span(state.uptime_seconds)}`;
}
