"""Writes two small recommenders as ONNX, node by node, into ../data/onnx/rankers, and prints what ONNX Runtime gives for some requests.

    python -m venv .venv && .venv/bin/pip install onnx onnxruntime
    .venv/bin/python make_embeddings.py

The weights are seeded and not trained. `matched.onnx` takes embeddings of an encoder, of a user and of candidates; `fixed/recent.onnx` has a
batch of a fixed size beside a session. Written with onnx 1.23 and onnxruntime 1.32.
"""

import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OUT = pathlib.Path(__file__).parent / "../data/onnx/rankers"
WIDTH, ITEMS = 16, 40

draw = np.random.default_rng(7)


def drawn(*shape):
    return draw.uniform(-0.5, 0.5, shape).astype(np.float32)


def model(name, nodes, inputs, constants, rows):
    """A model of nodes, of inputs as (name, kind, axes), whose output `score` has so many rows."""
    ports = [helper.make_tensor_value_info(*port) for port in inputs]
    output = helper.make_tensor_value_info("score", TensorProto.FLOAT, [rows])
    weights = [numpy_helper.from_array(value, at) for at, value in constants.items()]
    graph = helper.make_graph(nodes, name, ports, [output], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(made)
    return made


def layers(of, name, sizes, constants):
    """A linear layer, ReLU and another one."""
    nodes = []
    for at, (before, after) in enumerate(zip(sizes, sizes[1:])):
        constants[f"{name}.{at}.weight"], constants[f"{name}.{at}.bias"] = drawn(after, before), drawn(after)
        nodes.append(helper.make_node("Gemm", [of, f"{name}.{at}.weight", f"{name}.{at}.bias"], [f"{name}_{at}"], transB=1))
        of = f"{name}_{at}"
        if at + 2 < len(sizes):
            nodes.append(helper.make_node("Relu", [of], [f"{of}_relu"]))
            of = f"{of}_relu"
    return of, nodes


def matched():
    """Embeddings against one another, as they are and behind layers of their own."""
    constants = {"last": np.array([-1], np.int64)}
    query, of_query = layers("query", "q", [WIDTH, 12, 8], constants)
    title, of_title = layers("known", "t", [WIDTH + 1, 12, 8], constants)
    nodes = [
        helper.make_node("Unsqueeze", ["price", "last"], ["prices"]),
        helper.make_node("Concat", ["title", "prices"], ["known"], axis=1),
        *of_query,
        *of_title,
        helper.make_node("Mul", [query, title], ["products"]),
        helper.make_node("ReduceSum", ["products", "last"], ["behind"], keepdims=0),
        helper.make_node("Mul", ["query", "title"], ["plain"]),
        helper.make_node("ReduceSum", ["plain", "last"], ["before"], keepdims=0),
        helper.make_node("Add", ["behind", "before"], ["score"]),
    ]
    inputs = [
        ("query", TensorProto.FLOAT, [1, WIDTH]),
        ("title", TensorProto.FLOAT, ["candidates", WIDTH]),
        ("price", TensorProto.FLOAT, ["candidates"]),
    ]
    return model("matched", nodes, inputs, constants, "candidates")


def recent():
    """The mean of a session and a user's profile, which is repeated for each of four candidates."""
    constants = {"last": np.array([-1], np.int64), "items": drawn(ITEMS, 8), "w": drawn(8, 3), "b": drawn(8)}
    nodes = [
        helper.make_node("Gather", ["items", "session"], ["seen"]),
        helper.make_node("ReduceMean", ["seen"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Gemm", ["profile", "w", "b"], ["user"], transB=1),
        helper.make_node("Add", ["mean", "user"], ["taste"]),
        helper.make_node("Gather", ["items", "item"], ["own"]),
        helper.make_node("Mul", ["taste", "own"], ["products"]),
        helper.make_node("ReduceSum", ["products", "last"], ["score"], keepdims=0),
    ]
    inputs = [
        ("session", TensorProto.INT64, [1, "length"]),
        ("profile", TensorProto.FLOAT, [4, 3]),
        ("item", TensorProto.INT64, [4]),
    ]
    return model("recent", nodes, inputs, constants, 4)


def scores(made, **given):
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return [float(score) for score in session.run(None, given)[0]]


def vector(times, plus):
    return [(times * at + plus) % 16 / 16 - 0.5 for at in range(WIDTH)]


def main():
    (OUT / "fixed").mkdir(exist_ok=True, parents=True)
    first, second = matched(), recent()
    onnx.save(first, OUT / "matched.onnx")
    onnx.save(second, OUT / "fixed/recent.onnx")
    f32 = lambda values: np.array(values, np.float32)
    titles, prices = f32([vector(5, 3), vector(3, 1)]), f32([0.25, -1.5])
    print("matched", scores(first, query=f32([vector(7, 0)]), title=titles, price=prices))
    profile, session = f32([[0.5, -1, 2]] * 4), np.array([[3, 39, 17]])
    of = lambda items: scores(second, session=session, profile=profile, item=np.array(items))
    print("recent", of([0, 21, 39, 7]) + of([8, 30, 0, 0])[:2])


if __name__ == "__main__":
    main()
