"""Trains the query encoder: reads the catalogue and the training queries, writes `../models/query-encoder/`.

    python train.py                  the committed model
    python train.py --steps 50 --out /tmp/try      a quick look

A batch holds queries, for each one product that answers it best and one that answers it worse, and pieces of those
products' own titles. Every query is scored against every product of the batch; the target is the judgments' own
distribution over them. The held-out queries are read at the end alone, to measure.
"""

import argparse
import math
import random
import time
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer

import data
import evaluate
import export
import vocabulary
from model import CONFIG, Encoder, encode

SEED = 20
STEPS = 500
QUERIES, NEIGHBOURS, PIECES = 64, 32, 64
RATE = 2.5e-3
TEMPERATURE = 0.05
TARGET = {3: 1.0, 2: 0.15, 1: 0.03}


class Sampler:
    """Draws batches of texts; all its chance comes from one seeded generator."""

    def __init__(self, catalogue, split, chance):
        self.catalogue, self.split, self.chance = catalogue, split, chance
        self.leaf = {}
        for number, product in enumerate(catalogue):
            self.leaf.setdefault(product["category_en"], []).append(number)
        self.best, self.worse, by_leaf = [], [], {}
        for number, grades in enumerate(split.grades):
            top = max(grades.values())
            self.best.append([p for p, grade in grades.items() if grade == top])
            self.worse.append([p for p, grade in grades.items() if grade < top])
            by_leaf.setdefault(catalogue[self.best[-1][0]]["category_en"], []).append(number)
        self.shelves = list(by_leaf.values())
        self.queue = []

    def queries(self):
        """Query numbers: some in a shuffled round of all, some from one shelf, to be told apart."""
        if len(self.queue) < QUERIES:
            self.queue = list(range(len(self.split.queries)))
            self.chance.shuffle(self.queue)
        drawn = [self.queue.pop() for _ in range(QUERIES)]
        shelf = self.chance.choice(self.shelves)
        return drawn + self.chance.sample(shelf, min(NEIGHBOURS, len(shelf)))

    def misspelt(self, text):
        """One time in five, one slip of the finger in a Latin word."""
        words = text.split(" ")
        at = self.chance.randrange(len(words))
        word = words[at]
        if len(word) > 4 and word.isascii() and word.isalpha() and self.chance.random() < 0.2:
            cut = self.chance.randrange(1, len(word) - 1)
            words[at] = self.chance.choice([word[:cut] + word[cut + 1:], word[:cut] + word[cut] + word[cut:],
                                            word[:cut] + word[cut + 1] + word[cut] + word[cut + 2:]])
        return " ".join(words)

    def product_text(self, number):
        """Both titles, or one of them, so that each language carries the product alone too."""
        product, fate = self.catalogue[number], self.chance.random()
        if fate < 0.7:
            return data.text_of(product)
        return product["title_en" if fate < 0.85 else "title_zh"]

    def piece(self, number):
        """A few words of the English title, or a few neighbouring characters of the Chinese one."""
        product = self.catalogue[number]
        if self.chance.random() < 0.5:
            words = product["title_en"].replace(",", "").lower().split(" ")
            kept = sorted(self.chance.sample(range(len(words)), min(len(words), self.chance.randrange(2, 6))))
            return " ".join(words[at] for at in kept)
        title = product["title_zh"]
        size = self.chance.randrange(4, 13)
        start = self.chance.randrange(max(1, len(title) - size + 1))
        return title[start:start + size]

    def batch(self):
        """Texts of queries, numbers and texts of products, and `target[query, product]`."""
        asked = self.queries()
        shown = {}
        for number in asked:
            shown.setdefault(self.chance.choice(self.best[number]))
            worse = self.worse[number] if self.worse[number] and self.chance.random() < 0.7 else \
                self.leaf[self.catalogue[self.best[number][0]]["category_en"]]
            shown.setdefault(self.chance.choice(worse))
        products = list(shown)
        texts = [self.misspelt(self.split.queries[number]["text"]) for number in asked]
        target = [[TARGET.get(self.split.grades[number].get(p), 0.0) for p in products] for number in asked]
        for at in self.chance.sample(range(len(products)), min(PIECES, len(products))):
            texts.append(self.piece(products[at]))
            target.append([float(other == at) for other in range(len(products))])
        target = torch.tensor(target)
        return texts, [self.product_text(p) for p in products], target / target.sum(1, keepdim=True)


def ids_of(tokenizer, texts, chance=None, unknown=1):
    """Token ids of each text, at most 64; with `chance`, one piece in fifty is made unknown, and one text in ten is led by
    one to three pieces that mean nothing there, as words that training never shows will."""
    found = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    if chance:
        found = [[unknown if 1 < i < len(ids) - 1 and chance.random() < 0.02 else token
                  for i, token in enumerate(ids)] for ids in found]
        size = tokenizer.get_vocab_size()
        found = [ids[:1] + [chance.randrange(unknown, size) for _ in range(chance.randrange(1, 4))] + ids[1:]
                 if len(ids) < 60 and chance.random() < 0.1 else ids for ids in found]
    return found


def rate(step, steps):
    """Warm-up over a twentieth, then a cosine to zero."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def learn(model, tokenizer, catalogue, split, steps):
    chance = random.Random(SEED)
    sampler = Sampler(catalogue, split, chance)
    matrices = [p for p in model.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if p.dim() == 1]
    optimiser = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}],
                                  lr=RATE, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step, steps))
    started, shown = time.time(), 0.0
    for step in range(1, steps + 1):
        queries, products, target = sampler.batch()
        vectors = encode(model, ids_of(tokenizer, queries + products, chance))
        scores = vectors[:len(queries)] @ vectors[len(queries):].T / TEMPERATURE
        loss = -(target * scores.log_softmax(1)).sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        shown += loss.item()
        if step % 50 == 0:
            print(f"step {step:5} loss {shown / 50:.4f} {time.time() - started:6.0f} s", flush=True)
            shown = 0.0


def measure(model, tokenizer, catalogue):
    """ndcg@10 of both splits over the whole catalogue."""
    model.eval()
    with torch.no_grad():
        products = encode(model, ids_of(tokenizer, [data.text_of(product) for product in catalogue]))
        found = {}
        for name in ("heldout", "train"):
            split = data.split(name, catalogue)
            queries = encode(model, ids_of(tokenizer, [query["text"] for query in split.queries]))
            found[name] = evaluate.by_group(split.queries, split.grades, queries, products)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--out", type=Path, default=data.MODEL)
    options = parser.parse_args()
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    catalogue = data.products()
    split = data.split("train", catalogue)
    texts = [product[key] for product in catalogue for key in ("title_en", "title_zh", "category_en", "category_zh")]
    tokens = vocabulary.train(texts + [query["text"] for query in split.queries], 8000)
    tokenizer = BertWordPieceTokenizer(vocab={token: number for number, token in enumerate(tokens)}, lowercase=True)
    tokenizer.enable_truncation(CONFIG["max_position_embeddings"])
    config = {**CONFIG, "vocab_size": len(tokens)}
    model = Encoder(config)
    learn(model, tokenizer, catalogue, split, options.steps)
    found = measure(model, tokenizer, catalogue)
    for name, groups in found.items():
        for group, (value, count) in groups.items():
            print(f"{name:8} {group:18} ndcg@10 {value:.4f}  ({count} queries)")
    export.write(options.out, model, config, tokens, tokenizer, catalogue, found, options.steps)


if __name__ == "__main__":
    main()
