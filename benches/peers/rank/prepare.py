"""Makes the ONNX models of both networks, f32 and quantized to int8 as ONNX Runtime does it without samples."""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from weights import CANDIDATES, DENSE, ITEMS, SESSION, SPARSE, TABLE_ROWS, WIDTH, Weights


class Graph:
    def __init__(self):
        self.nodes, self.tensors = [], []

    def const(self, array):
        name = f"const.{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, op, *inputs, outputs=1, **attributes):
        names = [f"{op}.{len(self.nodes)}.{at}" for at in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def linear(self, x, weights, n, k):
        return self.layer(x, *weights.linear(n, k))

    def layer(self, x, w, bias):
        return self.node("Add", self.node("MatMul", x, self.const(w.T)), self.const(bias))

    def norm(self, x, weights):
        return self.node("LayerNormalization", x, self.const(np.ones(WIDTH, np.float32)), self.const(weights.next((WIDTH,), 0.1)), axis=-1, epsilon=1e-8)

    def save(self, path, inputs, output):
        info = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs]
        self.nodes.append(helper.make_node("Identity", [output], ["scores"]))
        out = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, None)]
        graph = helper.make_graph(self.nodes, path.stem, info, out, self.tensors)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def dlrm(path):
    g, weights = Graph(), Weights()
    bottom = "dense"
    for n, k in [(512, DENSE), (256, 512), (WIDTH, 256)]:
        bottom = g.node("Relu", g.linear(bottom, weights, n, k))
    ids = g.node("Split", "ids", outputs=SPARSE, axis=1)
    rows = [g.node("Gather", g.const(weights.table(TABLE_ROWS)), of, axis=0) for of in ids]
    fields = g.node("Concat", g.node("Unsqueeze", bottom, g.const(np.array([1]))), *rows, axis=1)
    dots = g.node("MatMul", fields, g.node("Transpose", fields, perm=[0, 2, 1]))
    count = SPARSE + 1
    flat = g.node("Reshape", dots, g.const(np.array([-1, count * count])))
    lower = np.array([i * count + j for i in range(count) for j in range(i)])
    top = g.node("Concat", bottom, g.node("Gather", flat, g.const(lower), axis=1), axis=1)
    for n, k in [(512, WIDTH + len(lower)), (256, 512)]:
        top = g.node("Relu", g.linear(top, weights, n, k))
    out = g.node("Sigmoid", g.linear(top, weights, 1, 256))
    g.save(path, [("dense", TensorProto.FLOAT, ["n", DENSE]), ("ids", TensorProto.INT64, ["n", SPARSE])], out)


def sasrec(path):
    g, weights = Graph(), Weights()
    items = g.const(weights.table(ITEMS))
    x = g.node("Add", g.node("Gather", items, "seen", axis=0), g.const(weights.table(SESSION)))
    mask = g.const(np.triu(np.full((SESSION, SESSION), -1e9, np.float32), 1))
    for block in range(2):
        qkv = g.layer(g.norm(x, weights), *weights.attention(block))
        q, k, v = g.node("Split", qkv, outputs=3, axis=1)
        scores = g.node("Mul", g.node("MatMul", q, g.node("Transpose", k, perm=[1, 0])), g.const(np.float32(0.125)))
        mixed = g.node("MatMul", g.node("Softmax", g.node("Add", scores, mask), axis=-1), v)
        x = g.node("Add", g.linear(mixed, weights, WIDTH, WIDTH), x)
        hidden = g.node("Relu", g.linear(g.norm(x, weights), weights, WIDTH, WIDTH))
        x = g.node("Add", g.linear(hidden, weights, WIDTH, WIDTH), x)
    user = g.norm(g.node("Gather", x, g.const(np.array([SESSION - 1])), axis=0), weights)
    out = g.node("MatMul", g.node("Gather", items, "items", axis=0), g.node("Transpose", user, perm=[1, 0]))
    g.save(path, [("seen", TensorProto.INT64, [SESSION]), ("items", TensorProto.INT64, [CANDIDATES])], out)


def nothing(path):
    """What a call costs of a model that does nothing."""
    g = Graph()
    g.save(path, [("x", TensorProto.FLOAT, [1])], "x")


folder = Path(sys.argv[1])
nothing(folder / "nothing.onnx")
for name, make in [("dlrm", dlrm), ("sasrec", sasrec)]:
    make(folder / f"{name}-f32.onnx")
    quantize_dynamic(folder / f"{name}-f32.onnx", folder / f"{name}-int8.onnx", per_channel=True, weight_type=QuantType.QInt8)
