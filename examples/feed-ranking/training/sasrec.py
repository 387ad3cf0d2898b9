"""SASRec: attention over the session's clicks says what comes next (Kang and McAuley, "Self-Attentive Sequential Recommendation")."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from data import MOST, recent
from two_tower import hidden, padded

SEED = 22
EPOCHS, BATCH, RATE = 16, 128, 1.5e-3
WIDTH, HEADS, BLOCKS, INNER = 64, 2, 2, 128
DROPOUT = 0.2


class Block(nn.Module):
    """Attention to the clicks up to each, then a layer over each by itself; what goes in is normalized, what comes out is added."""

    def __init__(self):
        super().__init__()
        self.attention_norm, self.inner_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.inner, self.outer = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.dropout = nn.Dropout(DROPOUT)

    def heads(self, x):
        return x.view(x.shape[0], x.shape[1], HEADS, WIDTH // HEADS).transpose(1, 2)

    def attend(self, x):
        query, key, value = self.heads(self.query(x)), self.heads(self.key(x)), self.heads(self.value(x))
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        scores = (query @ key.transpose(2, 3) / math.sqrt(WIDTH // HEADS)).masked_fill(later, -math.inf)
        mixed = self.dropout(scores.softmax(3)) @ value
        return self.out(mixed.transpose(1, 2).reshape(x.shape))

    def forward(self, x):
        x = x + self.dropout(self.attend(self.attention_norm(x)))
        return x + self.dropout(self.outer(self.dropout(self.inner(self.inner_norm(x)).relu())))


class SasRec(nn.Module):
    def __init__(self, items):
        super().__init__()
        self.item, self.position = nn.Embedding(items, WIDTH), nn.Embedding(MOST, WIDTH)
        nn.init.normal_(self.item.weight, std=0.06)
        nn.init.normal_(self.position.weight, std=0.06)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.norm, self.dropout = nn.LayerNorm(WIDTH), nn.Dropout(DROPOUT)

    def states(self, session):
        """`[n, length, 64]` of `session[n, length]`: each click's knows of those before it. What fills a row up behind changes none."""
        x = self.item(session) * math.sqrt(WIDTH) + self.position.weight[:session.shape[1]]
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def forward(self, session, item):
        """`score[candidates]` of `session[1, length]` and `item[candidates]`."""
        return (self.item(item) @ self.states(session)[:, -1].t()).squeeze(1)


def rows_of(sessions):
    """What training reads and what comes next: a session in pieces of `MOST`, led by the item that is not known where it begins."""
    found = []
    for clicks in sessions:
        if clicks:
            found.append(([0], clicks[:1]))
        for first in range(0, len(clicks) - 1, MOST):
            found.append((clicks[first:first + MOST][:len(clicks) - 1 - first], clicks[first + 1:first + 1 + MOST]))
    return found


def batches(rows, chance):
    """Rows of about one length together, the batches in the order of chance."""
    order = torch.randperm(len(rows), generator=chance).tolist()
    order.sort(key=lambda at: len(rows[at][0]))
    parts, part, cells = [], [], 0
    for at in order:
        part.append(rows[at])
        cells += len(rows[at][0])
        if cells >= BATCH * 6:
            parts.append(part)
            part, cells = [], 0
    if part:
        parts.append(part)
    return [parts[at] for at in torch.randperm(len(parts), generator=chance).tolist()]


def learn(log, epochs=EPOCHS):
    """Every click of the first part against all items."""
    torch.manual_seed(SEED)
    model = SasRec(len(log.items)).train()
    chance = torch.Generator().manual_seed(SEED)
    rows = rows_of([session.clicks for session in log.part("first")])
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.01)
    steps = epochs * len(batches(rows, torch.Generator().manual_seed(SEED)))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps + epochs, pct_start=0.1)
    for epoch in range(1, epochs + 1):
        shown, count = 0.0, 0
        for batch in batches(rows, chance):
            sessions, lengths = padded([read for read, _ in batch])
            targets, _ = padded([target for _, target in batch])
            inside = torch.arange(sessions.shape[1])[None] < lengths[:, None]
            states = model.states(*hidden([sessions], chance))[inside]
            loss = F.cross_entropy(states @ model.item.weight.t(), targets[inside])
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            shown, count = shown + loss.item(), count + 1
        print(f"sasrec epoch {epoch} loss {shown / count:.4f}", flush=True)
    return model.eval()


@torch.no_grad()
def vectors(model, sessions):
    """The last state of each session."""
    found = torch.empty(len(sessions), WIDTH)
    rows = [recent(session) for session in sessions]
    order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
    for first in range(0, len(order), 512):
        part = order[first:first + 512]
        read, lengths = padded([rows[at] for at in part])
        found[part] = model.states(read)[torch.arange(len(part)), lengths - 1]
    return found
