"""Which features each model has, with the words and the scales that the catalogue gives them."""

import math

import facts
import users as shoppers
from features import Bucket, Category, Feature, Hash, Id, Number

AGES = (15, 60, 180, 365)
"""Days on sale: new, recent, and so on; an item of unknown age is new."""
USERS = Hash(2048, 20)


def scale(values, default=0.0):
    """The mean and the deviation of a column without its missing values, in six digits: what is written is what is computed with."""
    known = [value for value in values if not math.isnan(value)]
    mean = math.fsum(known) / len(known)
    std = math.sqrt(math.fsum((value - mean) ** 2 for value in known) / len(known))
    return Number(float(f"{mean:.6g}"), float(f"{std:.6g}"), default)


class Specification:
    """Words and scales of one catalogue."""

    def __init__(self, log):
        items = [facts.of_item(item) for item in log.items[1:]]
        self.item = Id(len(log.items))
        self.words = {key: sorted({item[key] for item in items}) for key in ("category", "subcategory", "brand")}
        self.words |= {key: sorted({user[key] for user in log.users}) for key in ("country", "device")}
        self.scales = {key: scale([item[key] for item in items]) for key in ("log_price", "log_popularity", "age_days")}

    def category(self, key):
        return Category(("", *self.words[key]))

    def two_tower(self):
        user = [Feature("user", "user", "user", USERS),
                Feature("country", "user", "user_country", self.category("country")),
                Feature("device", "user", "user_device", self.category("device")),
                Feature("age", "user", "user_age", Bucket(shoppers.GROUPS)),
                Feature("session", "session", "session", self.item)]
        candidate = [("item", "item", self.item), *((key, key, self.category(key)) for key in ("category", "subcategory", "brand")),
                     ("age_days", "age", Bucket(AGES)), ("log_price", "price", self.scales["log_price"]),
                     ("log_popularity", "popularity", self.scales["log_popularity"])]
        return user + [Feature(name, "candidate", column, rule) for name, column, rule in candidate]

    def sasrec(self):
        return [Feature("session", "session", "session", self.item), Feature("item", "candidate", "item", self.item)]

    def ranker(self, rows):
        """`rows` are candidates of its own training part: facts of the session and scores have no scale before them."""
        dense = [(key, "candidate", self.scales[key]) for key in ("log_price", "log_popularity", "age_days")]
        dense += [(key, "candidate", scale([row[key] for row in rows])) for key in DENSE_OF_ROWS]
        dense += [("clicks", "user", scale([row["clicks"] for row in rows]))]
        sparse = [("user", "user", USERS), ("country", "user", self.category("country")), ("device", "user", self.category("device")),
                  ("age", "user", Bucket(shoppers.GROUPS)), ("last_item", "user", self.item),
                  ("last_subcategory", "user", self.category("subcategory")),
                  *((key, "candidate", self.category(key)) for key in ("category", "subcategory", "brand")),
                  ("item", "candidate", self.item)]
        return [Feature(name, of, f"{kind}[{at}]", rule) for kind, columns in (("dense", dense), ("sparse", sparse))
                for at, (name, of, rule) in enumerate(columns)]

    def re_ranker(self):
        numbers = ("click", "sasrec_score", "two_tower_score", "price_ratio", "same_brand", "same_subcategory", "same_category",
                   "clicks", "price", "age_days", "popularity")
        words = Category(tuple(self.words["subcategory"]), known=True)
        return [Feature(name, "candidate", name, Number()) for name in numbers] + [
            Feature("subcategory", "candidate", "subcategory", words)]


DENSE_OF_ROWS = ("two_tower_score", "sasrec_score", "price_ratio", "same_brand", "same_subcategory", "same_category")
