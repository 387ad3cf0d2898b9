"""A collector: OpenTelemetry's own messages read what the service sends, and hold it against what a client saw."""

import http.server
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

SERVICE = sys.argv[1]
received = queue.Queue()


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received.put((self.path, self.headers, body))
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=collector.serve_forever, daemon=True).start()


def run(asks, **env):
    """Runs the service over these requests to its end; the answers, and all spans with their resource."""
    endpoint = f"http://127.0.0.1:{collector.server_port}"
    env = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=shop", **env}
    service = subprocess.Popen([SERVICE, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, env=env, text=True)
    url = service.stdout.readline().split(" listens on ")[1].strip()
    answers = []
    for path, body, headers in asks:
        request = urllib.request.Request(f"{url}{path}", body and json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request) as answer:
                answers.append((answer.status, answer.headers))
        except urllib.error.HTTPError as error:
            answers.append((error.code, error.headers))
    service.send_signal(signal.SIGTERM)
    assert service.wait(30) == 0, "the service ended as it was told"
    spans = []
    while not received.empty():
        path, headers, body = received.get()
        assert path == "/v1/traces" and headers["Content-Type"] == "application/x-protobuf", (path, headers)
        assert headers["x-tenant"] == "shop", headers
        export = ExportTraceServiceRequest.FromString(body)
        for resource in export.resource_spans:
            for scope in resource.scope_spans:
                spans += [(attributes(resource.resource.attributes), span) for span in scope.spans]
    return answers, spans


def attributes(pairs):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
answers, spans = run([
    ("/v2/models/encoder/infer", {"inputs": [{"name": "text", "shape": [2], "datatype": "BYTES", "data": ["abc", "手机"]}]},
     {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "shop=cart,other=1"}),
    ("/healthz", None, {}),
    ("/v2/models/nothing/infer", {"inputs": []}, {}),
    ("/healthz", None, {"traceparent": f"00-{TRACE}-{PARENT}-00"}),
    ("/healthz", None, {"traceparent": "00-zz-broken-01"}),
], OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=ci")

assert [status for status, _ in answers] == [200, 200, 404, 200, 200], answers
servers = [span for _, span in spans if span.kind == 2]
# The fourth has a parent that is not sampled: so is it not.
assert [span.name for span in servers] == ["POST /v2/models/{name}/infer", "GET /healthz", "POST /v2/models/{name}/infer", "GET /healthz"], servers
for resource, _ in spans:
    assert (resource["service.name"], resource["service.version"]) == ("shop", "1.2.3"), resource
    assert resource["deployment.environment.name"] == "ci" and resource["telemetry.sdk.language"] == "rust", resource

infer = servers[0]
assert (infer.trace_id.hex(), infer.parent_span_id.hex(), infer.trace_state) == (TRACE, PARENT, "shop=cart,other=1"), infer
own = attributes(infer.attributes)
expected = {
    "http.request.method": "POST", "http.route": "/v2/models/{name}/infer", "http.response.status_code": 200,
    "modeldeploy.model.name": "encoder", "modeldeploy.model.version": "2.1.0", "modeldeploy.texts": 2,
}
assert own.items() >= expected.items() and own["modeldeploy.tokens"] > 5 and 1 <= own["modeldeploy.batch.texts"] <= 2, own
parts = {span.name: span for _, span in spans if span.parent_span_id == infer.span_id}
assert list(parts) == ["tokenize", "queue", "infer", "serialize"], parts
edges = [infer.start_time_unix_nano]
for span in parts.values():
    assert span.trace_id == infer.trace_id and span.kind == 1, span
    assert edges[-1] <= span.start_time_unix_nano <= span.end_time_unix_nano, (edges, span)
    edges.append(span.end_time_unix_nano)
assert edges[-1] <= infer.end_time_unix_nano and infer.end_time_unix_nano > infer.start_time_unix_nano, edges

for (status, headers), span in zip([answers[0], answers[1], answers[2], answers[4]], servers):
    assert headers["traceparent"] == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01", (headers, span)
    assert attributes(span.attributes)["http.response.status_code"] == status
assert answers[3][1]["traceparent"].startswith(f"00-{TRACE}-") and answers[3][1]["traceparent"].endswith("-00"), answers[3]
for span in servers[1:]:
    assert span.parent_span_id == b"" and span.trace_id.hex() != TRACE, span
assert attributes(servers[2].attributes)["error.type"] == "not_found" and servers[2].status.code == 0, servers[2]
assert len({span.span_id for _, span in spans}) == len(spans) == 8, spans
print(f"  {len(spans)} spans: names, ids, parents, times, attributes")

answers, spans = run([("/healthz", None, {})] * 3, OTEL_TRACES_SAMPLER="always_off")
assert spans == [] and all(headers["traceparent"].endswith("-00") for _, headers in answers), spans
answers, spans = run([("/healthz", None, {})] * 3, OTEL_SDK_DISABLED="true")
assert spans == [] and all("traceparent" not in headers for _, headers in answers), answers
_, spans = run([("/healthz", None, {})], OTEL_SERVICE_NAME="search", OTEL_TRACES_SAMPLER="always_on")
assert [resource["service.name"] for resource, _ in spans] == ["search"], spans
wrong = subprocess.run([SERVICE], env={**os.environ, "OTEL_TRACES_EXPORTER": "zipkin"}, stderr=subprocess.PIPE, text=True)
assert wrong.returncode != 0 and "OTEL_TRACES_EXPORTER is `zipkin`" in wrong.stderr, wrong
print("  sampling, OTEL_SDK_DISABLED, OTEL_SERVICE_NAME, and what is not here")
