// Asks the service, with a token where it wants one: the tab keeps it, and forgets it with its end.

const KEPT = "modeldeploy-token";

let asking = null; // one box for all that wait

function make(name, properties, ...inside) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...inside);
  return element;
}

/** A box that asks for the token; resolves once there is one. */
function box() {
  const input = make("input", { type: "password", autocomplete: "off", required: true });
  const form = make("form", {}, make("h2", { textContent: "This service asks for a token" }), make("label", {}, "Token ", input), make("button", { type: "submit", textContent: "Go on" }));
  const dialog = make("dialog", { className: "token" }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEPT, input.value);
      dialog.remove();
      asking = null;
      done();
    });
  });
}

/** As `fetch`, and again with a token where the answer is 401. */
export async function ask(path, options = {}) {
  const token = sessionStorage.getItem(KEPT);
  const headers = { ...options.headers, ...(token && { authorization: `Bearer ${token}` }) };
  const answer = await fetch(path, { ...options, headers });
  if (answer.status !== 401) return answer;
  await (asking ??= box());
  return ask(path, options);
}
