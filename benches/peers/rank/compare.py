"""Times the engines on the same requests in alternation, and says how far their scores are from ONNX Runtime's in f32."""

import argparse
import json
import subprocess
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort

from pytorch import PyTorch
from weights import CANDIDATES, dlrm_requests, sasrec_request

ROUNDS, RUNS = 15, 40


def load(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = 1, 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class OnnxRuntime:
    """Its requests go on where they were, as ours do: the rows of tables come from memory."""

    def __init__(self, folder, model, precision):
        self.session, self.model = load(folder / f"{model}-{precision}.onnx"), model

    def begin(self, batch, requests):
        if self.model == "dlrm":
            dense, ids = dlrm_requests(requests, batch)
            self.feeds = [{"dense": dense[at], "ids": ids[at]} for at in range(requests)]
        else:
            seen, items = sasrec_request()
            self.feeds = [{"seen": seen, "items": items}]
        self.at = 0

    def ask(self, runs):
        times = []
        for _ in range(runs):
            feed = self.feeds[self.at % len(self.feeds)]
            self.at += 1
            start = time.perf_counter_ns()
            (scores,) = self.session.run(None, feed)
            times.append((time.perf_counter_ns() - start) / 1000)
        return times, scores.ravel()


class Ours:
    def __init__(self, program, model, precision):
        self.process = subprocess.Popen([program, model, precision], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.name = self.process.stdout.readline().strip()

    def line(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def begin(self, batch, requests):
        self.line({"batch": batch, "requests": requests, "runs": 0})

    def ask(self, runs):
        answer = self.line({"runs": runs})
        return answer["µs"], np.array(answer["scores"], np.float32)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("program", type=Path)
    arguments.add_argument("--batches", default="1,128")
    arguments.add_argument("--models", default="dlrm,sasrec")
    args = arguments.parse_args()
    nothing, x = load(args.folder / "nothing.onnx"), {"x": np.zeros(1, np.float32)}
    idle = []
    for _ in range(2000):
        start = time.perf_counter_ns()
        nothing.run(None, x)
        idle.append((time.perf_counter_ns() - start) / 1000)
    print(f"ONNX Runtime's call of a model that does nothing, which its figures include: {np.median(idle):.1f} µs")
    for model in args.models.split(","):
        engines = {}
        for precision in ["f32", "int8"]:
            engines[f"ONNX Runtime {ort.__version__}, {precision}"] = OnnxRuntime(args.folder, model, precision)
            ours = Ours(args.program, model, precision)
            engines[f"{ours.name}, {precision}"] = ours
            engines[f"{PyTorch.name}, {precision}"] = PyTorch(model, precision)
        for batch in map(int, args.batches.split(",")) if model == "dlrm" else [CANDIDATES]:
            times, scores = {name: [] for name in engines}, {}
            for engine in engines.values():
                engine.begin(batch, max(8, 8000 // batch))
                engine.ask(RUNS)
            for _ in range(ROUNDS):
                for name, engine in engines.items():
                    more, scores[name] = engine.ask(RUNS)
                    times[name] += more
            first = next(iter(scores.values()))
            print(f"{model}, {batch} candidates, µs a request")
            for name, of_engine in times.items():
                off = np.abs(scores[name] - first).max()
                print(f"  {name:<40} {np.median(of_engine):9.1f} median, {min(of_engine):9.1f} best, scores {off:.1e} from the first")


main()
