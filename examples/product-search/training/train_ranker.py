"""Trains the re-ranker: reads the catalogue, the training queries and the committed query encoder, writes `../models/re-ranker/`.

    python train_ranker.py                  the committed model
    python train_ranker.py --steps 50 --out /tmp/try      a quick look

A batch holds queries, and for each one a short list of products: one that answers it best, and others that the encoder
finds among its first ones, for those are what a re-ranker is shown. Early in training most of a list is chance's, so that the
first things to learn are easy. Pieces of titles are queries, too: what holds all their words is what they ask for.

Three losses: the judgments' distribution over each list; each product's relevance by itself, so that scores of different
queries mean the same; and, less and less, whether each token of the pair stands in its other text as well, by a probe on the
first layer that is thrown away. The held-out queries are read at the end alone, to measure.
"""

import argparse
import math
import random
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

import data
import export_ranker
import train
from evaluate import reranked
from first import First
from ranker import PAIRS, Ranker, pair, score

SEED = 20
ROUNDS = 3
STEPS = 1500
QUERIES, PIECES, LIST = 10, 3, 6
DEPTH = 50
RATE = 1.5e-3
GAIN = {3: 1.0, 2: 0.15, 1: 0.03}
RELEVANCE = {3: 0.95, 2: 0.5, 1: 0.2, 0: 0.02}
ALONE, PROBE = 0.5, 1.0


class Lists(train.Sampler):
    """Draws queries with their lists; all its chance comes from one seeded generator."""

    def __init__(self, catalogue, split, chance, first):
        super().__init__(catalogue, split, chance)
        self.first = first
        self.found = first.of([query["text"] for query in split.queries], DEPTH)
        self.titles = [data.text_of(product).lower() for product in catalogue]

    def numbers(self):
        """Query numbers in shuffled rounds of all."""
        if len(self.queue) < QUERIES:
            self.queue = list(range(len(self.split.queries)))
            self.chance.shuffle(self.queue)
        return [self.queue.pop() for _ in range(QUERIES)]

    def filled(self, chosen, found, shelf, hard):
        """Chosen products and others: of those found, the first ones oftener; of the same shelf; of the shop."""
        chosen = dict.fromkeys(chosen)
        while len(chosen) < LIST:
            if self.chance.random() < hard:
                chosen.setdefault(found[int(self.chance.random() ** 1.5 * DEPTH)])
            elif self.chance.random() < 0.5:
                chosen.setdefault(self.chance.choice(shelf))
            else:
                chosen.setdefault(self.chance.randrange(len(self.catalogue)))
        return list(chosen)

    def judged(self, number, hard):
        """A query's list with its grades."""
        grades, chosen = self.split.grades[number], [self.chance.choice(self.best[number])]
        if self.worse[number] and self.chance.random() < hard:
            chosen.append(self.chance.choice(self.worse[number]))
        shelf = self.leaf[self.catalogue[chosen[0]]["category_en"]]
        products = self.filled(chosen, self.found[number], shelf, hard)
        return products, [grades.get(product, 0) for product in products]

    def batch(self, hard):
        """Texts of queries; of each the numbers of its products, and their grades. Pieces of titles stand last."""
        asked = self.numbers()
        texts = [self.misspelt(self.split.queries[number]["text"]) for number in asked]
        lists = [self.judged(number, hard) for number in asked]
        sources = [self.chance.randrange(len(self.catalogue)) for _ in range(PIECES)]
        pieces = [self.piece(source) for source in sources]
        for source, piece, found in zip(sources, pieces, self.first.of(pieces, DEPTH)):
            products = self.filled([source], found, self.leaf[self.catalogue[source]["category_en"]], hard)
            words = piece.lower().split(" ")
            grades = [3 if all(word in self.titles[product] for word in words) else 0 for product in products]
            lists.append((products, grades))
        return texts + pieces, lists


def noisy(ids, chance, size, unknown=1):
    """One token in fifty made unknown, and one text in ten led by up to three that mean nothing there."""
    ids = [unknown if chance.random() < 0.02 else token for token in ids]
    if chance.random() < 0.1:
        ids = [chance.randrange(5, size) for _ in range(chance.randrange(1, 4))] + ids
    return ids


