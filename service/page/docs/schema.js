// A JSON Schema as one reads it: `{ "inputs": string | [string], "truncate"?: boolean | null }`.

const FEW = 6;

function follow(schema, document_) {
  return schema?.$ref ? schema.$ref.slice(2).split("/").reduce((place, key) => place[key], document_) : schema;
}

function limits(schema) {
  const { minLength, maxLength, minimum, maximum, format } = schema;
  const parts = [];
  if (format) parts.push(format);
  if (minLength === 1) parts.push("not empty");
  if (maxLength !== undefined) parts.push(`at most ${maxLength}`);
  if (minimum !== undefined && maximum !== undefined) parts.push(`${minimum} to ${maximum}`);
  else if (minimum !== undefined) parts.push(`from ${minimum}`);
  return parts.length ? ` (${parts.join(", ")})` : "";
}

function list(schema, document_, indent) {
  const items = schema.prefixItems?.map((item) => words(item, document_, indent)).join(", ") ?? words(schema.items ?? true, document_, indent);
  const { minItems: least, maxItems: most } = schema;
  const many = least !== undefined && least === most ? ` × ${least}` : most !== undefined ? ` × ${least ?? 0} to ${most}` : least ? ` × ${least} or more` : "";
  return schema.prefixItems ? `[${items}]` : `[${items}]${many}`;
}

function object(schema, document_, indent) {
  const inner = `${indent}  `;
  const required = schema.required ?? [];
  const lines = Object.entries(schema.properties ?? {}).map(([key, value]) => `${inner}"${key}"${required.includes(key) ? "" : "?"}: ${words(value, document_, inner)}`);
  if (schema.additionalProperties && schema.additionalProperties !== true) lines.push(`${inner}…: ${words(schema.additionalProperties, document_, inner)}`);
  else if (schema.additionalProperties !== false) lines.push(`${inner}…`);
  return lines.length ? `{\n${lines.join(",\n")}\n${indent}}` : "{}";
}

/** The schema in words. */
export function words(schema, document_, indent = "") {
  const found = follow(schema, document_);
  if (found === true || found === undefined || Object.keys(found).length === 0) return "anything";
  if (found === false) return "nothing";
  if ("const" in found) return JSON.stringify(found.const);
  if (found.enum) {
    const names = found.enum.slice(0, FEW).map((value) => JSON.stringify(value)).join(" | ");
    return found.enum.length > FEW ? `${names} | …` : names;
  }
  const choices = found.anyOf ?? found.oneOf;
  const base = found.type || found.properties ? typed(found, document_, indent) : "";
  if (!choices) return base || "anything";
  const either = choices.map((choice) => words(choice, document_, indent)).join(" | ");
  return base ? `${base} & ${either}` : either;
}

function typed(schema, document_, indent) {
  if (schema.type === "array") return list(schema, document_, indent);
  if (schema.type === "object" || schema.properties) return object(schema, document_, indent);
  const types = Array.isArray(schema.type) ? schema.type.join(" | ") : schema.type;
  return types + limits(schema);
}
