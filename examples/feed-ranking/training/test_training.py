"""What training leans on: parts that do not leak, rules as documented, models that ignore padding, measures by hand."""

import math
import random
import tempfile
import unittest
from pathlib import Path

import numpy
import onnx
import onnxruntime
import torch

import data
import evaluate
import export
import facts
import features
import ranker
import sasrec
import two_tower
from features import Bucket, Category, Hash, Id, Number

SIZES = {"user": 40, "user_country": 5, "user_device": 4, "user_age": 7, "item": 60, "category": 6, "subcategory": 9,
         "brand": 8, "age": 5}
SPARSE = {"user": 40, "country": 5, "device": 4, "age": 7, "last_item": 60, "last_subcategory": 9, "category": 6,
          "subcategory": 9, "brand": 8, "item": 60}


def untrained():
    """The three networks with weights of chance."""
    torch.manual_seed(1)
    return {"two-tower": two_tower.TwoTower(SIZES).eval(), "sasrec": sasrec.SasRec(60).eval(),
            "ranker": ranker.Ranker(10, SPARSE).eval()}


class Parts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.log = data.read(count=60)

    def test_every_session_is_in_one_part_and_later_parts_are_later(self):
        parts = [self.log.part(name) for name in ("first", "second", "third", "heldout")]
        self.assertEqual(sum(map(len, parts)), len(self.log.sessions))
        self.assertTrue(all(parts))
        for earlier, later in zip(parts, parts[1:]):
            self.assertLess(max(session.day for session in earlier), min(session.day for session in later))

    def test_a_moment_knows_the_clicks_before_it_and_not_its_own(self):
        for session in self.log.sessions:
            for moment, page in zip(data.moments(session), session.pages):
                self.assertEqual(moment.before, session.clicks[:len(moment.before)])
                if moment.clicked >= 0:
                    self.assertNotIn(moment.shown[moment.clicked], moment.before)
                    self.assertEqual(session.clicks[len(moment.before)], moment.shown[moment.clicked])
                self.assertEqual((moment.shown, moment.bought), (page.shown, page.bought))

    def test_sasrec_learns_each_click_from_those_before_it(self):
        for clicks in ([7], [7, 8, 9], list(range(1, 52)), list(range(1, 131))):
            learned = [target for _, targets in sasrec.rows_of([clicks]) for target in targets]
            self.assertEqual(learned, clicks)
            for read, targets in sasrec.rows_of([clicks])[1:]:
                self.assertLessEqual(len(read), data.MOST)
                self.assertEqual([clicks[clicks.index(item) + 1] for item in read], targets)
        self.assertEqual(sasrec.rows_of([[]]), [])

    def test_batches_hold_every_row_once(self):
        rows = sasrec.rows_of([session.clicks for session in self.log.sessions])
        found = [row for batch in sasrec.batches(rows, torch.Generator().manual_seed(3)) for row in batch]
        self.assertEqual(sorted(found), sorted(rows))

    def test_what_a_candidate_shares_with_its_session(self):
        seen = facts.Seen([self.log.items[1], self.log.items[2], self.log.items[1]])
        price = (2 * self.log.items[1]["price"] + self.log.items[2]["price"]) / 3
        found = seen.of_candidate(self.log.items[1])
        self.assertAlmostEqual(found["price_ratio"], math.log(self.log.items[1]["price"] / price))
        self.assertEqual(found["same_brand"], 2 + (self.log.items[1]["brand"] == self.log.items[2]["brand"]))
        self.assertEqual(seen.of_session(), {"clicks": 3, "last_item": 1, "last_subcategory": self.log.items[1]["subcategory"]})
        self.assertTrue(math.isnan(facts.Seen([]).of_candidate(self.log.items[1])["price_ratio"]))


