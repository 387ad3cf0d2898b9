// The page of the feed: asks `POST /predict` after each click, and shows where every item went and which model sent it there.

import { draw, hash, hue } from "/drawings.js";
import { STAGES, movement, remembered } from "/feed.js";

// More are asked for than are shown: what climbs from below is not new.
const SHOWN = 24;
const ASKED = 50;
const CHOICE = 6; // shoppers to choose from
const AGES = ["", 20, 30, 40, 50, 60, 70];

const $ = (id) => document.getElementById(id);
const money = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });
const count = new Intl.NumberFormat("en");
const countries = new Intl.DisplayNames(["en"], { type: "region" });
const DEVICES = { android: "Android", ios: "iOS", tablet: "tablet", web: "the web" };

const known = new Map(); // items that were shown, by number
let shoppers = [];
let first = 0; // of those to choose from
let state = { user: {}, session: [] };
let last = null; // the last answer and for whom
let turn = 0; // answers of older questions are dropped

async function ask() {
  const mine = ++turn;
  $("cards").ariaBusy = "true";
  try {
    const response = await fetch("/predict", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...state, limit: ASKED }),
    });
    const answer = await response.json();
    if (mine !== turn) return;
    if (!response.ok) return say(answer.error, true);
    show(answer);
  } catch {
    if (mine === turn) say("The shop cannot be reached. Try again in a moment.", true);
  } finally {
    if (mine === turn) $("cards").ariaBusy = "false";
  }
}

function say(text, wrong = false) {
  $("status").textContent = text;
  $("status").classList.toggle("wrong", wrong);
}

// Goes to another state: the address says it, and the browser's own way back leads to the one before.
function go(next) {
  state = next;
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(state.user)) query.set(key, value);
  if (state.session.length) query.set("session", state.session.join(","));
  history.pushState(state, "", `?${query}`);
  showState();
  ask();
}

function fromAddress() {
  const query = new URLSearchParams(location.search);
  const user = {};
  for (const key of ["id", "country", "device"]) if (query.get(key)) user[key] = query.get(key);
  if (query.get("age")) user.age = Number(query.get("age"));
  const session = (query.get("session") ?? "").split(",").filter(Boolean).map(Number);
  return { user, session };
}

function show(answer) {
  for (const entry of answer.feed) known.set(entry.item, entry);
  const whose = JSON.stringify(state.user);
  // Another shopper's feed has not moved: it is another.
  const before = last && last.whose === whose ? remembered(last.answer) : null;
  const places = positions();
  const cards = new Map([...$("cards").children].map((card) => [Number(card.dataset.item), card]));
  $("cards").replaceChildren(...answer.feed.slice(0, SHOWN).map((entry) => {
    const card = cards.get(entry.item) ?? newCard(entry);
    fill(card, entry, before && movement(entry, before));
    return card;
  }));
  move(places);
  const risen = before ? answer.feed.slice(0, SHOWN).filter((entry) => ["new", "up"].includes(movement(entry, before).kind)).length : 0;
  say(risen ? `${risen} of ${SHOWN} moved up` : "");
  showStages(answer);
  showState();
  last = { whose, answer };
}

function newCard(entry) {
  const card = $("card").content.cloneNode(true).firstElementChild;
  card.dataset.item = entry.item;
  card.style.setProperty("--hue", hue(entry));
  draw(card.querySelector("svg"), entry);
  card.querySelector(".title").textContent = entry.title;
  card.querySelector(".kind").textContent = `${entry.brand} · ${entry.subcategory}`;
  card.querySelector(".price").textContent = money.format(entry.price);
  card.querySelector("button").onclick = () => go({ ...state, session: [...state.session, entry.item] });
  return card;
}

function fill(card, entry, moved) {
  card.querySelector(".place").textContent = entry.places.rank;
  const badge = card.querySelector(".moved");
  const stage = moved?.stage;
  card.dataset.moved = moved?.kind ?? "same";
  badge.style.setProperty("--stage", stage ? `var(--${stage.key})` : "");
  badge.textContent = !stage ? "" : moved.kind === "new" ? `new · ${stage.name}` : `↑${moved.by} · ${stage.name}`;
  const said = (of) => `${of.name}: place ${count.format(entry.places[of.said])}, score ${entry.scores[of.said].toFixed(3)}`;
  card.querySelector("button").title = STAGES.map(said).join("\n");
  card.querySelector(".places").replaceChildren(...STAGES.map((of) => {
    const place = document.createElement("span");
    place.style.setProperty("--stage", `var(--${of.key})`);
    place.textContent = count.format(entry.places[of.said]);
    place.setAttribute("aria-label", said(of));
    return place;
  }));
}

function positions() {
  return new Map([...$("cards").children].map((card) => [card.dataset.item, card.getBoundingClientRect()]));
}

// Cards go from where they were to where they are; new ones rise.
function move(places) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const card of $("cards").children) {
    const [from, to] = [places.get(card.dataset.item), card.getBoundingClientRect()];
    const frames = from
      ? [{ transform: `translate(${from.left - to.left}px, ${from.top - to.top}px)` }, { transform: "none" }]
      : [{ opacity: 0, transform: "translateY(1.2rem) scale(.96)" }, { opacity: 1, transform: "none" }];
    card.animate(frames, { duration: from ? 520 : 360, easing: "cubic-bezier(.2,.8,.2,1)" });
  }
}

