"""ndcg@10 and mrr@10 over the whole catalogue: gain 2^grade - 1, discount log2(rank + 1), unlisted products 0."""

import math
from collections import defaultdict

import torch

DISCOUNT = [1 / math.log2(rank + 2) for rank in range(10)]


def ndcg(ranking, grades):
    gained = sum((2 ** grades.get(product, 0) - 1) * d for product, d in zip(ranking, DISCOUNT))
    ideal = sorted(grades.values(), reverse=True)[:10]
    return gained / sum((2 ** grade - 1) * d for grade, d in zip(ideal, DISCOUNT))


def mrr(ranking, grades, relevant=2):
    """One over the rank of the first relevant product among the first ten."""
    ranks = (rank for rank, product in enumerate(ranking[:10], 1) if grades.get(product, 0) >= relevant)
    return 1 / next(ranks, math.inf)


def reranked(rankings, scores):
    """Rankings whose first products are put in the order of their scores, of equal ones the first before."""
    return [[ranking[at] for at in sorted(range(len(own)), key=lambda at: (-own[at], at))] + ranking[len(own):]
            for ranking, own in zip(rankings, scores)]


def by_group(queries, grades, query_vectors, product_vectors):
    """Mean ndcg@10 of all queries, and of each language and kind: name → (mean, count)."""
    best = torch.topk(query_vectors @ product_vectors.T, 10, dim=1).indices.tolist()
    groups = defaultdict(list)
    for query, judged, ranking in zip(queries, grades, best):
        value = ndcg(ranking, judged)
        for name in ("all", f"lang {query['lang']}", f"kind {query['kind']}"):
            groups[name].append(value)
    return {name: (sum(values) / len(values), len(values)) for name, values in sorted(groups.items())}