def both(ids, types):
    """Which tokens are words, and which of them stand in the other text of their pair as well."""
    same = (ids[:, :, None] == ids[:, None, :]) & (types[:, :, None] != types[:, None, :]) & (ids[:, None, :] != 0)
    return ids > 4, same.any(2)


def probed(probe, groups):
    """How badly the first layer tells which tokens stand in both texts."""
    lost, count = 0.0, 0
    for ids, types, early in groups:
        words, same = both(ids, types)
        lost = lost + F.binary_cross_entropy_with_logits(probe(early)[:, :, 0][words], same[words].float(), reduction="sum")
        count += int(words.sum())
    return lost / count


def learn(model, catalogue, split, first, steps):
    chance = random.Random(SEED)
    lists = Lists(catalogue, split, chance, first)
    documents = first.ids([data.text_of(product) for product in catalogue])
    size = first.tokenizer.get_vocab_size()
    probe = nn.Linear(PAIRS["hidden_size"], 1)
    parameters = [*model.parameters(), *probe.parameters()]
    matrices = [p for p in parameters if p.dim() == 2]
    others = [p for p in parameters if p.dim() == 1]
    optimiser = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}],
                                  lr=RATE, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: train.rate(step, steps))
    shown, hits = 0.0, 0.0
    for step in range(1, steps + 1):
        texts, shortlists = lists.batch(hard=0.85 * min(1.0, step / (0.3 * steps)))
        queries = [noisy(ids, chance, size) for ids in first.ids(texts)]
        logits, groups = score(model, [pair(query, documents[product])
                                       for query, (products, _) in zip(queries, shortlists) for product in products])
        logits = logits.view(len(texts), LIST)
        target = torch.tensor([[GAIN.get(grade, 0.0) for grade in grades] for _, grades in shortlists])
        target = target / target.sum(1, keepdim=True)
        relevance = torch.tensor([[RELEVANCE[grade] for grade in grades] for _, grades in shortlists[:QUERIES]])
        loss = (-(target * logits.log_softmax(1)).sum(1).mean()
                + ALONE * F.binary_cross_entropy_with_logits(logits[:QUERIES], relevance)
                + PROBE * (1 - step / steps) * probed(probe, groups))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        shown += loss.item()
        hits += (target.gather(1, logits.argmax(1, keepdim=True))[:, 0] == target.max(1).values).float().mean().item()
        if step % 50 == 0:
            print(f"step {step:5} loss {shown / 50:.4f} best first {hits / 50:.3f} {time.process_time():6.0f} s", flush=True)
            shown, hits = 0.0, 0.0


@torch.no_grad()
def measure(model, catalogue, first, count):
    """The held-out queries, and the orders of the encoder's first products by it, by the re-ranker, and by both of their logits."""
    model.eval()
    split = data.split("heldout", catalogue)
    texts = [query["text"] for query in split.queries]
    documents = first.ids([data.text_of(product) for product in catalogue])
    cosines, found = first.nearest(texts, count)
    logits, _ = score(model, [pair(query, documents[product])
                              for query, products in zip(first.ids(texts), found.tolist()) for product in products])
    logits, found = logits.view(len(texts), count), found.tolist()
    return split, {"encoder": found, "re-ranker": reranked(found, logits.tolist()),
                   "both": reranked(found, (logits + cosines / train.TEMPERATURE).tolist())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--out", type=Path, default=data.RANKER)
    options = parser.parse_args()
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    catalogue = data.products()
    first = First(catalogue)
    config = {**PAIRS, "vocab_size": first.tokenizer.get_vocab_size()}
    model = Ranker(config)
    model.begin(first.encoder)
    learn(model, catalogue, data.more(catalogue, ROUNDS), first, options.steps)
    # As the folder has it.
    model.half().float()
    measured = measure(model, catalogue, first, data.FIRST)
    export_ranker.write(options.out, model, config, first, catalogue, measured, options.steps)


if __name__ == "__main__":
    main()
