"""Makes the tree ensembles of compiler/tests/data/trees/old, with the versions of LightGBM whose forests this or that is told of.

    for version in 2.1.1 2.2.2 2.2.3; do
        pip download --no-deps lightgbm==$version && unzip -o lightgbm-$version-*.whl -d w$version
        python make_old_trees.py $version w$version/lightgbm/lib_lightgbm.so
    done

Their Python needs a Python of their time: the library is called itself. Rows are those of `rows_lightgbm.tsv`.
"""

import ctypes
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent.parent / "data" / "trees"
version, library = sys.argv[1], ctypes.CDLL(sys.argv[2])
library.LGBM_GetLastError.restype = ctypes.c_char_p
DOUBLE, ROW_MAJOR = 1, 1
FOREST = "boosting=rf bagging_freq=1 bagging_fraction=0.7 feature_fraction=0.9 "

random = np.random.default_rng(3)
x = np.ascontiguousarray(random.normal(size=(240, 6)))
y = x[:, 0] * 2 + np.sin(x[:, 1] * 3) + random.normal(size=240) * 0.1
rows = np.ascontiguousarray(np.loadtxt(FOLDER / "rows_lightgbm.tsv"))


def call(name, *arguments):
    if getattr(library, name)(*arguments):
        raise RuntimeError(library.LGBM_GetLastError().decode())


def save(name, settings, label):
    settings = f"{settings} num_leaves=5 num_threads=1 verbose=-1".encode()
    data, booster, done, count = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_int(), ctypes.c_int64()
    label = np.ascontiguousarray(label, dtype=np.float32)
    at = lambda array: array.ctypes.data_as(ctypes.c_void_p)
    call("LGBM_DatasetCreateFromMat", at(x), DOUBLE, *x.shape, ROW_MAJOR, settings, None, ctypes.byref(data))
    call("LGBM_DatasetSetField", data, b"label", at(label), len(label), 0)
    call("LGBM_BoosterCreate", data, settings, ctypes.byref(booster))
    for _ in range(4):
        call("LGBM_BoosterUpdateOneIter", booster, ctypes.byref(done))
    out = np.zeros(len(rows))
    call("LGBM_BoosterPredictForMat", booster, at(rows), DOUBLE, *rows.shape, ROW_MAJOR, 0, -1, b"", ctypes.byref(count), at(out))
    path = FOLDER / "old" / f"{name}_{version.replace('.', '_')}.txt"
    first = [0] if version >= "2.2" else []
    call("LGBM_BoosterSaveModel", booster, *first, -1, str(path).encode())
    path.with_suffix(".tsv").write_text("".join(f"{float(value)!r}\n" for value in out))


(FOLDER / "old").mkdir(exist_ok=True)
save("forest_binary", FOREST + "objective=binary", x[:, 0] > 0)
save("forest_poisson", FOREST + "objective=poisson", np.exp(y * 0.5) * 0.5)
save("huber_sqrt", "objective=huber reg_sqrt=true", y)
