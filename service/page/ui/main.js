// Brings the page to life: the models once, the figures every second while somebody looks.

import { show as showLive } from "./live.js";
import { show as showModels, load } from "./models.js";
import { start as startTry } from "./try.js";

const EVERY = 1000;

async function ask(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
  return answer.json();
}

function stand(words, isWrong) {
  document.getElementById("pulse").classList.toggle("wrong", isWrong);
  const standing = document.getElementById("standing");
  if (standing.textContent !== words) standing.textContent = words;
}

async function look() {
  try {
    const state = await ask("/ui/state");
    stand(showLive(state), false);
    load(state.models);
  } catch {
    stand("the service does not answer", true);
  }
}

async function turn() {
  if (!document.hidden) await look();
  setTimeout(turn, EVERY);
}

document.addEventListener("visibilitychange", () => document.hidden || look());
const models = await ask("/ui/models").catch(() => []);
showModels(models);
startTry(models);
await turn();
document.documentElement.dataset.ready = "true";
