// OpenAI's own client for Node: base64 is what it asks for where its caller says nothing, and it decodes it itself.

import assert from "node:assert/strict";
import OpenAI, { BadRequestError, NotFoundError, RateLimitError } from "openai";

const url = process.argv[2];
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
const texts = ["phone", "手机", "abc"];

/** The engine's rows, in f32. */
async function rows(model, texts) {
  const body = JSON.stringify({ version: null, prompt: "", texts: texts.map((text) => [text]) });
  const answer = await fetch(`${url}/engine/${model}`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  assert.equal(answer.status, 200);
  return (await answer.json()).map((row) => Float32Array.from(row));
}

function same(got, expected, what) {
  const bytes = (row) => Buffer.from(Float32Array.from(row).buffer).toString("hex");
  assert.equal(got.length, expected.length, what);
  got.forEach((row, at) => assert.equal(bytes(row), bytes(expected[at]), `${what}, row ${at}`));
  console.log(`  ${what}: (${got.length}, ${got[0].length}), to the bit`);
}

const expected = await rows("encoder", texts);
for (const more of [{}, { encoding_format: "float" }]) {
  const answer = await client.embeddings.create({ model: "encoder", input: texts, ...more });
  same(answer.data.map((one) => one.embedding), expected, `encoder ${JSON.stringify(more)}`);
  assert.deepEqual(answer.data.map((one) => one.index), [0, 1, 2]);
  assert.equal(answer.usage.prompt_tokens, 5 + 6 + 3 + 6);
}
const one = await client.embeddings.create({ model: "encoder", input: "phone" });
same([one.data[0].embedding], expected.slice(0, 1), "encoder, one text");

const models = [];
for await (const model of client.models.list()) models.push(model.id);
assert.deepEqual(models, ["encoder", "feed", "mood", "nearby", "ranker", "shelf"]);
assert.equal((await client.models.retrieve("encoder")).id, "encoder");

for (const [model, input, error, param] of [
  ["nothing", "a", NotFoundError, null],
  ["encoder", "", BadRequestError, "input"],
  ["ranker", "a", BadRequestError, "model"],
]) {
  await assert.rejects(client.embeddings.create({ model, input }), (raised) => {
    assert.ok(raised instanceof error, `${raised}`);
    assert.equal(raised.type, "invalid_request_error");
    assert.equal(raised.param, param);
    return true;
  });
}
const late = { headers: { "x-request-timeout-ms": "0" } };
await assert.rejects(client.embeddings.create({ model: "encoder", input: "a" }, late), (raised) => {
  assert.ok(raised instanceof RateLimitError, `${raised}`);
  assert.equal(raised.code, "rate_limit_exceeded");
  assert.equal(raised.headers.get("retry-after"), "1");
  return true;
});
