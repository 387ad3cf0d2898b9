"""Makes the small models of compiler/tests/data/trees/scikit with scikit-learn itself, one folder a version, and what they predict.

    python3 -m venv .venv && .venv/bin/pip install scikit-learn==1.9.1 joblib
    .venv/bin/python compiler/tests/models/make_scikit_trees.py

and again with `scikit-learn==1.5.2`, and with `numpy==1.26.4` and `scikit-learn==1.4.0` (the first whose classifiers keep shares), `==1.3.2`
and `==1.2.2`. Models are saved by `pickle` in each of its protocols, and by joblib. `rows.tsv` has the rows, `NAME.tsv` the predictions (of two classes the second's), `NAME.raw.tsv` the sums before the
objective's function where there is one.
"""

import pickle
import warnings
from pathlib import Path

import joblib
import numpy as np
import sklearn
from sklearn.ensemble import (ExtraTreesClassifier, ExtraTreesRegressor, GradientBoostingClassifier, GradientBoostingRegressor,
                              HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier,
                              RandomForestRegressor)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

warnings.simplefilter("ignore")
VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
FOLDER = Path(__file__).parent.parent / "data" / "trees" / "scikit" / "{}.{}".format(*VERSION)
FOLDER.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(5)
x = random.normal(size=(160, 4))
y = x[:, 0] * 2 + np.sin(x[:, 1] * 3) + (x[:, 2] > 0) * x[:, 3]
two, three = (y > 0.2).astype(int), np.digitize(y, [-1, 1])
rows = random.normal(size=(40, 4))
gaps, rows_gaps = x.copy(), rows.copy()
gaps[random.random(x.shape) < 0.2] = np.nan
rows_gaps[random.random(rows.shape) < 0.2] = np.nan


def table(name, values):
    values = np.asarray(values, dtype=np.float64)
    values = values.reshape(len(rows), -1)
    (FOLDER / name).write_text("\n".join("\t".join(repr(float(value)) for value in row) for row in values) + "\n")


def save(name, how, model, label, given=x, asked=rows):
    model.fit(given, label)
    if name == "gradient":
        model.feature_names_in_ = np.array(["a", "b", "c", "d"], dtype=object)
    if how == "joblib":
        joblib.dump(model, FOLDER / f"{name}.joblib")
    elif isinstance(how, tuple):
        joblib.dump(model, FOLDER / f"{name}.joblib", compress=how)
    else:
        (FOLDER / f"{name}.pkl").write_bytes(pickle.dumps(model, protocol=how))
    if hasattr(model, "feature_names_in_"):
        del model.feature_names_in_
    if hasattr(model, "predict_proba"):
        shares = model.predict_proba(asked)
        table(f"{name}.tsv", shares[:, 1] if shares.shape[1] == 2 else shares)
        if hasattr(model, "decision_function"):
            table(f"{name}.raw.tsv", model.decision_function(asked))
    else:
        table(f"{name}.tsv", model.predict(asked))
        if isinstance(model, HistGradientBoostingRegressor):
            table(f"{name}.raw.tsv", model._raw_predict(asked))


table("rows.tsv", rows)
table("rows_missing.tsv", rows_gaps)
few = dict(random_state=0)
small = dict(n_estimators=3, max_depth=3, random_state=0)
short = dict(max_iter=3, max_leaf_nodes=6, random_state=0, early_stopping=False)
save("gradient", 4, GradientBoostingRegressor(**small), y)
save("gradient_huber", 1, GradientBoostingRegressor(loss="huber", **small), y)
save("gradient_zero", 2, GradientBoostingRegressor(init="zero", **small), y)
save("gradient_binary", "joblib", GradientBoostingClassifier(**small), two)
save("gradient_classes", 5, GradientBoostingClassifier(**small), three)
save("gradient_exponential", 3, GradientBoostingClassifier(loss="exponential", **small), two)
save("forest", "joblib", RandomForestRegressor(**small), y)
save("forest_binary", 4, RandomForestClassifier(**small), two)
save("forest_classes", ("zlib", 3), ExtraTreesClassifier(class_weight="balanced", **small), three)
save("forest_targets", 5, ExtraTreesRegressor(**small), np.stack([y, -y], axis=1))
save("tree", 0, DecisionTreeRegressor(max_depth=3, **few), y)
save("tree_classes", 2, DecisionTreeClassifier(max_depth=3, **few), np.digitize(y, np.linspace(-2, 2, 9)))
missing = dict(given=gaps, asked=rows_gaps)
save("histogram_missing", "joblib", HistGradientBoostingRegressor(**short), y, **missing)
save("histogram_poisson_missing", 4, HistGradientBoostingRegressor(loss="poisson", **short), np.exp(y), **missing)
save("histogram_binary_missing", 5, HistGradientBoostingClassifier(**short), two, **missing)
save("histogram_classes_missing", ("gzip", 3), HistGradientBoostingClassifier(**short), three, **missing)
# Categories with gaps between their numbers; requests have some that training has not seen, and none.
kinds, rows_kinds = gaps.copy(), rows_gaps.copy()
for column, count, step in ((1, 7, 3), (3, 40, 1)):
    kinds[:, column] = random.integers(0, count, size=len(kinds)) * step + 1
    rows_kinds[:, column] = random.integers(0, count + 5, size=len(rows)) * step + 1
kinds[::9, 1], rows_kinds[::7, 1], rows_kinds[::8, 3] = np.nan, np.nan, np.nan
table("rows_kinds.tsv", rows_kinds)
of_kinds = y + (kinds[:, 3] % 3) * (kinds[:, 3] > 20) + np.nan_to_num(kinds[:, 1] % 2, nan=3)
kinds_of = dict(categorical_features=[1, 3], min_samples_leaf=4, **short)
by_kind = dict(given=kinds, asked=rows_kinds)
save("histogram_kinds", 4, HistGradientBoostingRegressor(**kinds_of), of_kinds, **by_kind)
save("histogram_classes_kinds", "joblib", HistGradientBoostingClassifier(**kinds_of), np.digitize(of_kinds, [0, 2]), **by_kind)
if VERSION >= (1, 3):
    save("tree_missing", 5, DecisionTreeRegressor(max_depth=4, **few), y, **missing)
if VERSION >= (1, 4):
    save("forest_missing", "joblib", RandomForestClassifier(**small), three, **missing)
