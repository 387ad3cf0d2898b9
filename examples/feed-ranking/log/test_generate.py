"""The shop is whole, the log is the same each time, and shoppers do what the README says that they do."""

import json
import unittest
from collections import Counter

import generate
import shopping
import users
from chance import Chance


class Log(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop, cls.items, cls.users, cls.sessions = generate.make()
        cls.by_id = {item.id: item for item in cls.items}
        cls.pages = [page for session in cls.sessions for page in session.pages]
        clicks = [session.clicks() for session in cls.sessions]
        cls.pairs = [(cls.by_id[a], cls.by_id[b]) for row in clicks for a, b in zip(row, row[1:])]

    def test_chance_is_splitmix64(self):
        # The published first outputs for the seed 1234567 (Vigna's splitmix64.c).
        chance = Chance("")
        chance.state = 1234567
        self.assertEqual([chance.bits() for _ in range(3)],
                         [6457827717110365317, 3203168211198807973, 9817491932198370423])

    def test_weights_are_drawn_by_their_share(self):
        chance = Chance("weights")
        drawn = Counter(chance.weighted([1, 0, 3]) for _ in range(4000))
        self.assertEqual(drawn[1], 0)
        self.assertAlmostEqual(drawn[2] / 4000, 0.75, delta=0.03)

    def test_a_session_depends_on_its_shopper_alone(self):
        few = generate.make(count=20)[3]
        of_few = [session for session in self.sessions if session.user <= "u0020"]
        self.assertEqual(few, of_few)
        self.assertGreater(len(few), 100)

    def test_committed_files_are_current(self):
        for path, text in generate.files(self.items, self.users):
            self.assertEqual(path.read_text(encoding="utf-8"), text, path.name)

    def test_committed_files_stay_small(self):
        sizes = [path.stat().st_size for path, _ in generate.files(self.items, self.users)]
        self.assertLess(sum(sizes), 1_500_000)

    def test_three_thousand_items_with_their_own_numbers_and_titles(self):
        rows = [item.row() for item in self.items]
        self.assertEqual([row["id"] for row in rows], list(range(1, 3001)))
        self.assertEqual(len({row["title"] for row in rows}), 3000)
        self.assertTrue(all(row["price"] > 0 and row["age_days"] > 0 for row in rows))

    def test_numbers_of_items_do_not_tell_their_shelf(self):
        same = sum(a.shelf is b.shelf for a, b in zip(self.items, self.items[1:]))
        self.assertLess(same, 150)

    def test_what_goes_with_a_shelf_is_another_shelf(self):
        names = {shelf.name for shelf in self.shop.shelves}
        self.assertEqual(len(names), len(self.shop.shelves))
        for shelf in self.shop.shelves:
            self.assertLessEqual(set(shelf.beside), names - {shelf.name}, shelf.name)

    def test_files_tell_no_taste(self):
        keys = [set(json.loads(line)) for path, _ in generate.files(self.items, self.users)
                for line in path.read_text(encoding="utf-8").splitlines()]
        self.assertLessEqual(set().union(*keys), {"id", "title", "category", "subcategory", "brand", "price", "age_days",
                                                  "popularity", "country", "device", "age"})

    def test_popularity_counts_the_first_part_alone(self):
        first = Counter(item for session in self.sessions if session.minute < generate.FIRST * 24 * 60 for item in session.clicks())
        self.assertEqual({item.id: item.popularity for item in self.items if item.popularity}, dict(first))
        self.assertLess(sum(first.values()), len(self.pairs))

    def test_a_page_shows_ten_items_once_and_nothing_clicked_before(self):
        for session in self.sessions:
            clicked = set()
            for page in session.pages:
                self.assertEqual(len(set(page.shown)), shopping.PAGE)
                self.assertFalse(clicked & set(page.shown))
                if page.clicked >= 0:
                    clicked.add(page.shown[page.clicked])
                self.assertTrue(page.clicked >= 0 or not page.bought)

    def test_the_top_of_a_page_is_clicked_oftener(self):
        places = Counter(page.clicked for page in self.pages)
        self.assertGreater(places[0], 1.3 * places[5])
        self.assertGreater(places[5], places[9])
        self.assertGreater(places[-1], 0.15 * len(self.pages))

    def test_a_click_makes_its_shelf_and_what_goes_with_it_likelier(self):
        n = len(self.pairs)
        self.assertGreater(sum(a.shelf is b.shelf for a, b in self.pairs) / n, 0.5)
        self.assertGreater(sum(b.shelf.name in a.shelf.beside for a, b in self.pairs) / n, 0.2)
        self.assertLess(sum(a.shelf.category == b.shelf.category for a, b in self.pairs) / n, 0.95)

    def test_clicks_on_a_shelf_keep_to_a_price_and_a_brand(self):
        same = [(a, b) for a, b in self.pairs if a.shelf is b.shelf]
        # Each click against the one a hundred later on the same shelf: the same items, in other sessions.
        by_shelf = {}
        for a, b in same:
            by_shelf.setdefault(a.shelf.name, []).append((a, b))
        near = far = brand = other = 0
        for pairs in by_shelf.values():
            for (a, b), (_, c) in zip(pairs, pairs[100:]):
                near, far = near + abs(a.level - b.level), far + abs(a.level - c.level)
                brand, other = brand + (a.brand == b.brand), other + (a.brand == c.brand)
        self.assertLess(near, 0.9 * far)
        self.assertGreater(brand, 1.3 * other)

    def test_shoppers_differ_in_what_they_like(self):
        taste = {user.id: user.taste for user in self.users}
        liked = drawn = 0.0
        for session in self.sessions:
            for item in session.clicks()[:1]:
                own = taste[session.user]
                liked += own[self.by_id[item].shelf.category]
                drawn += sum(own.values()) / len(own)
        self.assertGreater(liked, 1.4 * drawn)

    def test_an_age_group_begins_with_its_first_age(self):
        self.assertEqual([users.group(age) for age in (0, 1, 24, 25, 64, 65)], [0, 1, 1, 2, 5, 6])


if __name__ == "__main__":
    unittest.main()
