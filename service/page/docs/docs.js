// Reads the OpenAPI document and shows its operations by protocol.

import { make, shorten } from "./make.js";
import { words } from "./schema.js";
import { tryIt } from "./try.js";

const METHODS = ["get", "post", "put", "delete", "patch"];

function anchor(name) {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

/** The operations of each tag, in the order of the document. */
function byTag(document_) {
  const found = new Map(document_.tags.map((tag) => [tag.name, { ...tag, operations: [] }]));
  for (const [path, item] of Object.entries(document_.paths)) {
    for (const method of METHODS.filter((method) => item[method])) {
      const operation = item[method];
      const tag = operation.tags?.[0] ?? "Other";
      if (!found.has(tag)) found.set(tag, { name: tag, description: "", operations: [] });
      found.get(tag).operations.push({ path, method, operation });
    }
  }
  return [...found.values()].filter((tag) => tag.operations.length > 0);
}

function follow(document_, value) {
  if (!value?.$ref) return value;
  return value.$ref.slice(2).split("/").reduce((place, key) => place[key], document_);
}

function parameters(list) {
  if (!list?.length) return [];
  const rows = list.map((parameter) =>
    make("div", "", make("dt", "", make("code", "", parameter.name), make("small", "", ` ${parameter.in}`)), make("dd", "", parameter.description ?? "")));
  return [make("h4", "", "Parameters"), make("dl", "pairs", ...rows)];
}

function schemas(document_, title, content) {
  return Object.entries(content ?? {}).map(([media, { schema }]) => {
    const shown = make("pre", "schema", words(schema, document_));
    shown.tabIndex = 0;
    return make("details", "", make("summary", "", `${title}, `, make("code", "", media)), shown);
  });
}

function answers(document_, responses) {
  const parts = [make("h4", "", "Answers")];
  for (const [status, response] of Object.entries(responses)) {
    const { description, content } = follow(document_, response);
    const kind = status < "300" ? "good" : "bad";
    parts.push(make("div", "response", make("b", `code ${kind} numbers`, status), make("div", "", make("p", "", description), ...schemas(document_, "Schema", content))));
  }
  return parts;
}

function inside(document_, path, method, operation) {
  const body = make("div", "inside");
  if (operation.description) body.append(make("p", "", operation.description));
  body.append(
    ...parameters(operation.parameters),
    ...schemas(document_, "Body", operation.requestBody?.content),
    tryIt(path, method, operation),
    ...answers(document_, operation.responses),
  );
  return body;
}

function entry(document_, { path, method, operation }) {
  const head = make("summary", "", make("b", `method ${method}`, method), make("code", "path", path), make("span", "quiet", operation.summary ?? ""));
  const details = make("details", "operation", head);
  details.id = operation.operationId ?? anchor(`${method}${path}`);
  // What is inside is made when somebody looks.
  details.addEventListener("toggle", () => { if (details.open && details.children.length === 1) details.append(inside(document_, path, method, operation)); });
  return details;
}

function show(document_) {
  const { info } = document_;
  document.title = `${info.title} · API`;
  document.getElementById("title").textContent = info.title;
  document.getElementById("about").textContent = `Version ${info.version}. ${info.description ?? ""}`;
  const tags = byTag(document_);
  document.getElementById("tags").replaceChildren(...tags.map(({ name }) => { const link = make("a", "", name); link.href = `#${anchor(name)}`; return link; }));
  const sections = tags.map((tag) => {
    const section = make("section", "", make("h2", "", tag.name), make("p", "quiet", tag.description ?? ""), ...tag.operations.map((found) => entry(document_, found)));
    section.id = anchor(tag.name);
    return section;
  });
  document.getElementById("operations").replaceChildren(...sections);
  const asked = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (asked instanceof HTMLDetailsElement) asked.open = true;
  if (asked) asked.scrollIntoView();
}

try {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error(`it is answered with ${answer.status}`);
  show(await answer.json());
} catch (error) {
  document.getElementById("status").textContent = `The document cannot be read: ${shorten(String(error), 200)}`;
}
document.documentElement.dataset.ready = "true";
