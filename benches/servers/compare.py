"""modeldeploy's service beside other servers of the same encoder: one table, measured in turns in one run.

The load is `load/`: texts of the file in turn, 8 connections that each ask again once they are answered, and one connection alone. Before
its first load each server answers for every text, and its vectors are held against ours.
"""

import dataclasses
import json
import math
import statistics
import subprocess
import sys

from common import arguments, ask, lines, path
from process import ask as ask_one
from process import megabytes, running
from table import TEI_INSTALL, servers, tei_program

# The mean cosine to ours under which a server is taken to compute another encoder: no int8 engine of README's table is under 0.96.
SAME_ENCODER = 0.95

parser = arguments(__doc__)
parser.add_argument("--prepared", type=path, required=True, help="the folder that prepare.py made of the model")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--seconds", type=float, default=5.0)
parser.add_argument("--workers", default="2")
parser.add_argument("--servers", default="", help="parts of the names of those to measure, with commas between; ours always are")
parser.add_argument("--tei", metavar="PATH", help="Text Embeddings Inference's text-embeddings-router, else $TEI, else that on the path")
parser.add_argument("--limits", action="store_true", help="also what ours does at 70 %% and at 300 %% of its rate, and what it adds to the engine")
parser.add_argument("--overload-connections", type=int, default=400)
parser.add_argument("--overload-seconds", type=float, default=60.0)
given = parser.parse_args()

given.scratch.mkdir(parents=True, exist_ok=True)
texts = lines(given.texts)
log = given.scratch / "servers.log"


def bodies(server):
    file = given.scratch / f"bodies-{server.port}"
    file.write_text("".join(server.body(text) + "\n" for text in texts))
    return file


def load(server, seconds, *more, pinned=()):
    return ask(given.load, server.url, bodies(server), "--seconds", seconds, *more, *["--grpc"] * server.grpc, pinned=pinned)


def vector(answer):
    """The vector of an answer for one text, whatever the protocol puts around it."""
    found = json.loads(answer)
    if isinstance(found, dict):
        found = found["predictions"]
    while isinstance(found[0], list):
        (found,) = found
    return found


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)


def hold_against_ours(server):
    """Once for each server; not over gRPC, which is ours alone and is asked by the load."""
    if server.name in vectors or server.grpc:
        return
    vectors[server.name] = [vector(ask_one(*server.first(text))) for text in texts]
    cosines[server.name] = [cosine(*pair) for pair in zip(vectors[server.name], vectors[chosen[0].name], strict=True)]
    mean = statistics.mean(cosines[server.name])
    if not mean >= SAME_ENCODER:
        raise RuntimeError(f"{server.name} answers with other vectors than ours, cosine {mean:.3f} in the mean; give it the same model and pooling")


def measure(server):
    with running(server, texts[0], log) as (pid, ready):
        hold_against_ours(server)
        load(server, 2)
        eight, one = load(server, given.seconds), load(server, given.seconds, "--connections", 1)
        for part in (eight, one):
            if part["refused"] or part["other"]:
                raise RuntimeError(f"{server.name} refused {part['refused']} and answered {part['other']}")
        return {"ready": ready, "rate": eight["good_a_second"], "p99": eight["good_ms"]["p99"], "alone": one["good_ms"]["p50"], "memory": megabytes(pid)}


wanted = [part.lower() for part in given.servers.split(",") if part]
try:
    tei = tei_program(given.tei)
except FileNotFoundError as error:
    parser.error(f"Text Embeddings Inference: {error}")
if not tei:
    print(f"Text Embeddings Inference (TEI) is left out, for its program is not on the path: `{TEI_INSTALL}`", file=sys.stderr)
chosen = [
    server
    for server in servers(given.prepared, given.service, given.scratch, given.workers, tei)
    if server.name.startswith("modeldeploy") or not wanted or any(part in server.name.lower() for part in wanted)
]
vectors, cosines = {}, {}
found = {server.name: [] for server in chosen}
for round in range(given.rounds):
    for server in chosen:
        found[server.name].append(measure(server))
        print(f"round {round + 1}: {server.name}: {found[server.name][-1]['rate']:.0f} requests/s", flush=True)


def median(name, key):
    return statistics.median(run[key] for run in found[name])


OURS = {"/embed": "modeldeploy, /embed", "/predictions/encoder": "modeldeploy, /predictions", "/invocations": "modeldeploy, /invocations"}
print(f"\nOne text a request, {len(texts)} texts, {given.workers} workers each; medians of {given.rounds} rounds\n")
print("| server | requests/s, 8 connections | ours / it | p99, ms | p50 of one in flight, ms | start to first answer, ms | MB |")
print("| --- | --- | --- | --- | --- | --- | --- |")
for server in chosen:
    row = {key: median(server.name, key) for key in ("rate", "p99", "alone", "ready", "memory")}
    ratio = median(OURS.get(server.path, server.name), "rate") / row["rate"]
    print(f"| {server.name} | {row['rate']:.0f} | {ratio:.1f} | {row['p99']:.1f} | {row['alone']:.2f} | {row['ready'] * 1e3:.0f} | {row['memory']:.0f} |")
print("\nCosine to modeldeploy, /embed, in the mean and at the least\n")
for name, values in cosines.items():
    print(f"- {name}: {statistics.mean(values):.5f}, {min(values):.5f}")


def engine(*pinned):
    command = [*pinned, given.service, "engine", given.texts]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def cost(server):
    """What the service adds to the engine, one request in flight: each on the same core, and the load on another, where it never sleeps."""
    on_first, on_second = ["taskset", "-c", "0"], ["taskset", "-c", "1"]
    pinned = dataclasses.replace(server, command=on_first + server.command)
    for _ in range(given.rounds):
        bare = engine(*on_first)
        with running(pinned, texts[0], log):
            load(server, 1, "--connections", 1, "--spin", pinned=on_second)
            whole = load(server, given.seconds, "--connections", 1, "--spin", pinned=on_second)["good_ms"]["p50"] * 1e3
        print(f"One in flight: p50 {whole:.0f} µs, by the engine alone {bare['p50_us']:.0f}; the service costs {whole - bare['p50_us']:.0f} µs", flush=True)


if given.limits:
    server = chosen[0]
    cost(server)
    bare = engine()
    print(f"The engine alone, between other work: p50 {bare['p50_us']:.0f} µs, longest text {bare['max_us']:.0f} µs")
    with running(server, texts[0], log) as (pid, _):
        most = load(server, given.seconds)["good_a_second"]
        part = load(server, 2 * given.seconds, "--rate", 0.7 * most, "--connections", 64)
        print(f"At 70 % of {most:.0f} requests/s: p50 {part['good_ms']['p50']:.2f} ms, p99 {part['good_ms']['p99']:.2f} ms")
        before = megabytes(pid)
        over = load(server, given.overload_seconds, "--rate", 3 * most, "--connections", given.overload_connections, "--header", "x-request-timeout-ms: 100")
        good, late = over["good_a_second"], over["refused_ms"]
        print(f"At 300 % for {given.overload_seconds:.0f} s, each waiting 100 ms: {good:.0f} answered a second ({good / most:.0%}), p99 {over['good_ms']['p99']:.1f} ms;")
        print(f"refused {over['refused']}, of these half within {late['p50']:.1f} ms, 90 % within {late['p90']:.1f}, 99 % within {late['p99']:.1f}; otherwise {over['other']}; {before:.0f} MB before, {megabytes(pid):.0f} after")
