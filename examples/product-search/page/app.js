// The page of the shop: asks `POST /predict` and shows what comes back, in English or Chinese.

const TEXTS = {
  en: {
    shop: "Everything Store",
    headline: "Say what you are looking for, in your own words.",
    search: "Search",
    placeholder: "Try “headphones for the gym” or 手机",
    finds: "Finds",
    ranks: "Ranks",
    version: "Version",
    digest: "Digest",
    footer: "This page, the catalogue, its vectors and the models that understand your words are one binary. No file is read to answer you.",
    found: (count, query, ms) => `${count} results for “${query}” in ${ms} ms`,
    none: "Nothing was found.",
    searching: "Searching …",
    why: "Matched on",
    score: (cosine) => `similarity ${cosine}`,
    relevance: (relevance, cosine, place) => `relevance ${relevance} by the re-ranker; found in place ${place} with similarity ${cosine}`,
    reranked: "the first ones read once more and put in order",
    failed: "The shop cannot be reached. Try again in a moment.",
    ideas: ["wireless headphones", "gift for a runner", "something to keep tea hot", "reading lamp for the desk", "wooden toys for toddlers"],
  },
  zh: {
    shop: "万物商店",
    headline: "用你自己的话，说说想找什么。",
    search: "搜索",
    placeholder: "试试“手机”或“送给跑步爱好者的礼物”",
    finds: "检索模型",
    ranks: "排序模型",
    version: "版本",
    digest: "摘要",
    footer: "这个页面、商品目录、它的向量，以及理解你话语的两个模型，都在同一个程序里。回答你时不读取任何文件。",
    found: (count, query, ms) => `“${query}”共 ${count} 个结果，用时 ${ms} 毫秒`,
    none: "没有找到商品。",
    searching: "正在搜索……",
    why: "匹配词",
    score: (cosine) => `相似度 ${cosine}`,
    relevance: (relevance, cosine, place) => `重排相关度 ${relevance}；检索时排第 ${place}，相似度 ${cosine}`,
    reranked: "前面的结果已逐一重读并重新排序",
    failed: "暂时无法连接商店，请稍后再试。",
    ideas: ["手机", "无线耳机", "保温杯", "儿童积木", "咖啡机"],
  },
};

// Line drawings by the first part of the English category; the last one serves the rest.
const DRAWINGS = [
  [/electron|phone|computer|audio|camera|gaming|wearable/i, "M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3zM11 18h2"],
  [/kitchen|dining|cook/i, "M5 10h12v4a5 5 0 0 1-5 5h-2a5 5 0 0 1-5-5zM17 11h1.5a2 2 0 0 1 0 5H17M8 3.5v3M11 3.5v3M14 3.5v3"],
  [/fashion|cloth|apparel|shoe|jewel|bag/i, "M8 4 4 7l2 4 2-1v10h8V10l2 1 2-4-4-3a4 4 0 0 1-8 0z"],
  [/beauty|health|care/i, "M9 10h6v9a1.5 1.5 0 0 1-1.5 1.5h-3A1.5 1.5 0 0 1 9 19zM10.5 10V6h3v4M10.5 6l3-2"],
  [/sport|outdoor|fitness|travel/i, "M4 9v6M7 7v10M17 7v10M20 9v6M7 12h10"],
  [/toy|game|kid|baby/i, "M4 13h7v7H4zM13 13h7v7h-7zM8.5 4h7v7h-7z"],
  [/grocer|food|drink|pantry/i, "M12 8c-2-2-7-1.5-7 4 0 5 3.5 8.5 5.5 8.5.8 0 1-.5 1.5-.5s.7.5 1.5.5c2 0 5.5-3.5 5.5-8.5 0-5.5-5-6-7-4zM12 8c0-2 1-4 3-4.5"],
  [/garden|plant|flower/i, "M12 20v-9M12 12c0-4 3-6 7-6 0 4-3 6-7 6zM12 15c0-3-2.5-5-6-5 0 3 2.5 5 6 5zM7 20h10"],
  [/pet/i, "M12 12.5c-2.5 0-5 2.5-5 5 0 1.5 1 2.5 2.5 2.5 1 0 1.5-.5 2.5-.5s1.5.5 2.5.5c1.5 0 2.5-1 2.5-2.5 0-2.5-2.5-5-5-5zM6 10.5v1M10 6v1.5M14 6v1.5M18 10.5v1"],
  [/book|music|film|stationer|office|school/i, "M5 5.5A1.5 1.5 0 0 1 6.5 4H18v13H6.5A1.5 1.5 0 0 0 5 18.5zM5 18.5A1.5 1.5 0 0 0 6.5 20H18v-3M9 8h5"],
  [/tool|auto|car|hardware/i, "M14.5 6a4 4 0 0 1 5-1l-2.5 2.5 1.5 1.5L21 6.5a4 4 0 0 1-5.5 5L8 19a2 2 0 0 1-3-3l7.5-7.5A4 4 0 0 1 14.5 6z"],
  [/home|furniture|living|bed|light|decor/i, "M5 12V8.5A2.5 2.5 0 0 1 7.5 6h9A2.5 2.5 0 0 1 19 8.5V12M3.5 12.5A1.5 1.5 0 0 1 6.5 13v2h11v-2a1.5 1.5 0 0 1 3 0V18h-17zM6 18v2M18 18v2"],
  [/./, "M6 8h12l-1 12H7zM9 8a3 3 0 0 1 6 0"],
];

