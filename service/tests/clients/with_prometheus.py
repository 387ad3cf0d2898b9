"""Prometheus' own parsers read the metrics of a service that has just started, and find in them what this client has done."""

import json
import sys
import urllib.error
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_text

URL = sys.argv[1]
MODEL = {"model": "encoder", "version": "2.1.0"}


def ask(path, body, **headers):
    headers = {"Content-Type": "application/json", **headers}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{URL}{path}", json.dumps(body).encode(), headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def metrics(parse, path="/metrics", accept="*/*"):
    """Every sample as (name, labels) and its value, and the kinds of the families; and what the text is said to be."""
    with urllib.request.urlopen(urllib.request.Request(f"{URL}{path}", headers={"Accept": accept})) as answer:
        families = list(parse(answer.read().decode()))
        kind = answer.headers["Content-Type"]
    samples = {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}
    return samples, {family.name: family.type for family in families}, kind


def value(samples, name, **labels):
    labels = frozenset(labels.items())
    # The parser gives a counter of another server's name the suffix that it would have by convention.
    return samples.get((name, labels), samples.get((f"{name}_total", labels)))


assert [ask("/embed", {"inputs": "phone"}) for _ in range(3)] == [200] * 3
assert ask("/embed", {"inputs": ["a", "b"]}) == 200
assert ask("/embed", {"inputs": 7}) == 422
assert ask("/embed", {"inputs": "late"}, **{"x-request-timeout-ms": "0"}) == 429
assert ask("/v1/models/encoder:predict", {"instances": ["a"]}) == 200
assert ask("/nowhere", {}) == 404

text, text_kinds, kind = metrics(parse_text)
assert kind.startswith("text/plain; version=0.0.4"), kind
opened, open_kinds, kind = metrics(parse_open, accept="application/openmetrics-text; version=1.0.0, text/plain;q=0.5")
assert kind.startswith("application/openmetrics-text; version=1.0.0"), kind
# The second look sees the first, the process goes on, and a connection may end between them; all else is the same in both.
differ = {name for name, labels in text.keys() ^ opened.keys()}
differ |= {key[0] for key in text.keys() & opened.keys() if text[key] != opened[key] and ("route", "/metrics") not in key[1]}
assert all(name.startswith(("process_", "modeldeploy_request", "modeldeploy_connections")) for name in differ), differ
for samples, kinds in ((text, text_kinds), (opened, open_kinds)):
    route = {"route": "/embed"}
    assert value(samples, "modeldeploy_requests_total", status="200", **route, **MODEL) == 4
    assert value(samples, "modeldeploy_requests_total", status="429", **route, **MODEL) == 1
    # What cannot be read is asked of no model.
    assert value(samples, "modeldeploy_requests_total", status="422", **route) == 1
    assert value(samples, "modeldeploy_request_failures_total", reason="resource_exhausted", **route, **MODEL) == 1
    assert value(samples, "modeldeploy_request_failures_total", reason="invalid_argument", **route) == 1
    assert value(samples, "modeldeploy_request_failures_total", reason="not_found", route="other") == 1
    assert value(samples, "modeldeploy_request_duration_seconds_count", **route, **MODEL) == 5
    for stage in ("tokenize", "queue", "infer", "serialize"):
        own = {"stage": stage, **route, **MODEL}
        assert value(samples, "modeldeploy_request_stage_duration_seconds_count", **own) == 4, stage
        assert 0 < value(samples, "modeldeploy_request_stage_duration_seconds_sum", **own) < 5, stage
    whole = value(samples, "modeldeploy_request_duration_seconds_sum", **route, **MODEL)
    parts = [v for (name, labels), v in samples.items()
             if name == "modeldeploy_request_stage_duration_seconds_sum" and labels >= route.items() and labels >= MODEL.items()]
    assert len(parts) == 4 and sum(parts) < whole, (parts, whole)
    assert value(samples, "modeldeploy_batch_texts_sum", **MODEL) == 6
    # phone is 5 characters, a and b one each, and each text has two tokens of its own around it: as OpenAI's client counts them.
    assert value(samples, "modeldeploy_batch_tokens_sum", **MODEL) >= 6
    assert value(samples, "modeldeploy_sheds_total", reason="overload", **MODEL) == 1
    assert value(samples, "modeldeploy_sheds_total", reason="late", **MODEL) == 0
    assert value(samples, "modeldeploy_queue_tokens", **MODEL) == 0
    assert value(samples, "modeldeploy_panics_total", **MODEL) == 0
    assert value(samples, "modeldeploy_requests_in_flight") == 1
    assert value(samples, "modeldeploy_connections") >= 1
    assert value(samples, "modeldeploy_build_info", service="shop", version="1.2.3") == 1
    info = [dict(labels) for name, labels in samples if name == "modeldeploy_model_build_info"]
    assert {(i["model"], i["version"]) for i in info} >= {("encoder", "1.0.0"), ("encoder", "2.1.0"), ("ranker", "1.0.0")}, info
    assert all(i["digest"].startswith("sha256:") and "space" in i for i in info), info
    for name in ("process_resident_memory_bytes", "process_start_time_seconds", "process_open_fds", "process_max_fds"):
        assert value(samples, name) > 0, name
    assert kinds["process_resident_memory_bytes"] == "gauge" and value(samples, "process_cpu_seconds_total") >= 0
    assert kinds["modeldeploy_request_duration_seconds"] == "histogram", kinds
print(f"  own names: {len(text)} samples in Prometheus' text, {len(opened)} in OpenMetrics")

same, _, _ = metrics(parse_text, "/monitoring/prometheus/metrics")
assert value(same, "modeldeploy_requests_total", route="/embed", status="200", **MODEL) == 4

tfs, _, kind = metrics(parse_text, "/metrics?compat=tfs", accept="application/openmetrics-text")
assert kind.startswith("text/plain; version=0.0.4"), kind
name = {"model_name": "encoder"}
assert value(tfs, ":tensorflow:serving:request_count", status="OK", **name) == 5
assert value(tfs, ":tensorflow:serving:request_count", status="RESOURCE_EXHAUSTED", **name) == 1
assert value(tfs, ":tensorflow:serving:request_latency_count", API="predict", entrypoint="REST", **name) == 6
assert value(tfs, ":tensorflow:serving:request_latency_bucket", API="predict", entrypoint="REST", le="+Inf", **name) == 6
assert value(tfs, ":tensorflow:serving:runtime_latency_count", API="Predict", runtime="TF1", **name) == 5
assert value(tfs, ":tensorflow:serving:request_example_count_total", model="encoder") == 6
assert value(tfs, ":tensorflow:core:graph_runs") >= 5

triton, _, _ = metrics(parse_text, "/metrics?compat=triton")
assert value(triton, "nv_inference_request_success", **MODEL) == 5
assert value(triton, "nv_inference_request_failure", reason="REJECTED", **MODEL) == 1
assert value(triton, "nv_inference_count", **MODEL) == 6
assert 5 <= value(triton, "nv_inference_exec_count", **MODEL) <= 6
assert value(triton, "nv_inference_pending_request_count", **MODEL) == 0
parts = [f"nv_inference_{part}_duration_us" for part in ("queue", "compute_input", "compute_infer", "compute_output")]
assert sum(value(triton, part, **MODEL) for part in parts) <= value(triton, "nv_inference_request_duration_us", **MODEL)
assert value(triton, "nv_inference_compute_infer_duration_us", **MODEL) > 0

tei, _, _ = metrics(parse_text, "/metrics?compat=tei")
assert value(tei, "te_request_count", method="single", **MODEL) == 5
assert value(tei, "te_request_count", method="batch", **MODEL) == 1
assert value(tei, "te_request_success", method="single", **MODEL) == 4
assert value(tei, "te_request_failure", err="overloaded", **MODEL) == 1
assert value(tei, "te_embed_count", **MODEL) == 6
for part in ("", "_tokenization", "_queue", "_inference"):
    assert value(tei, f"te_request{part}_duration_count", **MODEL) >= 5, part
assert value(tei, "te_queue_size", **MODEL) == 0
assert value(tei, "te_batch_next_size_sum", **MODEL) == 6
print(f"  names of others: tfs {len(tfs)}, triton {len(triton)}, tei {len(tei)} samples")

for query in ("compat=torchserve", "compat=", "compta=tfs"):
    try:
        urllib.request.urlopen(f"{URL}/metrics?{query}")
        raise SystemExit(f"{query} answered")
    except urllib.error.HTTPError as error:
        message = json.load(error)["error"]
        assert error.code == 400 and "`tfs`, `triton`, `tei`" in message, (error.code, message)

with urllib.request.urlopen(urllib.request.Request(f"{URL}/metrics", headers={"Accept": "application/json"})) as answer:
    snapshot = json.load(answer)
encoder = next(m for m in snapshot["models"] if (m["name"], m["version"]) == ("encoder", "2.1.0"))
assert encoder["requests"]["total"] == 6 and encoder["texts"]["total"] == 6, encoder
assert encoder["stages"]["whole"]["count"] == 6 and encoder["stages"]["infer"]["count"] == 5, encoder["stages"]
assert 0 < encoder["stages"]["infer"]["p50"] <= encoder["stages"]["infer"]["p99"] <= encoder["stages"]["infer"]["max"]
print("  a snapshot in JSON")