function showStages({ stages, timing_us: timing, models }) {
  const most = Math.max(...STAGES.map(({ key }) => timing[key]), 1);
  $("stages").replaceChildren(...STAGES.map((of) => {
    const item = $("stage").content.cloneNode(true).firstElementChild;
    item.style.setProperty("--stage", `var(--${of.key})`);
    item.querySelector("b").textContent = of.name;
    item.querySelector(".role").textContent = of.role;
    item.querySelector(".in").textContent = count.format(stages[of.key].in);
    // Of the last stage's the page shows the first.
    item.querySelector(".out").textContent = count.format(Math.min(stages[of.key].out, of.key === "re_ranker" ? SHOWN : Infinity));
    item.querySelector(".time").textContent = `${count.format(timing[of.key])} µs`;
    item.querySelector(".share i").style.width = `${Math.max(2, (100 * timing[of.key]) / most)}%`;
    return item;
  }));
  const total = STAGES.reduce((sum, { key }) => sum + timing[key], 0);
  $("total").hidden = false;
  $("total-time").textContent = `${(total / 1000).toFixed(1)} ms`;
  $("models").replaceChildren(...models.flatMap(({ name, version, digest }) => {
    const [term, fact, code] = ["dt", "dd", "code"].map((tag) => document.createElement(tag));
    term.textContent = `${name} ${version}`;
    code.textContent = digest;
    fact.append(code);
    return [term, fact];
  }));
}

// Titles of clicks that the address names and no feed has shown.
async function learn() {
  const missing = [...new Set(state.session)].filter((id) => !known.has(id));
  const items = await Promise.all(missing.map(async (id) => (await fetch(`/items/${id}`)).json()));
  for (const item of items) if (item.id) known.set(item.id, item);
  if (missing.length) showState();
}

function showState() {
  const { session, user } = state;
  $("session").replaceChildren(...session.map((id) => {
    const click = document.createElement("li");
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    const item = known.get(id);
    const label = document.createElement("span");
    label.textContent = item?.title ?? `item ${id}`;
    if (item) click.style.setProperty("--hue", hue(item));
    draw(svg, item ?? {});
    click.append(svg, label);
    return click;
  }));
  $("session").scrollLeft = $("session").scrollWidth;
  $("session").hidden = !session.length;
  $("invite").hidden = session.length > 0;
  $("undo").disabled = $("again").disabled = !session.length;
  for (const chip of $("shoppers").children) chip.setAttribute("aria-pressed", String(chip.dataset.id === (user.id ?? "")));
  $("facts").hidden = Boolean(user.id);
  for (const key of ["country", "device", "age"]) $(key).value = user[key] ?? "";
}

function chip(id, head, text, color) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.id = id;
  button.className = "shopper";
  const [face, name, facts] = ["span", "span", "span"].map((tag) => document.createElement(tag));
  [face.className, name.className, facts.className] = ["face", "name", "of"];
  face.style.setProperty("--hue", color);
  face.textContent = head;
  name.textContent = id || "New visitor";
  facts.textContent = text;
  button.append(face, name, facts);
  button.onclick = () => go({ user: id ? { id } : {}, session: [] });
  return button;
}

function showShoppers() {
  const chosen = shoppers.find(({ id }) => id === state.user.id);
  const some = Array.from({ length: Math.min(CHOICE, shoppers.length) }, (_, at) => shoppers[(first + at * 331) % shoppers.length]);
  if (chosen && !some.includes(chosen)) some[0] = chosen;
  const chips = some.map(({ id, country, device, age }) =>
    chip(id, country, `${countries.of(country)}, ${DEVICES[device] ?? device}, ${age}`, hash(id) % 360));
  $("shoppers").replaceChildren(chip("", "?", "nothing is known", 200), ...chips);
  showState();
}

function options(id, values, text) {
  $(id).replaceChildren(...values.map((value) => new Option(value === "" ? "unknown" : text(value), value)));
  $(id).onchange = () => {
    const user = {};
    for (const key of ["country", "device", "age"]) if ($(key).value) user[key] = key === "age" ? Number($(key).value) : $(key).value;
    go({ ...state, user });
  };
}

async function open() {
  state = fromAddress();
  history.replaceState(state, "");
  ask();
  try {
    await learn();
    shoppers = await (await fetch("/shoppers")).json();
  } catch {
    return say("The shop cannot be reached. Try again in a moment.", true);
  }
  const all = (key) => ["", ...new Set(shoppers.map((shopper) => shopper[key]))].sort();
  options("country", all("country"), (code) => countries.of(code));
  options("device", all("device"), (device) => DEVICES[device] ?? device);
  options("age", AGES, (age) => `about ${age}`);
  showShoppers();
}

$("undo").onclick = () => go({ ...state, session: state.session.slice(0, -1) });
$("again").onclick = () => go({ ...state, session: [] });
$("others").onclick = () => {
  first += CHOICE * 7;
  showShoppers();
};
addEventListener("popstate", (event) => {
  state = event.state ?? fromAddress();
  showState();
  ask();
});
open();
