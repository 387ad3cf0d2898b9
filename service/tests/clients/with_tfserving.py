"""TensorFlow Serving's own client package, whose messages import TensorFlow's; those are compiled from `service/proto`."""

import subprocess
import sys
import tempfile
from pathlib import Path

import grpc
import numpy as np
from engine import FEED, NEARBY, PAIRS, SHELF, TEXTS, URL, rows, same
from engine import scores as handle

protos = Path(__file__).parents[2] / "proto"
compiled = tempfile.TemporaryDirectory()
files = [str(file.relative_to(protos)) for folder in ("tensorflow", "xla") for file in (protos / folder).rglob("*.proto")]
protoc = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(protos), "--python_out", compiled.name, *files]
subprocess.run(protoc, check=True)
sys.path.insert(0, compiled.name)

from tensorflow.core.example import example_pb2  # noqa: E402
from tensorflow.core.framework import tensor_pb2, types_pb2  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

channel = grpc.insecure_channel(URL.removeprefix("http://"))
client = prediction_service_pb2_grpc.PredictionServiceStub(channel)
models = model_service_pb2_grpc.ModelServiceStub(channel)
DTYPES = {types_pb2.DT_FLOAT: "float_val", types_pb2.DT_DOUBLE: "double_val", types_pb2.DT_STRING: "string_val"}
NUMBERS = {types_pb2.DT_FLOAT: np.float32, types_pb2.DT_DOUBLE: np.float64}


def tensor(texts):
    """As `tf.make_tensor_proto` makes it."""
    data = np.array(texts, dtype=object)
    made = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[text.encode() for text in data.flat])
    for size in data.shape:
        made.tensor_shape.dim.add(size=size)
    return made


def array(made):
    """As `tf.make_ndarray` reads it."""
    shape = [dim.size for dim in made.tensor_shape.dim]
    if made.tensor_content:
        return np.frombuffer(made.tensor_content, dtype=NUMBERS[made.dtype]).reshape(shape)
    values = list(getattr(made, DTYPES[made.dtype]))
    return np.array(values, dtype=NUMBERS.get(made.dtype, object)).reshape(shape)


def predict(model, texts, version=None, outputs=()):
    request = predict_pb2.PredictRequest(output_filter=outputs)
    request.model_spec.name = model
    if isinstance(version, str):
        request.model_spec.version_label = version
    elif version is not None:
        request.model_spec.version.value = version
    request.inputs["text"].CopyFrom(tensor(texts))
    return client.Predict(request, timeout=60)


def examples(texts):
    made = input_pb2.Input()
    for text in texts:
        example = example_pb2.Example()
        example.features.feature["text"].bytes_list.value.extend(part.encode() for part in text)
        made.example_list.examples.append(example)
    return made


one = [[text] for text in TEXTS]
answer = predict("encoder", TEXTS)
same(array(answer.outputs["embedding"]), rows("encoder", one), "predict: encoder")
assert answer.model_spec.version.value == 2, answer.model_spec
same(array(predict("encoder", ["ab"], 1).outputs["embedding"]), rows("encoder", [["ab"]], "d: ", "1.0.0"), "predict: encoder 1")
same(array(predict("encoder", ["ab"], "previous").outputs["embedding"]), rows("encoder", [["ab"]], "d: ", "1.0.0"), "predict: encoder, by its label")
large = predict("encoder", TEXTS * 100).outputs["embedding"]
assert large.tensor_content and not large.float_val
same(array(large), np.concatenate([rows("encoder", one)] * 100), "predict: encoder, a large tensor")
same(array(predict("ranker", PAIRS).outputs["score"]), rows("ranker", PAIRS)[:, 0], "predict: ranker")
probabilities = rows("mood", one)
answer = predict("mood", TEXTS)
same(array(answer.outputs["probabilities"]), probabilities, "predict: mood")
labels = [b"high", b"five", b"pair"]
assert list(array(answer.outputs["label"])) == [labels[row.argmax()] for row in probabilities]
assert list(predict("mood", TEXTS, outputs=["label"]).outputs) == ["label"]

request = classification_pb2.ClassificationRequest(input=examples(one))
request.model_spec.name = "mood"
classified = client.Classify(request).result.classifications
scores = np.array([[found.score for found in row.classes] for row in classified], dtype=np.float32)
same(scores, probabilities, "classify: mood")
assert [found.label.encode() for found in classified[0].classes] == labels

request = regression_pb2.RegressionRequest(input=examples(PAIRS))
request.model_spec.name = "ranker"
values = np.array([found.value for found in client.Regress(request).result.regressions], dtype=np.float32)
same(values, rows("ranker", PAIRS)[:, 0], "regress: ranker")

request = inference_pb2.MultiInferenceRequest(input=examples(PAIRS))
request.tasks.add(method_name="tensorflow/serving/regress").model_spec.name = "ranker"
found = client.MultiInference(request).results[0].regression_result.regressions
same(np.array([one.value for one in found], dtype=np.float32), rows("ranker", PAIRS)[:, 0], "multi-inference: ranker")

request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
request.model_spec.name = "mood"
signatures = get_model_metadata_pb2.SignatureDefMap()
assert client.GetModelMetadata(request).metadata["signature_def"].Unpack(signatures)
output = signatures.signature_def["serving_default"].outputs["probabilities"]
assert output.dtype == types_pb2.DT_FLOAT and [dim.size for dim in output.tensor_shape.dim] == [-1, 3], output

request = get_model_status_pb2.GetModelStatusRequest()
request.model_spec.name = "encoder"
states = models.GetModelStatus(request).model_version_status
assert [(one.version, one.state) for one in states] == [(version, one.AVAILABLE) for version, one in zip([2, 1], states)]


for model, columns in (("shelf", SHELF), ("feed", FEED), ("nearby", NEARBY)):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    for name, values in columns.items():
        if isinstance(values, np.ndarray):
            made = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=values.tobytes())
            for size in values.shape:
                made.tensor_shape.dim.add(size=size)
        elif isinstance(values[0], str):
            made = tensor(values)
        elif isinstance(values[0], int):
            made = tensor_pb2.TensorProto(dtype=types_pb2.DT_INT64, int64_val=values)
            made.tensor_shape.dim.add(size=len(values))
        else:
            made = tensor_pb2.TensorProto(dtype=types_pb2.DT_DOUBLE, tensor_content=np.array(values).tobytes())
            made.tensor_shape.dim.add(size=len(values))
        request.inputs[name].CopyFrom(made)
    same(array(client.Predict(request, timeout=60).outputs["scores"]), handle(model, columns), model)


def refused(call, code, message):
    try:
        call()
        raise SystemExit(f"{code} did not come")
    except grpc.RpcError as error:
        assert error.code() == code and message in error.details(), error


refused(lambda: predict("nothing", ["a"]), grpc.StatusCode.NOT_FOUND, "there is no model `nothing`")
refused(lambda: predict("encoder", ["a"], 3), grpc.StatusCode.NOT_FOUND, "there is no version `3`")
refused(lambda: predict("encoder", ["a"], "next"), grpc.StatusCode.NOT_FOUND, "there is no label `next`")
refused(lambda: predict("ranker", ["a"]), grpc.StatusCode.INVALID_ARGUMENT, "the model scores a query and a document")
reload = model_management_pb2.ReloadConfigRequest()
refused(lambda: models.HandleReloadConfigRequest(reload), grpc.StatusCode.UNIMPLEMENTED, "`encoder` 2.1.0 (sha256:00)")
print("  what is wrong: its code and its words")
