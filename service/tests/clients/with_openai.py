"""OpenAI's own client: base64 is what it asks for where its caller says nothing."""

import numpy as np
import openai
from engine import URL, rows, same

client = openai.OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0)
TEXTS = ["phone", "手机", "abc"]
expected = rows("encoder", [[text] for text in TEXTS])

for more in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
    answer = client.embeddings.create(model="encoder", input=TEXTS, **more)
    # A caller that asks for base64 decodes it itself.
    vectors = [data.embedding for data in answer.data]
    if more.get("encoding_format") == "base64" and isinstance(vectors[0], str):
        import base64

        vectors = [np.frombuffer(base64.b64decode(vector), dtype="<f4") for vector in vectors]
    same(np.array(vectors, dtype=np.float32), expected, f"encoder {more}")
    assert [data.index for data in answer.data] == [0, 1, 2]
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 5 + 6 + 3 + 6, answer.usage

answer = client.embeddings.create(model="encoder", input="phone")
same(np.array([answer.data[0].embedding], dtype=np.float32), expected[:1], "encoder, one text")

assert [model.id for model in client.models.list()] == ["encoder", "feed", "mood", "nearby", "ranker", "shelf"]
assert client.models.retrieve("encoder").id == "encoder"

for model, text, error, param in [
    ("nothing", "a", openai.NotFoundError, None),
    ("encoder", "", openai.BadRequestError, "input"),
    ("ranker", "a", openai.BadRequestError, "model"),
]:
    try:
        client.embeddings.create(model=model, input=text)
        raise SystemExit(f"{model} {text!r} answered")
    except error as raised:
        assert raised.param == param and raised.type == "invalid_request_error", raised
try:
    client.embeddings.create(model="encoder", input="a", extra_headers={"x-request-timeout-ms": "0"})
    raise SystemExit("it was in time")
except openai.RateLimitError as raised:
    assert raised.code == "rate_limit_exceeded" and raised.response.headers["retry-after"] == "1", raised
