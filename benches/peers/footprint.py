"""What an engine costs before it computes: files to ship, dependencies, time to the first embedding, memory."""

import importlib.metadata
import re
import statistics
import subprocess
from pathlib import Path

# What a program of each needs: a Python package, or a crate and what the crate loads.
PACKAGES = {"ONNX Runtime": "onnxruntime", "OpenVINO static": "openvino", "OpenVINO dynamic": "openvino", "CTranslate2": "ctranslate2", "PyTorch": "torch"}
CRATES = {"ort": "ort", "rten": "rten", "tract": "tract-onnx", "candle": "candle-transformers"}
# What of prepare.py's folder an engine reads, by precision.
MODELS = {
    "ONNX Runtime": "fused-{}.onnx",
    "ort": "fused-{}.onnx",
    "OpenVINO static": "openvino-{}.*",
    "OpenVINO dynamic": "openvino-{}.*",
    "CTranslate2": "ctranslate2/*",
    "PyTorch": "model/model.safetensors",
    "candle": "model/model.safetensors",
    "rten": "plain-{}.onnx",
    "tract": "plain-{}.onnx",
}
SAMPLES = 11


def distributions(name, seen):
    """Python packages that `name` needs, itself among them, without extras."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return
    try:
        seen[key] = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return
    for requirement in seen[key].requires or []:
        if "extra ==" not in requirement:
            distributions(re.match(r"[A-Za-z0-9._-]+", requirement)[0], seen)


def python(package):
    """How many packages, and their bytes."""
    seen = {}
    distributions(package, seen)
    distributions("numpy", seen)
    files = [file for found in seen.values() for file in found.files or []]
    return len(seen), sum(path.stat().st_size for path in (Path(file.locate()) for file in files) if path.is_file())


def crates(manifest, package=None):
    """How many crates are compiled into what `package`, or the manifest's own, gives."""
    command = ["cargo", "tree", "--quiet", "--manifest-path", manifest, "--edges", "normal", "--prefix", "none", "--format", "{p}"]
    command += ["--package", package] if package else []
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return len({" ".join(line.split()[:2]) for line in lines if line}) - 1


def size(paths):
    return sum(path.stat().st_size for path in paths)


def shipped(name, precision, given):
    """Bytes of program, bytes of model beside it, dependencies."""
    if name == "modeldeploy":
        return given.shipped.stat().st_size, 0, crates(given.shipped.parents[2] / "Cargo.toml")
    model = size(given.prepared.glob(MODELS[name].format(precision)))
    if name in PACKAGES:
        count, program = python(PACKAGES[name])
        return program, model, count
    program = (given.rust / name).stat().st_size
    if name == "ort":
        program += size(Path(importlib.metadata.distribution("onnxruntime").locate_file("onnxruntime/capi")).glob("libonnxruntime.so.*"))
    return program, model, crates(Path(__file__).parent / "rust/Cargo.toml", CRATES[name])


def table(start, precision, given, names):
    """`start(name)` gives a new process that has answered once, with its seconds and its memory."""
    print(f"\nWhat it takes to ship and to start, {precision}: MB of program (the interpreter is not counted) and of model files beside it,")
    print("packages or crates it depends on, ms from the start of the process to its first embedding (warm, median (best) of")
    print(f"{SAMPLES}; a tokenizer is in modeldeploy's alone), and its memory then: its own, and clean pages of files\n")
    print("| engine | program MB | model MB | dependencies | start ms | own MB | of files MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in names:
        program, model, dependencies = shipped(name, precision, given)
        taken = []
        for _ in range(SAMPLES):
            engine = start(name)
            taken.append(engine.start * 1000)
            own, of_files = engine.memory()
            engine.stop()
        print(
            f"| {name} | {program / 1e6:,.1f} | {model / 1e6:,.1f} | {dependencies} |"
            f" {statistics.median(taken):,.1f} ({min(taken):,.1f}) | {own:,.1f} | {of_files:,.1f} |",
            flush=True,
        )
