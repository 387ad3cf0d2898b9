// The form under an operation: sends what stands in it, and shows what comes back.

import { make, pretty, shorten } from "./make.js";

/** Characters of an answer that are shown. */
const MOST = 20000;

const asText = (media, value) => (media === "application/json" ? pretty(value) : String(value));

function field(parameter) {
  const { schema = {}, name } = parameter;
  let input;
  if (schema.enum) {
    input = make("select", "", ...schema.enum.map((value) => new Option(value, value, value === parameter.example)));
  } else {
    input = make("input", "");
    input.value = parameter.example ?? "";
    input.placeholder = parameter.required ? "" : "not sent";
  }
  return { parameter, input, label: make("label", "", make("span", "", make("code", "", name), ` ${parameter.in}`), input) };
}

/** A choice of the body's media type and example, and the body. */
function bodyOf(requestBody) {
  const content = Object.entries(requestBody?.content ?? {});
  if (content.length === 0) return null;
  const choices = content.flatMap(([media, { examples = {} }]) => Object.entries(examples).map(([name, { value }]) => ({ media, name, text: asText(media, value) })));
  if (choices.length === 0) choices.push({ media: content[0][0], name: "empty", text: "" });
  const select = make("select", "", ...choices.map(({ media, name }, place) => new Option(media === "application/json" ? name : `${name} (${media})`, String(place))));
  const area = make("textarea", "mono");
  area.spellcheck = false;
  area.setAttribute("aria-label", "Body of the request");
  const fill = () => {
    area.value = choices[Number(select.value)].text;
    area.rows = Math.min(Math.max(area.value.split("\n").length, 3), 16);
  };
  select.addEventListener("change", fill);
  fill();
  return { select, area, media: () => choices[Number(select.value)].media };
}

function address(path, fields) {
  return fields.filter(({ parameter }) => parameter.in === "path")
    .reduce((path, { parameter, input }) => path.replace(`{${parameter.name}}`, encodeURIComponent(input.value)), path);
}

/** The same as a line for a shell. */
function curl(url, method, headers, body) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const parts = ["curl", ...(method === "GET" ? [] : ["-X", method]), quote(new URL(url, location.href).href)];
  for (const [name, value] of Object.entries(headers)) parts.push("-H", quote(`${name}: ${value}`));
  if (body !== undefined) parts.push("-d", quote(body.replace(/\n\s*/g, " ")));
  return parts.join(" ");
}

async function send(place, url, method, headers, body) {
  const begun = performance.now();
  try {
    const answer = await fetch(url, { method, headers, body });
    const text = await answer.text();
    const media = (answer.headers.get("content-type") ?? "").split(";")[0];
    let shown = text;
    if (media === "application/json") try { shown = pretty(JSON.parse(text)); } catch { /* shown as it came */ }
    const took = `${(performance.now() - begun).toFixed(1)} ms, ${media || "no body"}`;
    const pre = make("pre", "answer-body", shorten(shown, MOST));
    pre.tabIndex = 0;
    place.replaceChildren(make("p", "", make("b", `code ${answer.ok ? "good" : "bad"} numbers`, String(answer.status)), make("span", "quiet", ` ${took}`)), pre);
  } catch {
    place.replaceChildren(make("p", "wrong", "The service does not answer."));
  }
}

/** The form of an operation. */
export function tryIt(path, method, operation) {
  const fields = (operation.parameters ?? []).map(field);
  const body = bodyOf(operation.requestBody);
  const place = make("div", "answer");
  place.setAttribute("role", "status");
  const line = make("code", "curl");
  const button = make("button", "", "Send");
  const form = make("form", "try", make("h4", "", "Try it"), ...fields.map(({ label }) => label));
  if (body) form.append(make("label", "", make("span", "", "Example"), body.select), body.area);
  form.append(button, line, place);
  const asked = () => {
    const headers = Object.fromEntries(fields.filter(({ parameter, input }) => parameter.in === "header" && input.value).map(({ parameter, input }) => [parameter.name, input.value]));
    if (body) headers["content-type"] = body.media();
    return [address(path, fields), method.toUpperCase(), headers, body?.area.value];
  };
  const refresh = () => { line.textContent = curl(...asked()); };
  form.addEventListener("input", refresh);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(place, ...asked());
  });
  refresh();
  return form;
}
