"""Trains the four models of the feed, one after the other, and writes `../models/` and `../eval/`.

    python train.py                        the committed files
    python train.py --quick --out /tmp/try      one epoch of each, elsewhere

One thread, seeded, deterministic algorithms: the same bytes each time on one machine and one build of the libraries.
"""

import argparse
import time
from pathlib import Path

import torch

import data
import export
import features
import measure
import ranker
import re_ranker
import sasrec
import suites
import two_tower
from scored import Scorer
from specification import Specification

HEADS = {
    "two-tower": "# What the service gives: facts of the shopper, the session's last 50 items (`[0]` before the first click), and the\n"
                 "# candidates. 0 is what is not known, in every table.\n",
    "sasrec": "# What the service gives: the session's last 50 items (`[0]` before the first click), and the candidates' items.\n",
    "ranker": "# What the service gives: facts of the shopper and of the session, once a request, and of each candidate, with the scores of\n"
              "# both models before. 0 is what is not known, in every table.\n",
    "re-ranker": "# What the service gives for each candidate: the scores of the three models before, and how it fits the session.\n",
}


def write_network(folder, name, model, of, requests):
    folder.mkdir(parents=True, exist_ok=True)
    export.onnx(name, model, folder / "model.onnx")
    suites.write(folder / "features.toml", features.toml(HEADS[name], of))
    suites.write(folder / "golden.jsonl", suites.golden(name, model, of, requests))


def write_trees(folder, booster, of, requests, clicks):
    folder.mkdir(parents=True, exist_ok=True)
    suites.write(folder / "model.txt", booster.model_to_string())
    suites.write(folder / "features.toml", features.toml(HEADS["re-ranker"], of, trees=True))
    scores = re_ranker.scores(booster, of, requests, clicks)
    suites.write(folder / "golden.tsv", suites.golden_trees(of, requests, clicks, scores))


def write_cards(folder, values):
    """Each card with what was measured."""
    for name in HEADS:
        text = (Path(__file__).parent / "cards" / f"{name}.md").read_text(encoding="utf-8")
        for key, value in values.items():
            text = text.replace("{" + key + "}", value)
        suites.write(folder / name / "README.md", text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one epoch and ten trees, to see that it runs")
    parser.add_argument("--out", type=Path, default=data.FEED)
    options = parser.parse_args()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    started = time.time()

    def said(what):
        print(f"{time.time() - started:6.0f} s  {what}", flush=True)

    def epochs(module):
        return 1 if options.quick else module.EPOCHS

    log = data.read()
    specification = Specification(log)
    of = {"two-tower": specification.two_tower(), "sasrec": specification.sasrec(), "re-ranker": specification.re_ranker()}
    columns = two_tower.Columns(log, of["two-tower"])
    said(f"{len(log.sessions)} sessions")
    towers = two_tower.learn(log, columns, epochs(two_tower))
    sequence = sasrec.learn(log, epochs(sasrec))
    said("two-tower and sasrec have learned")
    scorer = Scorer(log, columns, towers, sequence)
    second, third = (scorer.requests(log.moments(name)) for name in ("second", "third"))
    of["ranker"] = specification.ranker([{**request.user, **row} for request in second for row in request.candidates])
    clicker = ranker.learn(of["ranker"], second, epochs(ranker))
    said("ranker has learned")
    trees = 10 if options.quick else re_ranker.TREES
    booster = re_ranker.learn(of["re-ranker"], third, ranker.clicks(clicker, of["ranker"], third), trees)
    said("re-ranker has learned")

    moments = log.moments("heldout")
    heldout = scorer.requests(moments)
    clicks = ranker.clicks(clicker, of["ranker"], heldout)
    scores = re_ranker.scores(booster, of["re-ranker"], heldout, clicks)
    ranks = measure.retrieval(scorer, moments)
    values = {"retrieval": measure.retrieval_table(ranks), "clicks": measure.click_table(second, heldout, clicks),
              "pages": measure.page_table(heldout, clicks, scores), "heldout_clicks": f"{len(ranks['popularity']):,}",
              "heldout_pages": f"{len(heldout):,}",
              "heldout_pages_clicked": f"{sum(any(request.grades) for request in heldout):,}"}
    values |= {f"parameters {name}": f"{sum(p.numel() for p in model.parameters()):,}"
               for name, model in (("two-tower", towers), ("sasrec", sequence), ("ranker", clicker))}
    for key in ("retrieval", "clicks", "pages"):
        print(values[key])

    models = options.out / "models"
    requests = suites.golden_requests(scorer, moments)
    for name, model in (("two-tower", towers), ("sasrec", sequence), ("ranker", clicker)):
        write_network(models / name, name, model, of[name], requests)
    write_trees(models / "re-ranker", booster, of["re-ranker"], requests, ranker.clicks(clicker, of["ranker"], requests))
    write_cards(models, values)
    suites.write_evaluation(options.out / "eval", scorer, moments, of, heldout, clicks)
    said("written")


if __name__ == "__main__":
    main()
