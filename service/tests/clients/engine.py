"""What the engine itself says, by the service's own route that no protocol has touched; and comparing to the bit."""

import json
import sys
import urllib.request

import numpy as np

URL = sys.argv[1]
TEXTS = ["phone", "", "手机", "a longer text than the model takes"]
PAIRS = [["ab", "cde"], ["手机", "phone"]]
# What rankers are asked, by their features.
SHELF = {"price": [float("nan"), 0.1 + 0.2, 10.0, 1e-9], "brand": ["acme", "globex", "initech", "acme"]}
FEED = {"seen": [5, 1, 3, 2], "country": ["de"], "item": [0, 4, 5], "boost": [0.5, 1 / 3, 2e4]}
NEARBY = {
    "query": np.array([[0.1, -2.5, 1 / 3]], np.float32),
    "boost": [0.5, 1 / 3, 2e4],
    "title": np.array([[0, 1, -1], [1 / 7, 0.5, 3], [-1e-9, 2, 1e5]], np.float32),
}


def rows(model, texts, prompt="", version=None):
    """The engine's rows, in f32: `texts` are lists of one or two."""
    body = json.dumps({"version": version, "prompt": prompt, "texts": texts}).encode()
    request = urllib.request.Request(f"{URL}/engine/{model}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return np.array(json.load(answer), dtype=np.float32)


def scores(model, columns):
    """What a ranker's handle says of candidates, in f64: a column for each feature, NaN where a number is missing."""
    lists = {name: values.tolist() if isinstance(values, np.ndarray) else values for name, values in columns.items()}
    plain = {name: [None if value != value else value for value in values] for name, values in lists.items()}
    request = urllib.request.Request(f"{URL}/handle/{model}", json.dumps(plain).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return np.array(json.load(answer), dtype=np.float64)


def same(got, expected, what):
    """Fails unless shapes and all bits are equal."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.dtype == expected.dtype, (what, got.dtype)
    assert got.shape == expected.shape, (what, got.shape, expected.shape)
    assert got.tobytes() == expected.tobytes(), (what, got, expected)
    print(f"  {what}: {got.shape}, to the bit")
