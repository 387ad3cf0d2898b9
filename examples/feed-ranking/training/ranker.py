"""The ranker: DCN-v2, the probability of a click (Wang and others, "DCN V2: Improved Deep & Cross Network").

Crosses and a deep part side by side, over embeddings of the sparse columns and the dense ones.
"""

import torch
from torch import nn
from torch.nn import functional as F

from scored import columns_of, grades
from two_tower import hidden

SEED = 23
EPOCHS, BATCH, RATE = 3, 1024, 2e-3
CROSSES = 2
WIDTHS = {"country": 4, "device": 4, "age": 4, "category": 4}
SHARED = {"last_item": "item", "last_subcategory": "subcategory"}
"""Columns that read another's table."""


class Ranker(nn.Module):
    def __init__(self, dense, sparse):
        """`dense`: how many columns; `sparse`: name → how many values, in the order of the columns."""
        super().__init__()
        self.names = list(sparse)
        self.tables = nn.ModuleDict({name: nn.Embedding(size, WIDTHS.get(name, 8)) for name, size in sparse.items()
                                     if name not in SHARED})
        for table in self.tables.values():
            nn.init.normal_(table.weight, std=0.05)
        width = dense + sum(self.table(name).embedding_dim for name in self.names)
        self.crosses = nn.ModuleList(nn.Linear(width, width) for _ in range(CROSSES))
        self.deep = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.head = nn.Linear(width + 32, 1)

    def table(self, name):
        return self.tables[SHARED.get(name, name)]

    def logit(self, dense, sparse):
        first = torch.cat([dense, *(self.table(name)(sparse[:, at]) for at, name in enumerate(self.names))], 1)
        crossed = first
        for cross in self.crosses:
            crossed = first * cross(crossed) + crossed
        return self.head(torch.cat([crossed, self.deep(first)], 1))

    def forward(self, dense, sparse):
        """`click[batch, 1]` of `dense[batch, n]` and `sparse[batch, m]`."""
        return self.logit(dense, sparse).sigmoid()


def sizes(features):
    """What `Ranker` is made with."""
    dense = sum(feature.column.startswith("dense[") for feature in features)
    return dense, {feature.name: feature.rule.size for feature in features if feature.column.startswith("sparse[")}


def arrays(features, requests):
    return (torch.from_numpy(columns_of(features, requests, "dense", "float32")),
            torch.from_numpy(columns_of(features, requests, "sparse", "int64")))


def learn(features, requests, epochs=EPOCHS):
    """Every item of every page of the second part: was it clicked?"""
    torch.manual_seed(SEED)
    model = Ranker(*sizes(features))
    dense, sparse = arrays(features, requests)
    clicked = torch.from_numpy(grades(requests) > 0).float()[:, None]
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    steps = epochs * (len(clicked) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, RATE / 30)
    chance = torch.Generator().manual_seed(SEED)
    for epoch in range(1, epochs + 1):
        order, shown = torch.randperm(len(clicked), generator=chance), 0.0
        for first in range(0, len(order) - BATCH + 1, BATCH):
            batch = order[first:first + BATCH]
            logit = model.logit(dense[batch], *hidden([sparse[batch]], chance))
            loss = F.binary_cross_entropy_with_logits(logit, clicked[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            shown += loss.item()
        print(f"ranker epoch {epoch} loss {shown / (len(order) // BATCH):.4f}", flush=True)
    return model.eval()


@torch.no_grad()
def clicks(model, features, requests):
    """The probability of each candidate, request by request."""
    dense, sparse = arrays(features, requests)
    found = model(dense, sparse)[:, 0].tolist()
    cut, rows = 0, []
    for request in requests:
        rows.append(found[cut:cut + len(request.candidates)])
        cut += len(request.candidates)
    return rows
