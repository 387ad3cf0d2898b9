"""The servers: how each is started, when it is ready, and how it is asked. A new one is a row."""

import base64
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

here = Path(__file__).parent
bin = Path(sys.executable).parent


@dataclass
class Server:
    name: str
    command: list
    port: int
    path: str
    # From a text to a body.
    body: callable
    env: dict
    # Once before the first start.
    prepare: callable = lambda: None
    # Whether it is asked over gRPC: `body` is a message in base64 then.
    grpc: bool = False

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.path}"

    def first(self, text):
        """Where the first text goes, and as what: over HTTP in any case."""
        if self.grpc:
            return f"http://127.0.0.1:{self.port}/embed", embed(text)
        return self.url, self.body(text)


def embed(text):
    return json.dumps({"inputs": text})


def data(text):
    return json.dumps({"data": text})


def inputs(text):
    return json.dumps({"inputs": [text]})


def message(text):
    """A `ModelInferRequest` of the Open Inference Protocol, in the wire format of Protocol Buffers."""

    def field(number, data):
        return bytes([number << 3 | 2]) + varint(len(data)) + data

    def varint(value):
        low = []
        while value > 127:
            low.append(value & 127 | 128)
            value >>= 7
        return bytes(low + [value])

    # Shape [1], and the text as raw contents.
    tensor = field(1, b"text") + field(2, b"BYTES") + field(3, varint(1))
    raw = text.encode()
    request = field(1, b"encoder") + field(5, tensor) + field(7, len(raw).to_bytes(4, "little") + raw)
    return base64.b64encode(request).decode()


TEI = "text-embeddings-router"
TEI_INSTALL = f"cargo install --git https://github.com/huggingface/text-embeddings-inference --no-default-features --features candle,http {TEI}"


def tei_program(given):
    """The program of Text Embeddings Inference: the one given, else the environment's `TEI`, else that on the path; none if it is nowhere."""
    named = given or os.environ.get("TEI")
    if not named:
        return shutil.which(TEI)
    found = shutil.which(named)
    if not found:
        raise FileNotFoundError(f"{named} is not a program; `{TEI_INSTALL}` makes one")
    return Path(found).resolve()


def servers(prepared, service, scratch, workers, tei=None):
    env = os.environ | {"PREPARED": str(prepared), "APPS": str(here / "apps"), "PATH": f"{bin}:{os.environ['PATH']}"}
    one_thread = env | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": str(here / "apps")}
    apps = ["--chdir", str(here / "apps")]
    ours = [service, "--listen"]
    # As many threads as the others have workers, for candle's kernels (rayon) and MKL's (OpenMP); a log of errors alone, as of the others.
    tei_env = env | {"RAYON_NUM_THREADS": workers, "OMP_NUM_THREADS": workers, "LOG_LEVEL": "error"}
    store, config = scratch / "torchserve", scratch / "torchserve.properties"

    def archive():
        store.mkdir(parents=True, exist_ok=True)
        config.write_text(
            "inference_address=http://127.0.0.1:7103\nmanagement_address=http://127.0.0.1:7113\nmetrics_address=http://127.0.0.1:7123\n"
            f"default_workers_per_model={workers}\ndisable_token_authorization=true\nmodel_store={store}\nload_models=encoder.mar\n"
        )
        if not (store / "encoder.mar").exists():
            command = [bin / "torch-model-archiver", "--model-name", "encoder", "--version", "1.0", "--export-path", store]
            subprocess.run(command + ["--handler", here / "apps/torchserve_handler.py"], check=True)

    def save():
        if not (scratch / "mlflow").exists():
            subprocess.run([sys.executable, here / "apps/mlflow_model.py", scratch / "mlflow"], check=True, env=one_thread)

    found = [
        Server("modeldeploy, /embed", ours + ["127.0.0.1:7100"], 7100, "/embed", embed, env),
        Server("modeldeploy, /predictions", ours + ["127.0.0.1:7106"], 7106, "/predictions/encoder", data, env),
        Server("modeldeploy, /invocations", ours + ["127.0.0.1:7107"], 7107, "/invocations", inputs, env),
        Server(
            "modeldeploy, gRPC", ours + ["127.0.0.1:7108"], 7108, "/inference.GRPCInferenceService/ModelInfer", message, env, grpc=True
        ),
        Server(
            "FastAPI, ONNX Runtime int8",
            [sys.executable, here / "apps/fastapi_serve.py", "7101", workers],
            7101, "/embed", embed, one_thread,
        ),
        Server(
            "Flask, PyTorch, gunicorn",
            [bin / "gunicorn", *apps, "--workers", workers, "--bind", "127.0.0.1:7102", "--log-level", "error", "flask_pytorch:app"],
            7102, "/embed", embed, one_thread,
        ),
        Server(
            "TorchServe, PyTorch",
            [bin / "torchserve", "--start", "--foreground", "--ncs", "--ts-config", config],
            7103, "/predictions/encoder", data, one_thread | {"LOG_LOCATION": str(scratch), "METRICS_LOCATION": str(scratch)}, archive,
        ),
        Server(
            "MLflow, PyTorch",
            [bin / "mlflow", "models", "serve", "--model-uri", scratch / "mlflow", "--port", "7104", "--env-manager", "local", "--workers", workers],
            7104, "/invocations", inputs, one_thread, save,
        ),
    ]
    if tei:
        # f32 is said, for without MKL the server takes f16; 512 requests at once are its own limit, past which it answers 429.
        options = ["--pooling", "mean", "--dtype", "float32", "--tokenization-workers", workers, "--max-concurrent-requests", "512"]
        command = [tei, "--model-id", prepared / "model", *options, "--hostname", "127.0.0.1", "--port", "7105"]
        found.append(Server("Text Embeddings Inference (TEI), candle f32", command, 7105, "/embed", embed, tei_env))
    return found