class Rules(unittest.TestCase):
    def test_numbers_buckets_and_words(self):
        self.assertEqual(Number(20.0, 8.0).number(24), 0.5)
        self.assertEqual(Number(20.0, 8.0, -1.0).number(math.nan), -1.0)
        self.assertTrue(math.isnan(Number().number(None)))
        self.assertEqual([Bucket((18, 25, 40)).number(value) for value in (17, 18, 39.5, 40)], [0, 1, 2, 3])
        self.assertEqual([Category(("", "a", "b")).number(word) for word in ("b", "", "c")], [2, 0, 0])
        self.assertTrue(math.isnan(Category(("a", "b"), known=True).number("c")))
        self.assertEqual([Id(5).number(value) for value in (0, 4, None)], [0, 4, 0])
        for value in (5, -1):
            self.assertRaises(ValueError, Id(5).number, value)

    def test_fnv1a_is_the_published_one(self):
        # From the authors' test vectors (Fowler, Noll, Vo; 64 bit, FNV-1a).
        known = {b"": 0xCBF29CE484222325, b"a": 0xAF63DC4C8601EC8C, b"foobar": 0x85944171F73967E8}
        self.assertEqual({text: features.fnv1a(text) for text in known}, known)
        self.assertEqual(Hash(1000, 0).number(""), features.fnv1a(bytes(8)) % 1000)
        self.assertNotEqual(Hash(1 << 30, 1).number("u0001"), Hash(1 << 30, 2).number("u0001"))

    def test_requests_become_arrays_of_the_inputs_shapes(self):
        of = [features.Feature("age", "user", "sparse[1]", Bucket((18,))),
              features.Feature("brand", "candidate", "sparse[0]", Category(("", "a"))),
              features.Feature("session", "session", "session", Id(9)),
              features.Feature("price", "candidate", "price", Number(1.0, 2.0)),
              features.Feature("country", "user", "user_country", Category(("", "US"))),
              features.Feature("item", "candidate", "item", Id(9))]
        request = {"user": {"age": 20, "country": "US"}, "session": {"session": [3, 4, 5]},
                   "candidates": [{"brand": "a", "price": 5.0, "item": 8}, {"brand": "z", "price": 1.0, "item": None}]}
        inputs = [("sparse", "int64", ("batch", 2)), ("session", "int64", (1, "length")), ("price", "float32", ("candidates", 1)),
                  ("user_country", "int64", (1,)), ("item", "int64", ("candidates",))]
        found = {name: array.tolist() for name, array in export.arrays(inputs, of, request).items()}
        self.assertEqual(found, {"sparse": [[1, 1], [0, 1]], "session": [[3, 4, 5]], "price": [[2.0], [0.0]], "user_country": [1],
                                 "item": [8, 0]})


