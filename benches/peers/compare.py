"""One run, one table: modeldeploy beside other engines, in alternation.

Each round asks every engine for every length once, a few runs each, so that a busy moment of the machine meets them all. Every
engine is a process of its own; those that wait for their turn sleep.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import footprint

HERE = Path(__file__).parent
# A script of engines/ or a program of rust/, and what it needs of the environment.
PEERS = {
    "ONNX Runtime": ("onnx_runtime.py", {}),
    "OpenVINO static": ("open_vino.py", {"PEER_SHAPES": "static"}),
    "OpenVINO dynamic": ("open_vino.py", {"PEER_SHAPES": "dynamic"}),
    "CTranslate2": ("ctranslate.py", {}),
    "PyTorch": ("pytorch.py", {}),
    "ort": ("ort", {}),
    "rten": ("rten", {}),
    "tract": ("tract", {}),
    "candle": ("candle", {}),
}
# What an engine does not run.
WITHOUT = {("candle", "int8")}
RUNS = 5


class Engine:
    """A process that answers requests."""

    def __init__(self, command, environment=None):
        start = time.perf_counter()
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
            stderr=subprocess.DEVNULL,
        )
        self.said = self.process.stdout.readline().strip()
        if not self.said:
            raise SystemExit(f"it did not start, run it by hand to see why: {' '.join(map(str, command))}")
        self.run([[101, 102]], 1)
        # Seconds from the start of the process to its first embedding.
        self.start = time.perf_counter() - start

    def run(self, texts, runs):
        print(json.dumps({"runs": runs, "ids": texts}), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        return answer["µs"], np.array(answer["outputs"])

    def stop(self):
        self.process.stdin.close()
        self.process.wait()

    def memory(self):
        """MB of memory that is the process's own, and of pages of files, which processes share and the system may drop."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()
        kib = {line.split(":")[0]: int(line.split()[1]) for line in rollup[1:]}
        return kib["Private_Dirty"] / 1024, (kib["Rss"] - kib["Private_Dirty"]) / 1024


def text(random, tokens):
    """Ids of whole words; [CLS] and [SEP] at the ends, as a tokenizer gives them."""
    return [101, *random.integers(2000, 20000, tokens - 2).tolist(), 102]


def row(cells):
    print("| " + " | ".join(cells) + " |")


def median_and_best(times):
    return f"{statistics.median(times):,.0f} ({min(times):,.0f})"


def latency(engines, lengths, rounds, threads):
    random = np.random.default_rng(7)
    texts = {n: text(random, n) for n in lengths}
    times = {(name, n): [] for name in engines for n in lengths}
    outputs = {}
    for engine in engines.values():
        for ids in texts.values():
            engine.run([ids], 10)
    for _ in range(rounds):
        for n, ids in texts.items():
            for name, engine in engines.items():
                taken, (outputs[name, n],) = engine.run([ids], RUNS)
                times[name, n] += taken
    print(f"\nµs a forward of one text, median (best) of {rounds * RUNS}; threads: {threads}\n")
    row(["tokens", *map(str, lengths)])
    row(["---"] * (len(lengths) + 1))
    for name in engines:
        row([name, *(median_and_best(times[name, n]) for n in lengths)])
    for kind in ("int8", "f32"):
        mine = [name for name in engines if name.startswith("modeldeploy") and name.endswith(kind)]
        peers = [name for name in engines if name.endswith(kind) and name not in mine]
        for ours in mine:
            for how, of in (("medians", statistics.median), ("bests", min)):
                for name in peers:
                    ratios = [of(times[name, n]) / of(times[ours, n]) for n in lengths]
                    row([f"{name} ÷ {ours}, {how}", *(f"{ratio:.2f} ×" for ratio in ratios)])
    exact = next((name for name in engines if name.endswith("f32") and not name.startswith("modeldeploy")), None)
    if exact:
        print(f"\nCosine to {exact}\n")
        row(["tokens", *map(str, lengths)])
        row(["---"] * (len(lengths) + 1))
        for name in engines:
            if name != exact:
                row([name, *(f"{float(outputs[name, n] @ outputs[exact, n]):.5f}" for n in lengths)])


def throughput(engines, rounds, threads):
    random = np.random.default_rng(11)
    batch = [text(random, 32) for _ in range(32)]
    times = {name: [] for name in engines}
    for engine in engines.values():
        engine.run(batch, 2)
    for _ in range(rounds):
        for name, engine in engines.items():
            times[name] += engine.run(batch, 1)[0]
    print(f"\nTexts a second, batches of 32 texts of 32 tokens, median (best) of {rounds}; threads: {threads}\n")
    row(["engine", "texts/s"])
    row(["---", "---"])
    for name in engines:
        row([name, f"{32e6 / statistics.median(times[name]):,.0f} ({32e6 / min(times[name]):,.0f})"])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", type=Path, help="the model's folder")
    options.add_argument("prepared", type=Path, help="what prepare.py made of it")
    options.add_argument("program", type=Path, help="the program `latency` of this package")
    options.add_argument("rust", type=Path, help="the folder of the programs of rust/")
    options.add_argument("shipped", type=Path, help="the program that `ship` made of the model")
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--lengths", type=lambda text: [int(n) for n in text.split(",")], default=[8, 16, 32, 64, 128, 256])
    options.add_argument("--precisions", type=lambda text: text.split(","), default=["int8", "f32"])
    options.add_argument("--peers", type=lambda text: text.split(","), default=list(PEERS), help=", ".join(PEERS))
    options.add_argument("--isas", type=lambda text: text.split(","), default=[], help="more of modeldeploy: avx512vnni,avx2")
    given = options.parse_args()
    engines = {}
    ours = ["modeldeploy", *(f"modeldeploy {isa}" for isa in given.isas)]

    def start(name, precision):
        if name in ours:
            environment = {"MODELDEPLOY_ISA": name.removeprefix("modeldeploy").strip()}
            return Engine([given.program, given.model, precision, given.threads], environment)
        program, environment = PEERS[name]
        engine = [sys.executable, HERE / "engines" / program] if program.endswith(".py") else [given.rust / program]
        environment = {**environment, "RAYON_NUM_THREADS": str(given.threads)}
        return Engine([*engine, given.prepared, precision, given.threads], environment)

    for precision in given.precisions:
        for name in [*ours, *given.peers]:
            if (name, precision) not in WITHOUT:
                engines[f"{name} {precision}"] = start(name, precision)
    print("; ".join(dict.fromkeys(engine.said for engine in engines.values())), f"; {given.model.name}", sep="")
    latency(engines, given.lengths, given.rounds, given.threads)
    throughput(engines, given.rounds, given.threads)
    for engine in engines.values():
        engine.stop()
    for precision in given.precisions:
        names = [name for name in ["modeldeploy", *given.peers] if (name, precision) not in WITHOUT]
        # The shipped program holds int8 weights.
        names = names if precision == "int8" else names[1:]
        new = lambda name: Engine([given.shipped]) if name == "modeldeploy" else start(name, precision)
        footprint.table(new, precision, given, names)


if __name__ == "__main__":
    main()
