"""The committed models: features as in training, golden scores, and suites of sessions that no model has seen."""

import json
import math
import tomllib
import unittest
from statistics import mean

import lightgbm
import numpy
import onnxruntime

import data
import evaluate
import export
from features import Bucket, Category, Feature, Hash, Id, Number, toml
from specification import DENSE_OF_ROWS, Specification
from train import HEADS

NETWORKS = ("two-tower", "sasrec", "ranker")


def rule(table):
    """A rule as a reader of `docs/rank.md` would make it, with nothing of what training knows."""
    kind = table["type"]
    if kind == "number":
        return Number(table.get("mean", 0.0), table.get("std", 1.0), table.get("default"))
    if kind == "bucket":
        return Bucket(tuple(table["boundaries"]))
    if kind == "category":
        assert table.get("unknown-id", 0) == 0 and table.get("unknown", "missing") == "missing", table
        return Category(tuple(table["vocabulary"]), known="unknown" in table)
    if kind == "hash":
        return Hash(table["buckets"], table["seed"])
    assert kind == "id" and table["unknown-id"] == 0, table
    return Id(table["size"])


def specified(name):
    tables = tomllib.loads((data.MODELS / name / "features.toml").read_text(encoding="utf-8"))["feature"]
    return [Feature(key, table.get("of", "candidate"), table.get("column", key), rule(table)) for key, table in tables.items()]


def network(name):
    """From a request to scores, by the committed files alone."""
    session = onnxruntime.InferenceSession(str(data.MODELS / name / "model.onnx"), providers=["CPUExecutionProvider"])
    kinds = {"tensor(int64)": "int64", "tensor(float)": "float32"}
    inputs = [(entry.name, kinds[entry.type], tuple(entry.shape)) for entry in session.get_inputs()]
    of = specified(name)
    return lambda request: session.run(None, export.arrays(inputs, of, request))[0].flatten().tolist()


def trees():
    booster, of = lightgbm.Booster(model_file=str(data.MODELS / "re-ranker" / "model.txt")), specified("re-ranker")
    assert [feature.column for feature in of] == booster.feature_name()

    def scores(rows):
        return booster.predict(numpy.array([[it.rule.number(row[it.name]) for it in of] for row in rows])).tolist()

    return scores


