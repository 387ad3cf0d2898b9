"""What the service knows of a request, by the names of the features; `features.py` says what the models see of it."""

import math
from collections import Counter


def of_user(user):
    return {"user": user["id"], "country": user["country"], "device": user["device"], "age": user["age"]}


def of_item(item):
    return {"item": item["id"], "category": item["category"], "subcategory": item["subcategory"], "brand": item["brand"],
            "price": item["price"], "log_price": math.log(item["price"]), "age_days": item["age_days"],
            "popularity": item["popularity"], "log_popularity": math.log(1 + item["popularity"])}


class Seen:
    """What was clicked in a session, as its candidates are held against it."""

    def __init__(self, clicked):
        self.clicked = clicked
        self.counts = {key: Counter(item[key] for item in clicked) for key in ("brand", "subcategory", "category")}
        prices = [item["price"] for item in clicked]
        # One after the other, as a service adds them.
        total = 0.0
        for price in prices:
            total += price
        self.price = total / len(prices) if prices else math.nan

    def of_session(self):
        """One value a request."""
        last = self.clicked[-1] if self.clicked else {"id": 0, "subcategory": ""}
        return {"clicks": len(self.clicked), "last_item": last["id"], "last_subcategory": last["subcategory"]}

    def of_candidate(self, item):
        """`price_ratio` is the logarithm of the item's price over the mean of the session's, missing before the first click."""
        same = {f"same_{key}": counts[item[key]] for key, counts in self.counts.items()}
        return {"price_ratio": math.log(item["price"] / self.price) if self.clicked else math.nan, **same}
