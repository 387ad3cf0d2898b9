"""NVIDIA's `tritonclient.grpc`: inferences, streams, statistics and the repository."""

import queue

import numpy as np
import tritonclient.grpc as triton
from engine import FEED, NEARBY, PAIRS, SHELF, TEXTS, URL, rows, same, scores
from tritonclient.utils import InferenceServerException

client = triton.InferenceServerClient(URL.removeprefix("http://"))
assert client.is_server_live() and client.is_server_ready()
assert client.is_model_ready("encoder") and client.is_model_ready("encoder", "1.0.0")
assert not client.is_model_ready("nothing")
assert "statistics" in client.get_server_metadata().extensions
outputs = client.get_model_metadata("mood").outputs
assert [(output.name, output.datatype, list(output.shape)) for output in outputs] == [
    ("probabilities", "FP32", [-1, 3]),
    ("label", "BYTES", [-1]),
]
config = client.get_model_config("ranker", as_json=True)["config"]
assert config["input"][0]["data_type"] == "TYPE_STRING" and config["input"][0]["dims"] == ["-1", "2"], config
models = [(model.name, model.state) for model in client.get_model_repository_index().models]
assert models == [(name, "READY") for name in ("encoder", "encoder", "feed", "mood", "nearby", "ranker", "shelf")], models


def tensor(texts):
    data = np.array(texts, dtype=object)
    data = np.array([text.encode() for text in data.flat], dtype=object).reshape(data.shape)
    made = triton.InferInput("text", list(data.shape), "BYTES")
    made.set_data_from_numpy(data)
    return made


def infer(model, texts, outputs=(), **more):
    wanted = [triton.InferRequestedOutput(name) for name in outputs]
    return client.infer(model, [tensor(texts)], outputs=wanted or None, **more)


one = [[text] for text in TEXTS]
embeddings = rows("encoder", one)
answer = infer("encoder", TEXTS, ["embedding"], request_id="7", client_timeout=60)
assert answer.get_response().id == "7"
same(answer.as_numpy("embedding"), embeddings, "encoder")

probabilities = rows("mood", one)
answer = infer("mood", TEXTS)
same(answer.as_numpy("probabilities"), probabilities, "mood")
labels = [b"high", b"five", b"pair"]
assert list(answer.as_numpy("label")) == [labels[row.argmax()] for row in probabilities], answer.as_numpy("label")

same(infer("ranker", PAIRS).as_numpy("score"), rows("ranker", PAIRS)[:, 0], "ranker")

older = infer("encoder", ["ab"], model_version="1.0.0", parameters={"prompt": "query"})
same(older.as_numpy("embedding"), rows("encoder", [["ab"]], "q: ", "1.0.0"), "encoder 1.0.0, prompt `query`")

TYPES = {np.dtype(np.float32): "FP32", np.dtype(np.float64): "FP64", np.dtype(np.int64): "INT64", np.dtype(object): "BYTES"}
for model, columns in (("shelf", SHELF), ("feed", FEED), ("nearby", NEARBY)):
    tensors = []
    for name, values in columns.items():
        data = np.array([value.encode() if isinstance(value, str) else value for value in values])
        data = data.astype(object) if data.dtype.kind == "S" else data
        tensors.append(triton.InferInput(name, list(data.shape), TYPES[data.dtype]))
        tensors[-1].set_data_from_numpy(data)
    same(client.infer(model, tensors).as_numpy("scores"), scores(model, columns), model)

answers = queue.Queue()
many = [client.async_infer("encoder", [tensor([text])], lambda result, error: answers.put((result, error))) for text in TEXTS * 16]
got = {}
for _ in many:
    result, error = answers.get(timeout=60)
    assert error is None, error
    got.setdefault(result.as_numpy("embedding").tobytes(), 0)
    got[result.as_numpy("embedding").tobytes()] += 1
assert got == {row.tobytes(): 16 for row in embeddings}
print(f"  encoder: {len(many)} requests at once, to the bit")

# A stream: answered in its order, and a wrong request by what is wrong with it.
client.start_stream(lambda result, error: answers.put((result, error)))
for at, text in enumerate(TEXTS):
    client.async_stream_infer("encoder", [tensor([text])], request_id=str(at))
client.async_stream_infer("nothing", [tensor(["a"])])
client.async_stream_infer("ranker", [tensor(PAIRS)])
streamed = []
for at in range(len(TEXTS)):
    result, error = answers.get(timeout=60)
    assert error is None and result.get_response().id == str(at), (at, error)
    streamed.append(result.as_numpy("embedding"))
same(np.concatenate(streamed), embeddings, "encoder, a stream")
result, error = answers.get(timeout=60)
assert result is None and "there is no model `nothing`" in str(error), error
result, error = answers.get(timeout=60)
same(result.as_numpy("score"), rows("ranker", PAIRS)[:, 0], "ranker, the same stream")
client.stop_stream()

# What the statistics count is what this client knows to have asked.
before = client.get_inference_statistics("ranker").model_stats[0]
infer("ranker", PAIRS)
after = client.get_inference_statistics("ranker").model_stats[0]
assert after.inference_count - before.inference_count == len(PAIRS), (before, after)
assert after.inference_stats.success.count - before.inference_stats.success.count == 1, (before, after)
assert after.execution_count > before.execution_count and after.last_inference >= before.last_inference
print("  ranker: its statistics")

for model, texts, code, message in [
    ("nothing", ["a"], "NOT_FOUND", "there is no model `nothing`"),
    ("ranker", ["a"], "INVALID_ARGUMENT", "the model scores a query and a document"),
]:
    try:
        infer(model, texts)
        raise SystemExit(f"{model} answered")
    except InferenceServerException as error:
        assert message in str(error) and error.status() == f"StatusCode.{code}", error
for load in (client.load_model, client.unload_model):
    try:
        load("mood")
        raise SystemExit("mood was loaded or unloaded")
    except InferenceServerException as error:
        assert "compiled into this service" in str(error) and error.status() == "StatusCode.UNIMPLEMENTED", error
