"""Makes the small tree ensembles of compiler/tests/data/trees with the libraries themselves, and what they predict.

    python3 -m venv .venv && .venv/bin/pip install lightgbm==4.7.0 xgboost==3.2.0 numpy==2.4.6 scipy
    .venv/bin/python compiler/tests/models/make_trees.py

Features 4 and 5 are categories where a model takes them as such. Each model has a file `NAME.tsv` beside it: for each row of `rows.tsv`
the predictions, as `repr` writes them.
"""

import json
from pathlib import Path

import lightgbm
import numpy as np
import xgboost

FOLDER = Path(__file__).parent.parent / "data" / "trees"
ROWS, FEATURES = 240, 6
KINDS = ["q"] * 4 + ["c"] * 2

random = np.random.default_rng(3)


def numbers(rows, categories):
    x = random.normal(size=(rows, FEATURES)).round(3)
    x[:, 4] = random.integers(0, categories[0], rows)
    x[:, 5] = random.integers(0, categories[1], rows)
    x[random.random(x.shape) < 0.1] = np.nan
    return x


def table(path, values):
    lines = ["\t".join(repr(float(value)) for value in row) for row in np.atleast_2d(values)]
    path.write_text("\n".join(lines) + "\n")


x = numbers(ROWS, (12, 40))
known = np.nan_to_num(x)
y = known[:, 0] * 2 + np.sin(known[:, 1] * 3) + known[:, 4] % 3 + random.normal(size=ROWS) * 0.1
binary, classes = (known[:, 0] > 0).astype(int), np.digitize(known[:, 0], [-0.5, 0.5])
groups = [24] * 10
# Categories that training has not seen, zeros, and what is no category.
rows = numbers(60, (14, 45))
rows[::7, 2] = 0
of_lightgbm = rows.copy()
of_lightgbm[1::9, 4] = -1
of_lightgbm[2::9, 5] = 1.75


def save(name, predictions):
    table(FOLDER / f"{name}.tsv", np.asarray(predictions, dtype=np.float64).reshape(len(rows), -1))


def xgb(name, settings, label, categories=False, group=None, rounds=4, x=x, rows=rows):
    kinds = {"feature_types": KINDS, "enable_categorical": True} if categories else {}
    data = xgboost.DMatrix(x, label, **kinds)
    if group:
        data.set_group(group)
    model = xgboost.train({"nthread": 1, "max_depth": 3, "eta": 0.3, **settings}, data, rounds)
    for form in ["json", "ubj"]:
        model.save_model(FOLDER / f"xgb_{name}.{form}")
    save(f"xgb_{name}", model.predict(xgboost.DMatrix(rows, **kinds)))


def lgb(name, settings, label, categories=False, group=None, rounds=4):
    data = lightgbm.Dataset(x, label, categorical_feature=[4, 5] if categories else "auto", group=group)
    settings = {"num_threads": 1, "verbosity": -1, "num_leaves": 7, "min_data_in_leaf": 5, **settings}
    model = lightgbm.train(settings, data, rounds)
    model.save_model(FOLDER / f"lgb_{name}.txt")
    (FOLDER / f"lgb_{name}.json").write_text(json.dumps(model.dump_model()))
    save(f"lgb_{name}", model.predict(of_lightgbm, num_threads=1))


FOLDER.mkdir(exist_ok=True)
table(FOLDER / "rows.tsv", rows)
table(FOLDER / "rows_lightgbm.tsv", of_lightgbm)
xgb("regression", {}, y)
xgb("category", {"max_cat_to_onehot": 3}, y, categories=True)
xgb("onehot", {"max_cat_to_onehot": 100}, y, categories=True)
xgb("binary", {"objective": "binary:logistic"}, binary)
xgb("logitraw", {"objective": "binary:logitraw", "base_score": 0.3}, binary)
xgb("multiclass", {"objective": "multi:softprob", "num_class": 3}, classes)
xgb("dart", {"booster": "dart", "rate_drop": 0.5}, y)
xgb("forest", {"num_parallel_tree": 3, "subsample": 0.7}, y, rounds=2)
xgb("gamma", {"objective": "reg:gamma"}, np.exp(y * 0.2))
xgb("rank", {"objective": "rank:ndcg"}, classes, group=groups)
xgb("targets", {}, np.c_[y, -y])
lgb("regression", {}, y)
lgb("category", {"min_data_per_group": 5, "cat_smooth": 1}, y, categories=True)
lgb("zero_is_missing", {"zero_as_missing": True}, y)
lgb("nothing_is_missing", {"use_missing": False}, y)
lgb("binary", {"objective": "binary", "sigmoid": 1.3}, binary)
lgb("multiclass", {"objective": "multiclass", "num_class": 3}, classes)
lgb("one_versus_all", {"objective": "multiclassova", "num_class": 3}, classes)
lgb("forest", {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}, y)
lgb("dart", {"boosting": "dart"}, y)
lgb("rank", {"objective": "lambdarank"}, classes, group=groups)
lgb("square_root", {"objective": "regression", "reg_sqrt": True}, y)
lgb("square_root_l1", {"objective": "regression_l1", "reg_sqrt": True}, y)
lgb("poisson", {"objective": "poisson"}, np.abs(y))
lgb("cross_entropy_lambda", {"objective": "cross_entropy_lambda"}, binary * 0.9)
