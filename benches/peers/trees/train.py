"""Trains a LightGBM ranker of 500 trees of 31 leaves on numbers made for it, as wide as MSLR-WEB: counts, reals, missing values."""

import sys
from pathlib import Path

import lightgbm
import numpy as np

QUERIES, DOCUMENTS, FEATURES, ROWS = 600, 60, 136, 1000


def numbers(random, rows):
    x = random.normal(size=(rows, FEATURES))
    x[:, ::3] = np.round(np.abs(x[:, ::3]) * 20)
    x[random.random(x.shape) < 0.02] = np.nan
    return x


folder = Path(sys.argv[1])
random = np.random.default_rng(7)
x = numbers(random, QUERIES * DOCUMENTS)
known = np.nan_to_num(x)
weights = random.normal(size=FEATURES) * (random.random(FEATURES) < 0.4)
relevance = known @ weights * 0.2 + 2 * np.sin(2 * known[:, 5]) + random.normal(size=len(x))
grades = np.digitize(relevance, np.quantile(relevance, [0.5, 0.75, 0.9, 0.97]))
data = lightgbm.Dataset(x, grades, group=[DOCUMENTS] * QUERIES)
settings = {"objective": "lambdarank", "num_leaves": 31, "learning_rate": 0.05, "min_data_in_leaf": 50, "seed": 1, "verbosity": -1}
lightgbm.train(settings, data, 500).save_model(folder / "model.txt")
numbers(random, ROWS).astype("<f8").tofile(folder / "rows.f64")