class Models(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.log = data.read()
        cls.specification = Specification(cls.log)
        cls.heldout = cls.log.part("heldout")
        cls.pages = {}
        for session in cls.heldout:
            for moment in data.moments(session):
                cls.pages.setdefault((session.user["id"], tuple(moment.shown)), moment)

    def suite(self, name):
        return data.rows(data.EVAL / f"{name}.jsonl")

    def test_words_and_scales_are_training_s(self):
        made = {"two-tower": self.specification.two_tower(), "sasrec": self.specification.sasrec(),
                "re-ranker": self.specification.re_ranker()}
        for name, of in made.items():
            text = (data.MODELS / name / "features.toml").read_text(encoding="utf-8")
            self.assertEqual(text, toml(HEADS[name], of, trees=name == "re-ranker"), name)
            self.assertEqual([(it.name, it.of, it.column, it.rule) for it in specified(name)],
                             [(it.name, it.of, it.column, it.rule) for it in of], name)

    def test_the_ranker_s_are_too_but_for_scales_of_its_own_pages(self):
        of_pages = {*DENSE_OF_ROWS, "clicks"}
        made = self.specification.ranker([dict.fromkeys(of_pages, value) for value in (0.0, 1.0)])
        committed = specified("ranker")
        self.assertEqual([(it.name, it.of, it.column) for it in committed], [(it.name, it.of, it.column) for it in made])
        for one, other in zip(committed, made):
            if one.name in of_pages:
                self.assertTrue(one.rule.std > 0 and one.rule.default == 0.0, one.name)
            else:
                self.assertEqual(one.rule, other.rule, one.name)

    def test_the_clicks_of_the_ranker_s_pages_have_its_scale(self):
        counts = [len(moment.before) for moment in self.log.moments("second")]
        [clicks] = [feature.rule for feature in specified("ranker") if feature.name == "clicks"]
        self.assertAlmostEqual(clicks.mean, mean(counts), delta=1e-4)

    def test_golden_requests_have_training_s_scores(self):
        for name in NETWORKS:
            score, rows = network(name), data.rows(data.MODELS / name / "golden.jsonl")
            self.assertEqual(len(rows), 10)
            for row in rows:
                self.assertEqual(len(row["scores"]), len(row["candidates"]))
                numpy.testing.assert_allclose(score(row), row["scores"], rtol=2e-5, atol=1e-5, err_msg=name)
            self.assertEqual({len(row["candidates"]) for row in rows} & {1, 100}, {1, 100})

    def test_golden_sessions_are_short_and_long_and_not_known(self):
        sessions = [row["session"]["session"] for row in data.rows(data.MODELS / "sasrec" / "golden.jsonl")]
        self.assertEqual(sessions[0], [0])
        self.assertEqual(max(map(len, sessions)), data.MOST)
        self.assertTrue(any(0 in session and len(session) > 1 for session in sessions))
        last = data.rows(data.MODELS / "ranker" / "golden.jsonl")[-1]
        self.assertIsNone(last["candidates"][0]["item"])
        self.assertNotIn(last["user"]["country"], self.specification.words["country"])

    def test_golden_candidates_have_lightgbm_s_scores(self):
        head, *lines = (data.MODELS / "re-ranker" / "golden.tsv").read_text(encoding="utf-8").splitlines()
        names = head.split("\t")
        rows = [{name: field if name == "subcategory" else float(field or "nan") for name, field in zip(names, line.split("\t"))}
                for line in lines]
        self.assertTrue(any(math.isnan(row["price_ratio"]) for row in rows))
        for row, score in zip(rows, trees()(rows)):
            self.assertAlmostEqual(score, row["score"], delta=1e-12)
        self.assertGreater(len({row["score"] for row in rows}), len(rows) // 2)

    def test_suites_of_pages_are_held_out_pages_with_their_labels(self):
        rows = self.suite("ranker")
        self.assertGreaterEqual(len(rows), 50)
        for row in rows:
            moment = self.pages[row["user"]["user"], tuple(candidate["item"] for candidate in row["candidates"])]
            self.assertEqual(row["labels"], [int(grade > 0) for grade in moment.grades])
            self.assertEqual(row["user"]["clicks"], len(moment.before))

    def test_suites_of_next_clicks_are_held_out_clicks(self):
        known = {(tuple(moment.before[-data.MOST:]) or (0,), moment.shown[moment.clicked]): moment
                 for moment in self.pages.values() if moment.clicked >= 0}
        for name in ("two-tower", "sasrec"):
            for row in self.suite(name):
                items = [candidate["item"] for candidate in row["candidates"]]
                self.assertEqual(len(set(items)), len(items))
                self.assertEqual(sum(row["labels"]), 1)
                self.assertIn((tuple(row["session"]["session"]), items[row["labels"].index(1)]), known, name)

    def test_models_beat_popularity_on_their_suites(self):
        popularity = [0] + [item["popularity"] for item in self.log.items[1:]]
        for name in NETWORKS:
            score, rows = network(name), [row for row in self.suite(name) if any(row["labels"])]
            own = mean(evaluate.ndcg(score(row), row["labels"]) for row in rows)
            sells = mean(evaluate.ndcg([popularity[it["item"]] for it in row["candidates"]], row["labels"]) for row in rows)
            self.assertGreater(own, sells + 0.04, name)
        score, rows = trees(), self.suite("re-ranker")
        own = mean(evaluate.ndcg(score(row["candidates"]), row["labels"]) for row in rows)
        sells = mean(evaluate.ndcg([it["popularity"] for it in row["candidates"]], row["labels"]) for row in rows)
        self.assertGreater(own, sells + 0.04)

    def test_files_stay_small_and_name_no_place(self):
        models = [path for path in data.MODELS.rglob("*") if path.is_file()]
        self.assertLess(sum(path.stat().st_size for path in models), 3_000_000)
        self.assertLess(sum(path.stat().st_size for path in data.EVAL.iterdir()), 1_000_000)
        for path in models:
            for word in (b"tmp", b"home", b"root", b"lib"):
                self.assertNotIn(b"/" + word + b"/", path.read_bytes(), path)

    def test_files_of_rows_are_plain_json(self):
        for path in [*data.MODELS.glob("*/golden.jsonl"), *data.EVAL.glob("*.jsonl")]:
            for line in path.read_text(encoding="utf-8").splitlines():
                json.loads(line, parse_constant=lambda word: self.fail(f"{path.name}: {word}"))


if __name__ == "__main__":
    unittest.main()
