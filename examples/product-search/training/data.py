"""The catalogue, the queries and their judgments, as training and evaluation read them."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

SHOP = Path(__file__).resolve().parent.parent
MODEL = SHOP / "models" / "query-encoder"
RANKER = SHOP / "models" / "re-ranker"
FIRST = 20
"""How many of the encoder's first products are re-ranked, in the service as here."""


@dataclass
class Split:
    queries: list
    """Rows of `queries.*.jsonl`."""
    grades: list
    """For each query, product number → grade."""


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def products():
    return rows(SHOP / "catalogue" / "products.jsonl")


def text_of(product):
    """The one text that a product is found by: both its titles."""
    return f"{product['title_en']} {product['title_zh']}"


def split(name, catalogue):
    number = {product["id"]: at for at, product in enumerate(catalogue)}
    queries = rows(SHOP / "eval" / f"queries.{name}.jsonl")
    place = {query["id"]: at for at, query in enumerate(queries)}
    grades = [{} for _ in queries]
    for line in (SHOP / "eval" / f"judgments.{name}.tsv").read_text(encoding="utf-8").splitlines():
        query, product, grade = line.split("\t")
        grades[place[query]][number[product]] = int(grade)
    return Split(queries, grades)


def more(catalogue, rounds):
    """The training split, and with it further queries that the catalogue's generator makes by the same rules."""
    sys.path.insert(0, str(SHOP / "catalogue"))
    import products as goods
    import queries
    import shopfile

    shop = shopfile.read(SHOP / "catalogue" / "shop")
    number = {product["id"]: at for at, product in enumerate(catalogue)}
    whole = split("train", catalogue)
    for query in queries.more(shop, goods.make(shop), rounds):
        whole.queries.append(query.row())
        whole.grades.append({number[product]: grade for product, grade in query.grades.items()})
    return whole
