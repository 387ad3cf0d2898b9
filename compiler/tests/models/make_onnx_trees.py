"""Makes the small ensembles of compiler/tests/data/trees/onnx: trees of scikit-learn, LightGBM and XGBoost as their converters write them in ONNX.

    python3 -m venv .venv && .venv/bin/pip install scikit-learn==1.9.1 skl2onnx==1.20.0 onnxmltools==1.16.0 lightgbm==4.7.0 xgboost==3.2.0 onnxruntime
    .venv/bin/python compiler/tests/models/make_onnx_trees.py

`rows.tsv` has the rows, and `NAME.tsv` what ONNX Runtime gives for each with one thread: of two classes the second's.
"""

from pathlib import Path

import lightgbm
import numpy as np
import onnxruntime
import xgboost
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as MlFloat
from skl2onnx import to_onnx
from sklearn.ensemble import (ExtraTreesRegressor, GradientBoostingClassifier, GradientBoostingRegressor,
                              RandomForestClassifier, RandomForestRegressor)
from sklearn.tree import DecisionTreeClassifier

FOLDER = Path(__file__).parent.parent / "data" / "trees" / "onnx"
random = np.random.default_rng(11)


def table(path, values):
    lines = ["\t".join(repr(float(value)) for value in row) for row in np.atleast_2d(values)]
    path.write_text("\n".join(lines) + "\n")


x = random.normal(size=(240, 5)).astype(np.float32).round(3)
y = x[:, 0] * 2 + np.sin(x[:, 1] * 3) + (x[:, 2] > 0) * x[:, 3]
two, three = (y > 0.2).astype(int), np.digitize(y, [-1, 1])
rows = random.normal(size=(60, 5)).astype(np.float32).round(3)
missing = rows.copy()
missing[random.random(rows.shape) < 0.2] = np.nan


def scores(model, rows):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    name = session.get_inputs()[0].name
    given = session.run(None, {name: rows})[-1]
    if isinstance(given, list):
        given = np.array([[each[label] for label in sorted(each)] for each in given])
    given = np.asarray(given, dtype=np.float64).reshape(len(rows), -1)
    return given[:, 1:] if given.shape[1] == 2 and session.get_outputs()[0].name != "variable" else given


def save(name, model, rows):
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString())
    table(FOLDER / f"{name}.tsv", scores(model, rows))


def scikit(name, model, label, rows=rows, options=None):
    model.fit(x, label)
    save(name, to_onnx(model, x[:1], options={id(model): options or {}}, target_opset=17), rows)


small = dict(random_state=0)
scikit("sk_gradient", GradientBoostingRegressor(n_estimators=5, max_depth=3, **small), y)
scikit("sk_gradient_binary", GradientBoostingClassifier(n_estimators=5, max_depth=3, **small), two)
scikit("sk_gradient_classes", GradientBoostingClassifier(n_estimators=4, max_depth=2, **small), three)
scikit("sk_forest", RandomForestRegressor(n_estimators=5, max_depth=4, **small), y)
scikit("sk_forest_targets", ExtraTreesRegressor(n_estimators=3, max_depth=3, **small), np.stack([y, -y], axis=1))
scikit("sk_forest_binary", RandomForestClassifier(n_estimators=5, max_depth=3, **small), two, options={"zipmap": False})
scikit("sk_forest_classes", RandomForestClassifier(n_estimators=4, max_depth=3, **small), three)
scikit("sk_tree", DecisionTreeClassifier(max_depth=3, **small), three)

input_ = [("input", MlFloat([None, 5]))]
gaps = x.copy()
gaps[random.random(x.shape) < 0.2] = np.nan
for name, model, label in [
    ("lgb_regression", lightgbm.LGBMRegressor(n_estimators=5, num_leaves=6, verbose=-1, n_jobs=1), y),
    ("lgb_binary", lightgbm.LGBMClassifier(n_estimators=5, num_leaves=6, verbose=-1, n_jobs=1), two),
    ("lgb_classes", lightgbm.LGBMClassifier(n_estimators=3, num_leaves=5, verbose=-1, n_jobs=1), three),
]:
    model.fit(gaps, label)
    save(name, convert_lightgbm(model, initial_types=input_, target_opset=15), missing)
for name, model, label in [
    ("xgb_regression", xgboost.XGBRegressor(n_estimators=5, max_depth=3, n_jobs=1), y),
    ("xgb_binary", xgboost.XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1), two),
    ("xgb_classes", xgboost.XGBClassifier(n_estimators=3, max_depth=3, n_jobs=1), three),
]:
    model.fit(gaps, label)
    save(name, convert_xgboost(model, initial_types=input_, target_opset=15), missing)
table(FOLDER / "rows.tsv", rows)
table(FOLDER / "rows_missing.tsv", missing)
