"""Times every engine on the same rows in alternation, and says how far their scores are from LightGBM's."""

import argparse
import json
import os
import subprocess
import time
from pathlib import Path

import lightgbm
import lleaves
import numpy as np
import tl2cgen
import treelite

ROUNDS, RUNS = 15, 8


def timed(run):
    times = []
    for _ in range(RUNS):
        start = time.perf_counter_ns()
        scores = run()
        times.append((time.perf_counter_ns() - start) / 1000)
    return times, np.asarray(scores, dtype=np.float64).ravel()


def peers(folder):
    """Each a function from rows to a function that scores them, all that can be done before done before."""
    model = folder / "model.txt"
    booster = lightgbm.Booster(model_file=model)
    yield "LightGBM", lambda rows: lambda: booster.predict(rows, num_threads=1)
    compiled = lleaves.Model(str(model))
    compiled.compile(cache=str(folder / "lleaves.bin"))
    yield "lleaves", lambda rows: lambda: compiled.predict(rows, n_jobs=1)
    library = folder / "tl2cgen.so"
    if not library.exists():
        loaded = treelite.frontend.load_lightgbm_model(str(model))
        tl2cgen.export_lib(loaded, toolchain="gcc", libpath=str(library), params={"parallel_comp": 4})
    os.environ["TREELITE_BIND_THREADS"] = "0"
    predictor = tl2cgen.Predictor(str(library), nthread=1)

    def of(rows):
        matrix = tl2cgen.DMatrix(rows, dtype="float64")
        return lambda: predictor.predict(matrix)

    yield "TL2cgen", of


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("program", type=Path)
    arguments.add_argument("--rows", default="1,32,200")
    args = arguments.parse_args()
    rows = np.fromfile(args.folder / "rows.f64").reshape(-1, 136)
    ours = subprocess.Popen([args.program, args.folder / "model.txt", args.folder / "rows.f64"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    name = ours.stdout.readline().strip()

    def ask(count):
        ours.stdin.write(json.dumps({"runs": RUNS, "rows": count}) + "\n")
        ours.stdin.flush()
        answer = json.loads(ours.stdout.readline())
        return answer["µs"], np.array(answer["scores"])

    others = list(peers(args.folder))
    for count in map(int, args.rows.split(",")):
        engines = {name: lambda: ask(count)}
        for other, of in others:
            run = of(rows[:count])
            engines[other] = lambda run=run: timed(run)
        times, scores = {engine: [] for engine in engines}, {}
        for _ in range(ROUNDS):
            for engine, run in engines.items():
                more, scores[engine] = run()
                times[engine] += more
        print(f"{count} rows")
        for engine, of_engine in times.items():
            off = np.abs(scores[engine] - scores["LightGBM"]).max()
            print(f"  {engine:<32} {np.median(of_engine):9.1f} µs median, {min(of_engine):9.1f} best, {off:.1e} from LightGBM")


main()