const $ = (id) => document.getElementById(id);
let language = localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");
let last = null; // the last answer, shown again when the language changes
let turn = 0; // answers of older questions are dropped

function speak(chosen) {
  language = chosen;
  localStorage.setItem("language", language);
  const texts = TEXTS[language];
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = texts.shop;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = texts[element.dataset.text];
  for (const button of document.querySelectorAll("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  $("query").placeholder = texts.placeholder;
  $("query").setAttribute("aria-label", texts.search);
  $("ideas").replaceChildren(...texts.ideas.map((idea) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = idea;
    button.onclick = () => ask(idea);
    return button;
  }));
  if (last) show(last);
}

function say(text, wrong = false) {
  $("status").textContent = text;
  $("status").classList.toggle("wrong", wrong);
}

async function ask(query, remember = true) {
  query = query.trim();
  $("query").value = query;
  if (!query) return;
  const mine = ++turn;
  say(TEXTS[language].searching);
  const start = performance.now();
  try {
    const response = await fetch("/predict", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ query, limit: 12, explain: true }),
    });
    const answer = await response.json();
    if (mine !== turn) return;
    if (!response.ok) return say(answer.error, true);
    last = { query, answer, ms: Math.max(1, Math.round(performance.now() - start)) };
    if (remember) history.pushState({ query }, "", `?q=${encodeURIComponent(query)}`);
    show(last);
  } catch {
    if (mine === turn) say(TEXTS[language].failed, true);
  }
}

function show({ query, answer, ms }) {
  const texts = TEXTS[language];
  const found = answer.recommendations;
  document.body.classList.add("searched");
  say(found.length ? texts.found(found.length, query, ms) : texts.none);
  if (found.length && answer.re_ranker) {
    const note = document.createElement("span");
    note.className = "reranked";
    note.textContent = texts.reranked;
    $("status").append(" ", note);
  }
  $("results").replaceChildren(...found.map((product, place) => card(product, place, texts)));
  for (const [id, model] of [["model", answer.model], ["re-ranker", answer.re_ranker]]) {
    $(id).hidden = !model;
    for (const fact of ["name", "version", "digest"]) $(`${id}-${fact}`).textContent = model?.[fact] ?? "";
  }
}

function card(product, place, texts) {
  const item = $("card").content.cloneNode(true).firstElementChild;
  const part = (name) => item.querySelector(name);
  const other = language === "zh" ? "en" : "zh";
  item.dataset.id = product.id;
  item.style.animationDelay = `${place * 25}ms`;
  const kind = product.category.en.split(/\s*[>\/›]\s*/)[0];
  item.style.setProperty("--hue", hue(kind));
  part(".tile svg").innerHTML = `<path d="${DRAWINGS.find(([pattern]) => pattern.test(product.category.en))[1]}"/>`;
  part(".category").textContent = product.category[language];
  part(".title").replaceChildren(...marked(product.why.title[language]));
  part(".other").replaceChildren(...marked(product.why.title[other]));
  part(".other").lang = other === "zh" ? "zh-CN" : "en";
  part(".why-label").textContent = `${texts.why}:`;
  part(".why-words").replaceChildren(...marked(product.why.query));
  part(".price").textContent = new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en", { style: "currency", currency: product.currency }).format(product.price);
  const shown = product.relevance ?? product.score;
  part("meter").value = shown;
  part(".score .number").textContent = shown.toFixed(3);
  part(".score").title = product.relevance === undefined
    ? texts.score(product.score.toFixed(3))
    : texts.relevance(shown.toFixed(3), product.score.toFixed(3), product.place);
  const moved = product.place - (place + 1);
  part(".moved").textContent = moved ? `${moved > 0 ? "↑" : "↓"}${Math.abs(moved)}` : "";
  part(".moved").classList.toggle("up", moved > 0);
  return item;
}

// Pieces of a text with weights 0 to 1: those that matter are marked, the more the stronger.
function marked(pieces) {
  return pieces.map(({ text, weight }) => {
    if (weight < 0.15) return document.createTextNode(text);
    const mark = document.createElement("mark");
    mark.style.setProperty("--weight", weight.toFixed(2));
    mark.textContent = text;
    return mark;
  });
}

function hue(text) {
  let hash = 7;
  for (const character of text) hash = (hash * 31 + character.codePointAt(0)) % 360;
  return hash;
}

for (const button of document.querySelectorAll("[data-language]")) button.onclick = () => speak(button.dataset.language);
$("search").onsubmit = (event) => {
  event.preventDefault();
  ask($("query").value);
};
addEventListener("popstate", (event) => {
  if (event.state?.query) ask(event.state.query, false);
});
speak(language);
const asked = new URLSearchParams(location.search).get("q");
if (asked) ask(asked, false);
