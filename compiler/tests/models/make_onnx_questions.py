"""Makes the small ensembles of compiler/tests/data/trees/onnx/questions: nodes that test by `==`, `!=` and membership, in the operators of
every version, in float and in double.

    python3 -m venv .venv && .venv/bin/pip install onnx==1.22.0 onnxruntime
    .venv/bin/python compiler/tests/models/make_onnx_questions.py

`rows.tsv` has the rows, `NAME.tsv` what ONNX Runtime gives for each with one thread, or, where it refuses a model, ONNX's ReferenceEvaluator;
both are held against one another.
"""

from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

FOLDER = Path(__file__).parent.parent / "data" / "trees" / "onnx" / "questions"
FOLDER.mkdir(parents=True, exist_ok=True)
ML = [helper.make_opsetid("", 21)]
random = np.random.default_rng(17)
FEATURES = 3
MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER"]
# Whole numbers, halves, what is nearly one, both zeros, and what is missing.
values = [0.0, -0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.5, 1.5, 2.0000002, -1.0, 40.0, 1e30, np.nan]
rows = random.choice(values, size=(80, FEATURES))


class Tree:
    """A drawn tree: lists of inner nodes and of leaves."""

    def __init__(self, modes, outputs):
        self.nodes, self.leaves = [], []
        self.modes, self.outputs = modes, outputs
        self.root = self.grow(4)

    def grow(self, depth):
        if depth == 0 or (depth < 3 and random.random() < 0.3):
            weight = float(np.float32(random.normal()))
            self.leaves.append((weight, int(random.integers(self.outputs))))
            return True, len(self.leaves) - 1
        at = len(self.nodes)
        mode = random.choice(self.modes)
        # Not 0, at which the reference ends a set.
        members = sorted({float(random.integers(1, 7)) for _ in range(3)} | {0.5})
        node = dict(mode=mode, value=float(random.integers(5)), feature=int(random.integers(FEATURES)), members=members,
                    tracks=int(random.random() < 0.5))
        self.nodes.append(node)
        node["yes"] = self.grow(depth - 1)
        node["no"] = self.grow(depth - 1)
        return False, at


def lists(trees, outputs, dtype, aggregate, missing):
    """TreeEnsembleRegressor of version 3."""
    kept = {key: [] for key in ["nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids",
                                "nodes_modes", "nodes_values", "nodes_missing_value_tracks_true", "target_treeids",
                                "target_nodeids", "target_ids", "target_weights"]}
    for number, tree in enumerate(trees):
        place = lambda child: child[1] + len(tree.nodes) * child[0]
        for at, node in enumerate(tree.nodes):
            row = [number, at, node["feature"], place(node["yes"]), place(node["no"]), node["mode"], node["value"], node["tracks"]]
            for key, value in zip(list(kept)[:8], row):
                kept[key].append(value)
        for at, (weight, output) in enumerate(tree.leaves):
            for key, value in zip(list(kept)[:8], [number, at + len(tree.nodes), 0, 0, 0, "LEAF", 0.0, 0]):
                kept[key].append(value)
            for key, value in zip(list(kept)[8:], [number, at + len(tree.nodes), output, weight]):
                kept[key].append(value)
    if not missing:
        del kept["nodes_missing_value_tracks_true"]
    if dtype == np.float64:
        for key in ["nodes_values", "target_weights"]:
            kept[key + "_as_tensor"] = numpy_helper.from_array(np.array(kept.pop(key), dtype=dtype), key)
    return helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=outputs,
                            aggregate_function=aggregate, **kept), 3


