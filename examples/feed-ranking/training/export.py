"""The networks as ONNX, by the exporter that traces, and requests as their inputs."""

import warnings

import numpy
import torch

INPUTS = {
    "two-tower": [("user", "int64", (1,)), ("user_country", "int64", (1,)), ("user_device", "int64", (1,)), ("user_age", "int64", (1,)),
                  ("session", "int64", (1, "length")),
                  *((name, "int64", ("candidates",)) for name in ("item", "category", "subcategory", "brand", "age")),
                  ("price", "float32", ("candidates", 1)), ("popularity", "float32", ("candidates", 1))],
    "sasrec": [("session", "int64", (1, "length")), ("item", "int64", ("candidates",))],
    "ranker": [("dense", "float32", ("batch", 10)), ("sparse", "int64", ("batch", 10))],
}
"""Of each network its inputs: name, kind, axes."""
OUTPUTS = {"two-tower": ("score", ("candidates",)), "sasrec": ("score", ("candidates",)), "ranker": ("click", ("batch", 1))}
OPSET = 17


def named(axes):
    return {at: axis for at, axis in enumerate(axes) if isinstance(axis, str)}


def sample(name, sizes={"length": 3, "candidates": 4, "batch": 4}):
    """Inputs of those sizes, all of them ones: every table has a row 1."""
    return [torch.ones([sizes.get(axis, axis) for axis in axes], dtype=getattr(torch, kind)) for _, kind, axes in INPUTS[name]]


def onnx(name, model, path):
    inputs, (output, axes) = INPUTS[name], OUTPUTS[name]
    dynamic = {entry: named(of) for entry, _, of in inputs if named(of)} | {output: named(axes)}
    with warnings.catch_warnings():
        # That it traces, and that the other exporter is newer: both are meant.
        warnings.simplefilter("ignore")
        torch.onnx.export(model.eval(), tuple(sample(name)), str(path), input_names=[entry for entry, _, _ in inputs],
                          output_names=[output], dynamic_axes=dynamic, opset_version=OPSET, dynamo=False)


def arrays(inputs, features, request):
    """The inputs of one request in the form of `golden.jsonl`, by the rules of its features; what is of the request stands in each row
    of an input whose first axis is the candidates'."""
    candidates, found = request["candidates"], {}
    for name, kind, axes in inputs:
        columns = [feature for feature in features if feature.column == name or feature.column.startswith(f"{name}[")]
        columns.sort(key=lambda feature: int(feature.column[len(name) + 1:-1] or 0))
        values = []
        for feature in columns:
            number, given = feature.rule.number, request[feature.of] if feature.of != "candidate" else {}
            if feature.of == "session":
                values.append([number(value) for value in given[feature.name]])
            elif feature.of == "candidate":
                values.append([number(row[feature.name]) for row in candidates])
            else:
                values.append([number(given[feature.name])] * (1 if axes[0] == 1 else len(candidates)))
        array = numpy.array(values, dtype=kind)
        found[name] = array if axes == (1, "length") else array[0] if len(axes) == 1 else array.T
    return found


def run(model, name, features, request):
    """The model's own score of each candidate."""
    given = arrays(INPUTS[name], features, request)
    with torch.no_grad():
        return model(*(torch.from_numpy(numpy.ascontiguousarray(given[entry])) for entry, _, _ in INPUTS[name])).flatten().tolist()
