"""curl, as people move from TensorFlow Serving, TorchServe, MLflow and Text Embeddings Inference with their scripts."""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from engine import PAIRS, URL, rows, same

TEXTS = ["phone", "手机"]
encoder = rows("encoder", [[text] for text in TEXTS])
scores = rows("ranker", PAIRS)
mood = rows("mood", [["phone"]])[0]
LABELS = np.array(["high", "five", "pair"])


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

# TorchServe: a text as it is, in JSON, as a file, and in forms.
for what, kind, body in [("a text", "text/plain", "phone"), ("JSON", "application/json", {"data": "phone"})]:
    same(floats(curl("/predictions/encoder", body, kind)), encoder[0], f"TorchServe, {what}")
with tempfile.TemporaryDirectory() as folder:
    text, body = Path(folder) / "text", Path(folder) / "body"
    text.write_text("手机", encoding="utf-8")
    body.write_text(json.dumps({"data": "手机"}), encoding="utf-8")
    for what, *more in [
        ("a file that is put", "--upload-file", str(text)),
        ("a form's file", "--form", f"data=@{text}"),
        ("a form's file of JSON", "--form", f"data=@{body};type=application/json"),
        ("a form's text beside another", "--form", "other=phone", "--form", "body=手机"),
        ("a form's field", "--data-urlencode", f"data@{text}"),
    ]:
        same(floats(curl("/predictions/encoder", None, None, 200, *more)), encoder[1], f"TorchServe, {what}")
    for more in [("--form", f"file=@{text}"), ("--data", "phone")]:
        assert "neither `data` nor `body`" in curl("/predictions/encoder", None, None, 400, *more)["message"]
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
likeliest = np.argsort(-mood, kind="stable")
assert [row["label"] for row in labels] == list(LABELS[likeliest]), labels
same(floats([row["score"] for row in labels]), mood[likeliest], "TEI, predict")


def dot(a, b):
    """In f64, from the first value to the last."""
    return np.cumsum(a.astype(np.float64) * b.astype(np.float64))[-1]


def cosine(a, b):
    return np.float32(dot(a, b) / np.sqrt(dot(a, a) * dot(b, b)))


cosines = curl("/similarity", {"inputs": {"source_sentence": TEXTS[0], "sentences": TEXTS}})
same(floats(cosines), floats([cosine(encoder[0], row) for row in encoder]), "TEI, similarity")
tokens = curl("/tokenize", {"inputs": "phone"})[0]
# In the hand-made vocabulary each byte is a piece, which is named by its id.
spelled = "".join(f"piece {2 + byte % 11}" for byte in b"phone")
assert curl("/decode", {"ids": [token["id"] for token in tokens]}) == [spelled], tokens
assert curl("/embed", {"inputs": []}, "application/json", 400)["error_type"] == "Empty"
