"""The catalogue looks like a shop's, the queries are answerable, and nothing held out is in training."""

import json
import unittest
from collections import Counter
from pathlib import Path

import generate
import products
import queries
import shopfile
from chance import Chance


class Catalogue(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shopfile.read(generate.HERE / "shop")
        cls.products = products.make(cls.shop)
        cls.queries = queries.make(cls.shop, cls.products)
        cls.by_text = {query.text: query for query in cls.queries}

    def test_chance_is_splitmix64(self):
        # The published first outputs for the seed 1234567 (Vigna's splitmix64.c).
        chance = Chance("")
        chance.state = 1234567
        self.assertEqual([chance.bits() for _ in range(3)],
                         [6457827717110365317, 3203168211198807973, 9817491932198370423])

    def test_two_runs_make_the_same_bytes(self):
        self.assertEqual(list(generate.files()), list(generate.files()))

    def test_committed_files_are_current(self):
        for path, text in generate.files():
            self.assertEqual(path.read_text(encoding="utf-8"), text, path.name)

    def test_five_thousand_products_with_their_own_ids_and_titles(self):
        rows = [product.row() for product in self.products]
        self.assertEqual(len(rows), 5000)
        for key in ("id", "title_en", "title_zh"):
            self.assertEqual(len({row[key] for row in rows}), 5000, key)

    def test_titles_are_in_their_language_and_of_a_title_s_length(self):
        for product in self.products:
            self.assertFalse(any("\u4e00" <= c <= "\u9fff" for c in product.title_en), product.title_en)
            self.assertTrue(any("\u4e00" <= c <= "\u9fff" for c in product.title_zh), product.title_zh)
            self.assertLessEqual(len(product.title_en), 120)
            self.assertLessEqual(len(product.title_zh), 70)
            for text in (product.title_en, product.title_zh):
                self.assertEqual(text, " ".join(text.split()))

    def test_prices_end_as_a_shop_s_do(self):
        endings = Counter(product.price.split(".")[1] for product in self.products)
        self.assertLessEqual(set(endings), {"99", "95", "49", "79", "90", "00"})
        self.assertEqual(endings.most_common(1)[0][0], "99")

    def test_every_type_has_names_in_both_languages_and_known_neighbours(self):
        for type_ in self.shop.types.values():
            for lang in ("en", "zh"):
                self.assertTrue(type_.nouns(lang), type_.key)
            if type_.kinds:
                self.assertEqual(len(type_.nouns("en")), len(type_.nouns("zh")), type_.key)
            for other in type_.like:
                self.assertIn(other, self.shop.types, type_.key)

    def test_phones_answer_phone_and_cases_do_not(self):
        types = {product.id: product.type for product in self.products}
        best = {types[p] for p, grade in self.by_text["手机"].grades.items() if grade == 3}
        self.assertEqual(best, {"smartphone"})

    def test_grades_count_what_was_met(self):
        type_ = next(t for t in self.shop.types.values() if t.key == "running-shoes")
        maker = queries.Maker(self.shop, self.products)
        grades = maker.grade(queries.Need(("Running Shoes",), ("mens", "black")))
        for product in maker.by_type[type_.key]:
            met = ("mens" in product.attributes) + ("black" in product.attributes)
            self.assertEqual(grades[product.id], {2: 3, 1: 2, 0: 1}[met], product.title_en)

    def test_a_third_is_held_out_and_shares_no_text_with_training(self):
        heldout = [query for query in self.queries if query.heldout]
        self.assertAlmostEqual(len(heldout) / len(self.queries), 1 / 3, delta=0.03)
        train = {products.plain(query.text) for query in self.queries if not query.heldout}
        self.assertFalse(train & {products.plain(query.text) for query in heldout})

    def test_unseen_words_are_in_no_training_query(self):
        train = "\n".join(products.plain(query.text) for query in self.queries if not query.heldout)
        unseen = [query for query in self.queries if query.kind == "unseen-word"]
        self.assertGreater(len(unseen), 100)
        for query in unseen:
            self.assertTrue(query.heldout and query.name not in train, query.text)

    def test_every_query_has_a_good_answer_among_the_products(self):
        known = {product.id for product in self.products}
        for query in self.queries:
            self.assertLessEqual(set(query.grades), known)
            self.assertGreaterEqual(max(query.grades.values()), 2, query.text)
            self.assertLessEqual(set(query.grades.values()), {1, 2, 3})

    def test_files_stay_small(self):
        for path, text in generate.files():
            self.assertLess(len(text.encode("utf-8")), 2_000_000, path.name)

    def test_rows_are_json_with_a_price_above_zero(self):
        for line in Path(generate.HERE / "products.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            self.assertGreater(row["price"], 0)
            self.assertEqual(row["currency"], "USD")


if __name__ == "__main__":
    unittest.main()