class Networks(unittest.TestCase):
    def test_exports_give_the_models_scores_at_any_length_and_count(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, model in untrained().items():
                path = Path(folder) / f"{name}.onnx"
                export.onnx(name, model, path)
                session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
                for length, candidates in ((1, 1), (1, 7), (2, 1), (13, 50), (data.MOST, 300)):
                    torch.manual_seed(length)
                    sizes = {"length": length, "candidates": candidates, "batch": candidates}
                    given = [torch.randint(0, 4, one.shape) if one.dtype == torch.int64 else torch.randn(one.shape)
                             for one in export.sample(name, sizes)]
                    with torch.no_grad():
                        wanted = model(*given).numpy()
                    [got] = session.run(None, {entry: one.numpy() for (entry, _, _), one in zip(export.INPUTS[name], given)})
                    self.assertEqual(got.shape, wanted.shape)
                    numpy.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-6, err_msg=f"{name} {length} {candidates}")
                    self.assertTrue(candidates == 1 or numpy.ptp(got) > 0, name)

    def test_an_export_says_its_axes_and_keeps_its_weights(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, model in untrained().items():
                export.onnx(name, model, Path(folder) / "model.onnx")
                self.assertEqual([path.name for path in Path(folder).iterdir()], ["model.onnx"])
                graph = onnx.load(Path(folder) / "model.onnx").graph
                axes = [(entry.name, tuple(dim.dim_param or dim.dim_value for dim in entry.type.tensor_type.shape.dim))
                        for entry in graph.input]
                self.assertEqual(axes, [(entry, of) for entry, _, of in export.INPUTS[name]])

    def test_padding_and_company_do_not_move_a_shopper(self):
        model = untrained()["two-tower"]
        sessions = [[3], [5, 9, 2, 2], [0], [7, 1]]
        with torch.no_grad():
            rows, lengths = two_tower.padded(sessions)
            together = model.mean(rows, lengths)
            alone = torch.cat([model.tables["item"](torch.tensor([session])).mean(1) for session in sessions])
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)

    def test_padding_and_company_do_not_move_a_session(self):
        model = untrained()["sasrec"]
        sessions = [[3], [5, 9, 2, 2], [], [7, 1], list(range(1, 59))]
        with torch.no_grad():
            together = sasrec.vectors(model, sessions) @ model.item.weight.t()
            alone = torch.stack([model(torch.tensor([session[-50:] or [0]]), torch.arange(60)) for session in sessions])
        torch.testing.assert_close(together, alone, rtol=0, atol=2e-5)

    def test_a_state_knows_the_order_before_it_and_nothing_after(self):
        model = untrained()["sasrec"]
        with torch.no_grad():
            states = [model.states(torch.tensor([session]))[0] for session in ([3, 4, 5, 6], [3, 4, 9, 9], [4, 3, 5, 6])]
        torch.testing.assert_close(states[0][:2], states[1][:2], rtol=0, atol=1e-6)
        for other in states[1:]:
            self.assertGreater((states[0][3] - other[3]).abs().max(), 1e-3)

    def test_a_score_of_the_towers_is_a_cosine(self):
        model = untrained()["two-tower"]
        given = export.sample("two-tower", {"length": 2, "candidates": 3})
        with torch.no_grad():
            scores = model(*given)
        self.assertLessEqual(scores.abs().max(), 1 + 1e-6)

    def test_some_values_are_hidden_and_the_others_kept(self):
        column = torch.arange(1, 20001)
        [found] = two_tower.hidden([column], torch.Generator().manual_seed(2))
        self.assertAlmostEqual((found == 0).float().mean().item(), two_tower.UNKNOWN, delta=0.005)
        self.assertTrue(((found == column) | (found == 0)).all())


class Measures(unittest.TestCase):
    def test_ranks_and_what_follows_from_them(self):
        ranks = evaluate.ranks(numpy.array([[0.1, 0.9, 0.5], [0.3, 0.3, 0.1]]), numpy.array([2, 0]))
        self.assertEqual(ranks.tolist(), [2, 2])
        self.assertEqual([evaluate.recall(ranks, k) for k in (1, 2)], [0.0, 1.0])
        self.assertAlmostEqual(evaluate.ndcg_of_one(numpy.array([1, 3, 11]), 10), (1 + 1 / 2) / 3)

    def test_ndcg_by_hand(self):
        # Gains 1, 0, 3 against the ideal 3, 1.
        got, ideal = 1 + 3 / math.log2(4), 3 + 1 / math.log2(3)
        self.assertAlmostEqual(evaluate.ndcg([0.9, 0.5, 0.1], [1, 0, 2]), got / ideal)
        self.assertEqual(evaluate.ndcg([1.0, 1.0], [1, 0]), 1 / math.log2(3))

    def test_auc_counts_pairs(self):
        chance = random.Random(5)
        scores, labels = [chance.randrange(20) for _ in range(300)], [chance.random() < 0.2 for _ in range(300)]
        pairs = [(a > b) + 0.5 * (a == b) for a, x in zip(scores, labels) if x for b, y in zip(scores, labels) if not y]
        self.assertAlmostEqual(evaluate.auc(scores, labels), sum(pairs) / len(pairs))

    def test_logloss_by_hand(self):
        self.assertAlmostEqual(evaluate.logloss([0.8, 0.4], [1, 0]), -(math.log(0.8) + math.log(0.6)) / 2)


if __name__ == "__main__":
    unittest.main()
