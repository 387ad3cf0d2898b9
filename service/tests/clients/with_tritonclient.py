"""NVIDIA's `tritonclient.http`: binary tensors both ways, which is its default, and JSON."""

import numpy as np
import tritonclient.http as triton
from engine import FEED, NEARBY, PAIRS, SHELF, TEXTS, URL, rows, same, scores
from tritonclient.utils import InferenceServerException

client = triton.InferenceServerClient(URL.removeprefix("http://"), concurrency=4)
assert client.is_server_live() and client.is_server_ready()
assert client.is_model_ready("encoder") and client.is_model_ready("encoder", "1.0.0")
assert not client.is_model_ready("nothing")
assert client.get_server_metadata()["extensions"] == [
    "binary_tensor_data",
    "model_configuration",
    "model_repository",
    "statistics",
]
assert client.get_model_metadata("mood")["outputs"][0] == {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]}
names = ["encoder", "encoder", "feed", "mood", "nearby", "ranker", "shelf"]
assert [model["name"] for model in client.get_model_repository_index()] == names


def infer(model, texts, outputs, binary_in=True, binary_out=True, **more):
    data = np.array([text.encode() for text in np.array(texts, dtype=object).flat], dtype=object)
    data = data.reshape(np.array(texts, dtype=object).shape)
    tensor = triton.InferInput("text", data.shape, "BYTES")
    tensor.set_data_from_numpy(data, binary_data=binary_in)
    wanted = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in outputs]
    return client.infer(model, [tensor], outputs=wanted or None, **more)


one = [[text] for text in TEXTS]
embeddings = rows("encoder", one)
for binary_in in (True, False):
    for binary_out in (True, False):
        answer = infer("encoder", TEXTS, ["embedding"], binary_in, binary_out, request_id="7")
        assert answer.get_response()["id"] == "7"
        same(answer.as_numpy("embedding"), embeddings, f"encoder, binary in {binary_in}, out {binary_out}")

# All outputs, which that client asks for as binary data.
answer = infer("mood", TEXTS, [])
probabilities = rows("mood", one)
same(answer.as_numpy("probabilities"), probabilities, "mood")
labels = [b"high", b"five", b"pair"]
assert list(answer.as_numpy("label")) == [labels[row.argmax()] for row in probabilities], answer.as_numpy("label")

same(infer("ranker", PAIRS, ["score"]).as_numpy("score"), rows("ranker", PAIRS)[:, 0], "ranker")

older = infer("encoder", ["ab"], ["embedding"], model_version="1.0.0", parameters={"prompt": "query"})
same(older.as_numpy("embedding"), rows("encoder", [["ab"]], "q: ", "1.0.0"), "encoder 1.0.0, prompt `query`")

TYPES = {np.dtype(np.float32): "FP32", np.dtype(np.float64): "FP64", np.dtype(np.int64): "INT64", np.dtype(object): "BYTES"}


def rank(model, columns, binary_in=True, binary_out=True):
    """A tensor for each feature of a ranker."""
    tensors = []
    for name, values in columns.items():
        data = np.array([value.encode() if isinstance(value, str) else value for value in values])
        data = data.astype(object) if data.dtype.kind == "S" else data
        tensors.append(triton.InferInput(name, data.shape, TYPES[data.dtype]))
        tensors[-1].set_data_from_numpy(data, binary_data=binary_in)
    wanted = [triton.InferRequestedOutput("scores", binary_data=binary_out)]
    return client.infer(model, tensors, outputs=wanted).as_numpy("scores")


for model, columns in (("shelf", SHELF), ("feed", FEED), ("nearby", NEARBY)):
    for binary_in in (True, False):
        for binary_out in (True, False):
            # NumPy's NaN is none of JSON.
            asked = columns if binary_in else {name: values[1:] if name == "price" else values for name, values in columns.items()}
            if not binary_in and model == "shelf":
                asked["brand"] = asked["brand"][1:]
            what = f"{model}, binary in {binary_in}, out {binary_out}"
            same(rank(model, asked, binary_in, binary_out), scores(model, asked), what)

many = client.async_infer
requests = []
for text in TEXTS * 16:
    tensor = triton.InferInput("text", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([text.encode()], dtype=object))
    requests.append(many("encoder", [tensor]))
got = np.concatenate([request.get_result().as_numpy("embedding") for request in requests])
same(got, np.concatenate([embeddings] * 16), "encoder, 64 requests at once")

for model, message in [("nothing", "there is no model `nothing`"), ("ranker", "the model scores a query and a document")]:
    try:
        infer(model, ["a"], [])
        raise SystemExit(f"{model} answered")
    except InferenceServerException as error:
        assert message in str(error), error
try:
    client.unload_model("mood")
    raise SystemExit("mood was unloaded")
except InferenceServerException as error:
    assert "compiled into this service" in str(error), error
