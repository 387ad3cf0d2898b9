"""A million requests, right and wrong ones of all protocols, and the memory of modeldeploy's service as they go by.

The wrong ones are those of the fuzz target, sent as `service/tests/protocols/attacks.rs` does.
"""

import json

from common import arguments, ask, lines
from process import megabytes, running
from table import here, servers

parser = arguments(__doc__)
parser.add_argument("--requests", type=int, default=1_000_000)
parser.add_argument("--connections", type=int, default=32)
given = parser.parse_args()

PARTS = 10
JSON = {"content-type": "application/json"}


def right(text):
    """A text to each protocol, and several at once."""
    asked = [
        ("/embed", {"inputs": text}),
        ("/embed", {"inputs": [text] * 5}),
        ("/similarity", {"inputs": {"source_sentence": text, "sentences": [text, text[::-1]]}}),
        ("/tokenize", {"inputs": text}),
        ("/v1/embeddings", {"input": text, "model": "encoder", "encoding_format": "base64"}),
        ("/v1/models/encoder:predict", {"instances": [text]}),
        ("/v2/models/encoder/infer", {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [text]}]}),
        ("/predictions/encoder", {"data": text}),
        ("/invocations", {"inputs": [text]}),
    ]
    return [{"path": path, "body": json.dumps(body), "headers": JSON, "expect": 200} for path, body in asked]


def wrong():
    """The attacks on models of texts whose bodies are text: each is answered with an error of its client."""
    for file in sorted((here / "../../fuzz/attacks/protocols").iterdir()):
        line, _, body = file.read_bytes().partition(b"\n")
        protocol, _, beside = line.decode().partition(" ")
        if protocol.endswith(("-ranked", "-matched")):
            continue  # The service here has no ranker.
        paths = {
            "mlflow": "/invocations",
            "oip": "/v2/models/encoder/infer",
            "openai": "/v1/embeddings",
            "tei": beside,
            "tfserving": f"/v1/models/encoder:{beside}",
            "torchserve": "/predictions/encoder",
        }
        headers = {"mlflow": {"content-type": beside}, "torchserve": {"content-type": beside}}.get(protocol, JSON)
        if protocol == "oip" and beside:
            headers = {"content-type": "application/octet-stream", "inference-header-content-length": beside}
        try:
            yield {"path": paths[protocol], "body": body.decode(), "headers": headers, "expect": 4}
        except UnicodeDecodeError:
            continue
    yield {"path": "/v2/models/nobody/infer", "body": "{}", "headers": JSON, "expect": 404}
    yield {"path": "/nowhere", "body": "{}", "headers": JSON, "expect": 404}


texts = lines(given.texts)
bad = list(wrong())
good = [one for text in texts for one in right(text)]
# Two right ones, then a wrong one.
mixed = [one for at in range(0, len(good), 2) for one in (*good[at : at + 2], bad[at // 2 % len(bad)])]
given.scratch.mkdir(parents=True, exist_ok=True)
bodies = given.scratch / "bodies-soak"
bodies.write_text("".join(json.dumps(one) + "\n" for one in mixed))

server = next(server for server in servers(given.scratch, given.service, given.scratch, "2") if server.path == "/embed")
print(f"{len(mixed)} requests in turn, {sum(one['expect'] == 200 for one in mixed)} of them right")
address = server.url.removesuffix(server.path)
with running(server, texts[0], given.scratch / "servers.log") as (pid, _):
    print(f"before: {megabytes(pid):.1f} MB")
    for part in range(1, PARTS + 1):
        count = ["--connections", given.connections, "--seconds", 3600, "--requests", given.requests // PARTS]
        report = ask(given.load, address, bodies, *count)
        print(
            f"{part * given.requests // PARTS}: {megabytes(pid):.1f} MB, {report['good_a_second']:.0f} a second,"
            f" refused {report['refused']}, not as they should be: {report['other'] or 'none'}",
            flush=True,
        )
