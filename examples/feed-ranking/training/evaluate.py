"""The measures: of one candidate among many, and of lists with grades."""

import math

import numpy


def ranks(scores, right):
    """For each row of `scores[n, items]` the place of its column `right[n]`, from 1; of equal scores it has the last place."""
    own = numpy.take_along_axis(scores, right[:, None], 1)
    return (scores >= own).sum(1)


def recall(ranks, k):
    return float((ranks <= k).mean())


def ndcg_of_one(ranks, k):
    """Where one candidate alone is right."""
    return float(numpy.where(ranks <= k, 1 / numpy.log2(ranks + 1.0), 0.0).mean())


def order(scores):
    """Places of a list, the best first; of equal scores the last first, so that the order in which a page was shown earns nothing."""
    return sorted(range(len(scores)), key=lambda at: (-scores[at], -at))


def ndcg(scores, grades, k=10):
    """Gain 2^grade - 1."""
    def total(order):
        return math.fsum((2 ** grades[at] - 1) / math.log2(place + 2) for place, at in enumerate(order[:k]))
    best = total(sorted(range(len(grades)), key=lambda at: -grades[at]))
    return total(order(scores)) / best if best else 0.0


def auc(scores, labels):
    """The share of pairs of a click and none in which the click has the higher score, an equal one counting half."""
    scores, labels = numpy.asarray(scores, dtype=float), numpy.asarray(labels, dtype=bool)
    values, place, counts = numpy.unique(scores, return_inverse=True, return_counts=True)
    middle = numpy.cumsum(counts) - (counts - 1) / 2
    clicks = int(labels.sum())
    return float((middle[place][labels].sum() - clicks * (clicks + 1) / 2) / (clicks * (len(labels) - clicks)))


def logloss(probabilities, labels):
    p = numpy.clip(numpy.asarray(probabilities, dtype=float), 1e-7, 1 - 1e-7)
    return float(-numpy.where(labels, numpy.log(p), numpy.log(1 - p)).mean())