def flat(trees, outputs, dtype, aggregate, missing):
    """TreeEnsemble of version 5."""
    nodes, leaves, roots, members = [], [], [], []
    for tree in trees:
        roots.append(len(nodes))
        first_node, first_leaf = len(nodes), len(leaves)
        for node in tree.nodes:
            moved = {side: (node[side][0], node[side][1] + (first_leaf if node[side][0] else first_node)) for side in ["yes", "no"]}
            nodes.append({**node, **moved})
            if node["mode"] == "BRANCH_MEMBER":
                members += [*node["members"], np.nan]
        leaves += tree.leaves
    tensor = lambda name, items, kind: numpy_helper.from_array(np.array(items, dtype=kind), name)
    attributes = dict(
        aggregate_function={"AVERAGE": 0, "SUM": 1, "MIN": 2, "MAX": 3}[aggregate], n_targets=outputs, tree_roots=roots,
        nodes_modes=tensor("modes", [MODES.index(node["mode"]) for node in nodes], np.uint8),
        nodes_splits=tensor("splits", [node["value"] for node in nodes], dtype),
        nodes_featureids=[node["feature"] for node in nodes],
        nodes_truenodeids=[node["yes"][1] for node in nodes], nodes_falsenodeids=[node["no"][1] for node in nodes],
        nodes_trueleafs=[int(node["yes"][0]) for node in nodes], nodes_falseleafs=[int(node["no"][0]) for node in nodes],
        leaf_targetids=[output for _, output in leaves], leaf_weights=tensor("weights", [weight for weight, _ in leaves], dtype))
    if members:
        attributes["membership_values"] = tensor("members", members, dtype)
    if missing:
        attributes["nodes_missing_value_tracks_true"] = [node["tracks"] for node in nodes]
    return helper.make_node("TreeEnsemble", ["x"], ["y"], domain="ai.onnx.ml", **attributes), 5


def save(name, make, modes, dtype=np.float32, outputs=1, trees=4, aggregate="SUM", missing=True):
    node, version = make([Tree(modes, outputs) for _ in range(trees)], outputs, dtype, aggregate, missing)
    kind = TensorProto.DOUBLE if dtype == np.float64 else TensorProto.FLOAT
    out = TensorProto.FLOAT if version == 3 else kind
    graph = helper.make_graph([node], name, [helper.make_tensor_value_info("x", kind, [None, FEATURES])],
                              [helper.make_tensor_value_info("y", out, [None, outputs])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", version)], ir_version=10)
    given = {}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        given["runtime"] = session.run(None, {"x": rows.astype(dtype)})[0]
    except Exception as error:
        print(f"{name}: ONNX Runtime refuses it: {str(error)[:120]}")
    try:
        given["reference"] = ReferenceEvaluator(model).run(None, {"x": rows.astype(dtype)})[0]
    except Exception as error:
        print(f"{name}: the reference refuses it: {str(error)[:120]}")
    if len(given) == 2:
        a, b = (np.asarray(each, dtype=np.float64).reshape(len(rows), -1) for each in given.values())
        off = np.abs(a - b).max(axis=1)
        print(f"{name}: {off.max():.3g} apart; rows {np.flatnonzero(off > 1e-5).tolist()}")
        for at in np.flatnonzero(off > 1e-5)[:4]:
            print("   ", rows[at], a[at], b[at])
    if not given:
        return
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString())
    table(f"{name}.tsv", given.get("runtime", given.get("reference")))


def table(name, values):
    values = np.asarray(values, dtype=np.float64).reshape(len(rows), -1)
    (FOLDER / name).write_text("\n".join("\t".join(repr(float(value)) for value in row) for row in values) + "\n")


table("rows.tsv", rows)
save("lists_equal", lists, ["BRANCH_EQ"])
save("lists_not_equal", lists, ["BRANCH_NEQ"], missing=False)
save("lists_mixed", lists, MODES[:6], outputs=2)
save("lists_mixed_double", lists, MODES[:6], dtype=np.float64)
save("flat_member", flat, ["BRANCH_MEMBER"])
save("flat_mixed", flat, MODES, outputs=2)
save("flat_mixed_untracked", flat, MODES, missing=False)
save("flat_mixed_double", flat, MODES, dtype=np.float64)
save("flat_average", flat, MODES[:4], aggregate="AVERAGE")
