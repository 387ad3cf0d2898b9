"""Requests of the held-out part in files: golden ones with the scores that training gave, and the suites of `eval/` with labels."""

import json
import math
import random
from dataclasses import replace

import numpy

import data
import export
from scored import Request

SEED = 25
GOLDEN = 10
CANDIDATES = 30
"""Of a request of the towers' and SASRec's suites: the click that came and what sells."""
SUITES = {"two-tower": 50, "sasrec": 300, "ranker": 70, "re-ranker": 80}
"""Requests of each suite."""
UNKNOWN = {"country": "Atlantis", "last_item": 0, "brand": "No Such Brand", "category": "No Such Category", "item": None,
           "price_ratio": None}
"""Values that a request of `golden.jsonl` has instead of its own, as a service would give what it does not know."""


def plain(value):
    """As JSON has it: what is missing is null."""
    return None if isinstance(value, float) and math.isnan(value) else value


def row(features, request):
    """A request with the features of one model alone, as a service gives them before their rules."""
    def chosen(of, given):
        return {feature.name: plain(given[feature.name]) for feature in features if feature.of == of}

    return {"user": chosen("user", request.user), "session": chosen("session", {"session": request.session}),
            "candidates": [chosen("candidate", candidate) for candidate in request.candidates]}


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def shortest(score):
    """The fewest digits that give the f32 again."""
    return float(str(numpy.float32(score)))


def golden_requests(scorer, heldout):
    """No click yet, one, two, more than the models read; one candidate and a hundred; and one of which much is not known."""
    chance = random.Random(SEED)
    moments, counts = [], [10, 1, 2, 33, 10, 100, 7, 10, 10, 4]
    for fewest, most in [(0, 0), (1, 1), (2, 2), (3, 3), (5, 5), (9, 9), (17, 17), (30, 30), (data.MOST + 1, 99), (4, 4)]:
        moments.append(chance.choice([moment for moment in heldout if fewest <= len(moment.before) <= most]))
    shown = [chance.sample(range(1, len(scorer.facts)), count) for count in counts]
    requests = scorer.requests(moments, shown)
    last = requests[-1]
    candidates = [{**candidate, **{key: value for key, value in UNKNOWN.items() if key in candidate}}
                  for candidate in last.candidates[:2]] + last.candidates[2:]
    user = {**last.user, **{key: value for key, value in UNKNOWN.items() if key in last.user}}
    requests[-1] = replace(last, user=user, candidates=candidates, session=[0, *last.session[1:]])
    return requests


def golden(name, model, features, requests):
    rows = [row(features, request) for request in requests[:GOLDEN]]
    return lines({**row, "scores": [shortest(score) for score in export.run(model, name, features, row)]} for row in rows)


def golden_trees(features, requests, clicks, scores):
    """`golden.tsv`, as `docs/rank.md` has it: an empty field is missing."""
    def field(value):
        return "" if plain(value) is None else value if isinstance(value, str) else repr(value)

    text = ["\t".join([*(feature.name for feature in features), "score"])]
    for request, click, score in zip(requests, clicks, scores):
        for at, candidate in enumerate(request.candidates):
            known = {**request.user, **candidate, "click": click[at]}
            text.append("\t".join([*(field(known[feature.name]) for feature in features), repr(score[at])]))
    return "\n".join(text) + "\n"


def next_clicks(scorer, heldout, count):
    """Requests of which one candidate, anywhere, is the click that came; the others are clicked as often as they sell."""
    chance = random.Random(SEED + count)
    moments = chance.sample([moment for moment in heldout if moment.clicked >= 0], count)
    sells = [0, *(item["popularity"] + 1 for item in scorer.log.items[1:])]
    lists = []
    for moment in moments:
        right, shown = moment.shown[moment.clicked], []
        while len(shown) < CANDIDATES - 1:
            other = chance.choices(range(len(sells)), sells)[0]
            if other != right and other not in shown and other not in moment.before:
                shown.append(other)
        shown.insert(chance.randrange(CANDIDATES), right)
        lists.append(shown)
    found = scorer.requests(moments, lists)
    return [replace(request, grades=[int(item == moment.shown[moment.clicked]) for item in shown])
            for request, moment, shown in zip(found, moments, lists)]


def pages(requests, count, with_click=False):
    """Pages as they were shown."""
    kept = [at for at, request in enumerate(requests) if any(request.grades) or not with_click]
    return random.Random(SEED + count + with_click).sample(kept, count)


def suite(features, requests):
    return lines({**row(features, request), "labels": request.grades} for request in requests)


def with_clicks(requests, clicks):
    """Requests for the re-ranker, all of whose features are the candidate's."""
    return [Request(request.user, request.session, [{**request.user, **candidate, "click": click}
                                                    for candidate, click in zip(request.candidates, row)], request.grades)
            for request, row in zip(requests, clicks)]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def write_evaluation(folder, scorer, heldout, features, pages_, clicks):
    """The four suites."""
    for name in ("two-tower", "sasrec"):
        write(folder / f"{name}.jsonl", suite(features[name], next_clicks(scorer, heldout, SUITES[name])))
    chosen = pages(pages_, SUITES["ranker"])
    binary = [replace(pages_[at], grades=[int(grade > 0) for grade in pages_[at].grades]) for at in chosen]
    write(folder / "ranker.jsonl", suite(features["ranker"], binary))
    chosen = pages(pages_, SUITES["re-ranker"], with_click=True)
    found = with_clicks([pages_[at] for at in chosen], [clicks[at] for at in chosen])
    write(folder / "re-ranker.jsonl", suite(features["re-ranker"], found))
