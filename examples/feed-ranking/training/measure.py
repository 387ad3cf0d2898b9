"""How good each model is on the held-out part, beside an order by `popularity`, which needs no model."""

from statistics import mean

import numpy

import evaluate
from scored import grades


def flat(rows):
    return [value for row in rows for value in row]


def table(head, rows):
    """Markdown: figures in four digits."""
    lines = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    return "\n".join(lines + [f"| {' | '.join(cell if isinstance(cell, str) else f'{cell:.4f}' for cell in row)} |" for row in rows])


def retrieval(scorer, moments):
    """The click that came among all 3,000 items: ranks by popularity, by the towers, by SASRec."""
    moments = [moment for moment in moments if moment.clicked >= 0]
    right = numpy.array([moment.shown[moment.clicked] for moment in moments])
    popularity = numpy.array([item["popularity"] for item in scorer.log.items[1:]])
    sells = (popularity[None] >= popularity[right - 1][:, None]).sum(1)
    found = {"popularity": sells, "two-tower": [], "sasrec": []}
    for first in range(0, len(moments), 2048):
        part = moments[first:first + 2048]
        shoppers, goods, states, items = scorer.vectors(part)
        for name, vectors, of_items in (("two-tower", shoppers, goods), ("sasrec", states, items)):
            found[name].append(evaluate.ranks((vectors @ of_items[1:].t()).numpy(), right[first:first + 2048] - 1))
    return {name: rows if name == "popularity" else numpy.concatenate(rows) for name, rows in found.items()}


def retrieval_table(ranks):
    return table(("order by", "recall@100", "HR@10", "NDCG@10"),
                 [(name, evaluate.recall(of, 100), evaluate.recall(of, 10), evaluate.ndcg_of_one(of, 10))
                  for name, of in ranks.items()])


def clicks_by_popularity(learned, measured):
    """The share of clicks of the learned items in the same tenth of popularity."""
    known = numpy.array([row["popularity"] for request in learned for row in request.candidates])
    cuts = numpy.quantile(known, numpy.arange(1, 10) / 10)
    tenths, clicked = numpy.searchsorted(cuts, known, side="right"), grades(learned) > 0
    share = numpy.array([clicked[tenths == at].mean() if (tenths == at).any() else clicked.mean() for at in range(10)])
    values = numpy.array([row["popularity"] for request in measured for row in request.candidates])
    return share[numpy.searchsorted(cuts, values, side="right")]


def click_table(learned, measured, clicks):
    clicked = grades(measured) > 0
    rows = [("popularity (share of clicks in its tenth)", clicks_by_popularity(learned, measured)),
            ("ranker", numpy.array(flat(clicks)))]
    found = [(name, evaluate.auc(p, clicked), evaluate.logloss(p, clicked)) for name, p in rows]
    for name in ("two_tower_score", "sasrec_score"):
        scores = [row[name] for request in measured for row in request.candidates]
        found.insert(-1, (f"`{name}` alone", evaluate.auc(scores, clicked), "–"))
    return table(("probability by", "AUC", "logloss"), found)


def page_table(measured, clicks, scores):
    kept = [at for at, request in enumerate(measured) if any(request.grades)]
    orders = {name: [[row[name] for row in request.candidates] for request in measured]
              for name in ("popularity", "two_tower_score", "sasrec_score")} | {"ranker": clicks, "re-ranker": scores}
    return table(("order by", "ndcg@10"), [(name, mean(evaluate.ndcg(rows[at], measured[at].grades) for at in kept))
                                           for name, rows in orders.items()])
