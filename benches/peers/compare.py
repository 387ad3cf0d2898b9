"""One table: a forward of 8, 16, 32 and 128 tokens by modeldeploy and by ONNX Runtime, one thread, in alternation.

Each round measures every length with every engine once, a few runs each, so that a busy moment of the machine meets them all.
"""

import logging
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic

from bert_onnx import export

LENGTHS = [8, 16, 32, 128]
RUNS = 5


class OnnxRuntime:
    """One thread, every optimization, inputs bound once."""

    def __init__(self, path):
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(self, ids, runs):
        row = np.array([ids], np.int32)
        feeds = {"input_ids": row, "token_type_ids": np.zeros_like(row), "attention_mask": np.ones_like(row)}
        times = []
        for _ in range(runs):
            start = time.perf_counter_ns()
            (embedding,) = self.session.run(None, feeds)
            times.append((time.perf_counter_ns() - start) / 1000)
        return times, embedding[0]


class Modeldeploy:
    """The `latency` program of this package, in a process of its own."""

    def __init__(self, program, model, precision):
        self.process = subprocess.Popen([program, model, precision], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.isa = self.process.stdout.readline().strip()

    def run(self, ids, runs):
        print(runs, *ids, file=self.process.stdin, flush=True)
        times = [float(time) for time in self.process.stdout.readline().split()]
        return times, np.array([float(value) for value in self.process.stdout.readline().split()], np.float32)


def main():
    model, program, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        f32, int8 = f"{folder}/f32.onnx", f"{folder}/int8.onnx"
        export(model, f32)
        quantize_dynamic(f32, int8, weight_type=QuantType.QInt8, per_channel=True, extra_options={"DefaultTensorType": TensorProto.FLOAT})
        engines = {
            "modeldeploy int8": Modeldeploy(program, model, "int8"),
            "ONNX Runtime int8": OnnxRuntime(int8),
            "modeldeploy f32": Modeldeploy(program, model, "f32"),
            "ONNX Runtime f32": OnnxRuntime(f32),
        }
    random = np.random.default_rng(7)
    # Ids of whole words; [CLS] and [SEP] at the ends, as a tokenizer gives them.
    texts = {n: [101, *random.integers(2000, 20000, n - 2).tolist(), 102] for n in LENGTHS}
    times = {(name, n): [] for name in engines for n in LENGTHS}
    outputs = {}
    for engine in engines.values():
        for ids in texts.values():
            engine.run(ids, 10)
    for _ in range(rounds):
        for n, ids in texts.items():
            for name, engine in engines.items():
                taken, outputs[name, n] = engine.run(ids, RUNS)
                times[name, n] += taken
    isa = engines["modeldeploy int8"].isa
    print(f"µs a forward, median (best) of {rounds * RUNS}; one thread; {model.name}; modeldeploy on {isa}; ONNX Runtime {ort.__version__}\n")
    print("| tokens |" + "".join(f" {n} |" for n in LENGTHS))
    print("| --- |" + " --- |" * len(LENGTHS))
    for name in engines:
        cells = [f"{statistics.median(times[name, n]):,.0f} ({min(times[name, n]):,.0f})" for n in LENGTHS]
        print(f"| {name} | " + " | ".join(cells) + " |")
    for kind in ("int8", "f32"):
        ratios = [statistics.median(times[f"ONNX Runtime {kind}", n]) / statistics.median(times[f"modeldeploy {kind}", n]) for n in LENGTHS]
        print(f"| {kind}: ONNX Runtime ÷ modeldeploy | " + " | ".join(f"{ratio:.2f} ×" for ratio in ratios) + " |")
    for name in engines:
        if name != "ONNX Runtime f32":
            cosines = [float(outputs[name, n] @ outputs["ONNX Runtime f32", n]) for n in LENGTHS]
            print(f"| cosine of {name} to ONNX Runtime f32 | " + " | ".join(f"{cosine:.5f}" for cosine in cosines) + " |")


if __name__ == "__main__":
    main()
