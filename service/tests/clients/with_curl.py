"""curl, as people move from TensorFlow Serving, TorchServe, MLflow and Text Embeddings Inference with their scripts."""

import json
import subprocess

import numpy as np
from engine import PAIRS, URL, rows, same

TEXTS = ["phone", "手机"]
encoder = rows("encoder", [[text] for text in TEXTS])
scores = rows("ranker", PAIRS)
mood = rows("mood", [["phone"]])[0]


def curl(path, body=None, kind="application/json", status=200, *more):
    """The answer to a body, as JSON."""
    data = [] if body is None else ["--header", f"Content-Type: {kind}", "--data-binary", "@-"]
    command = ["curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", *data, *more, URL + path]
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    answer = subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout
    answer, got = answer.rsplit("\n", 1)
    assert int(got) == status, (path, got, answer)
    return json.loads(answer) if answer.startswith(("{", "[")) else answer


def floats(values):
    return np.array(values, dtype=np.float32)


# TensorFlow Serving.
same(floats(curl("/v1/models/encoder:predict", {"instances": TEXTS})["predictions"]), encoder, "TensorFlow Serving, rows")
same(floats(curl("/v1/models/encoder:predict", {"inputs": TEXTS})["outputs"]), encoder, "TensorFlow Serving, columns")
same(floats(curl("/v1/models/ranker:regress", {"examples": [{"text": pair} for pair in PAIRS]})["result"]), scores[:, 0], "TensorFlow Serving, regress")
assert "error" in curl("/v1/models/nothing:predict", {"instances": TEXTS}, "application/json", 404)

# TorchServe: a text as it is, in JSON, and as a form's file.
for what, kind, body in [("a text", "text/plain", "phone"), ("JSON", "application/json", {"data": "phone"})]:
    same(floats(curl("/predictions/encoder", body, kind)), encoder[0], f"TorchServe, {what}")
assert curl("/ping")["status"] == "Healthy"
assert curl("/predictions/nothing", "phone", "text/plain", 404)["code"] == 404

# MLflow.
for what, kind, body in [
    ("inputs", "application/json", {"inputs": TEXTS}),
    ("instances", "application/json", {"instances": TEXTS}),
    ("split", "application/json", {"dataframe_split": {"columns": ["text"], "data": [[text] for text in TEXTS]}}),
    ("records", "application/json", {"dataframe_records": [{"text": text} for text in TEXTS]}),
    ("CSV", "text/csv", "text\nphone\n手机\n"),
]:
    same(floats(curl("/invocations", body, kind)["predictions"]), encoder, f"MLflow, {what}")
assert curl("/invocations", {"inputs": [1]}, "application/json", 400)["error_code"] == "BAD_REQUEST"

# Text Embeddings Inference.
same(floats(curl("/embed", {"inputs": TEXTS})), encoder, "TEI, embed")
pair = curl("/rerank", {"query": "ab", "texts": ["cde", "f"], "raw_scores": True})
expected = rows("ranker", [["ab", "cde"], ["ab", "f"]])[:, 0]
same(floats([row["score"] for row in sorted(pair, key=lambda row: row["index"])]), expected, "TEI, rerank")
assert [row["score"] for row in pair] == sorted((row["score"] for row in pair), reverse=True)
labels = curl("/predict", {"inputs": "phone"})
same(np.sort(floats([row["score"] for row in labels])), np.sort(mood), "TEI, predict")
tokens = curl("/tokenize", {"inputs": "phone"})[0]
assert curl("/decode", {"ids": [token["id"] for token in tokens]}), tokens
assert curl("/embed", {"inputs": []}, "application/json", 400)["error_type"] == "Empty"
