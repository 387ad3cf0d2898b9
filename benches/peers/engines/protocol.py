"""What every engine's process speaks, so that each has its own memory and none disturbs another.

    <engine> <folder of what prepare.py made> <int8 | f32> <threads>

The first line out names the engine. Then each line in is JSON `{"runs": n, "ids": [[…], …]}`: texts, batched as the engine likes
best. The line out is `{"µs": [… of each run], "outputs": [[…], …]}`.
"""

import json
import sys
import time
from pathlib import Path


def serve(name, load):
    """`load(folder, precision, threads)` gives a function from a list of texts' ids to an array of rows."""
    folder, precision, threads = sys.argv[1:4]
    run = load(Path(folder), precision, int(threads))
    print(name, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        times = []
        for _ in range(request["runs"]):
            start = time.perf_counter_ns()
            rows = run(request["ids"])
            times.append((time.perf_counter_ns() - start) / 1000)
        print(json.dumps({"µs": times, "outputs": [[float(value) for value in row] for row in rows]}), flush=True)


def padded(texts):
    """The ids of all texts in one array, with zeros behind, and the mask of those that count."""
    import numpy as np

    width = max(map(len, texts))
    ids, mask = np.zeros((len(texts), width), np.int64), np.zeros((len(texts), width), np.int64)
    for row, text in enumerate(texts):
        ids[row, : len(text)], mask[row, : len(text)] = text, 1
    return ids, mask


def pooled(hidden, mask):
    """The mean over the tokens that count, to unit length."""
    import numpy as np

    weights = mask[..., None].astype(np.float32)
    mean = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)
