"""Both networks in PyTorch, eager, in f32 or with linear layers in dynamic int8: what a Flask service of such a model would run."""

import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from weights import DENSE, ITEMS, SESSION, SPARSE, TABLE_ROWS, WIDTH, Weights, dlrm_requests, sasrec_request


def linear(weights, n, k):
    return layer_of(*weights.linear(n, k))


def layer_of(w, bias):
    n, k = w.shape
    layer = nn.Linear(k, n)
    layer.weight.data, layer.bias.data = torch.from_numpy(w.copy()), torch.from_numpy(bias.copy())
    return layer


def table(weights, rows):
    return nn.Embedding.from_pretrained(torch.from_numpy(weights.table(rows)))


def norm(weights):
    layer = nn.LayerNorm(WIDTH, eps=1e-8)
    layer.bias.data = torch.from_numpy(weights.next((WIDTH,), 0.1).copy())
    return layer


class Dlrm(nn.Module):
    def __init__(self):
        super().__init__()
        weights = Weights()
        self.bottom = nn.ModuleList(linear(weights, n, k) for n, k in [(512, DENSE), (256, 512), (WIDTH, 256)])
        self.tables = nn.ModuleList(table(weights, TABLE_ROWS) for _ in range(SPARSE))
        pairs = [(i, j) for i in range(SPARSE + 1) for j in range(i)]
        self.rows, self.columns = (torch.tensor(side) for side in zip(*pairs))
        self.top = nn.ModuleList(linear(weights, n, k) for n, k in [(512, WIDTH + len(pairs)), (256, 512), (1, 256)])

    def forward(self, dense, ids):
        bottom = dense
        for layer in self.bottom:
            bottom = F.relu(layer(bottom))
        fields = torch.stack([bottom, *(of(ids[:, at]) for at, of in enumerate(self.tables))], dim=1)
        dots = torch.bmm(fields, fields.transpose(1, 2))
        top = torch.cat([bottom, dots[:, self.rows, self.columns]], dim=1)
        for layer in self.top[:-1]:
            top = F.relu(layer(top))
        return torch.sigmoid(self.top[-1](top))


class Sasrec(nn.Module):
    def __init__(self):
        super().__init__()
        weights = Weights()
        self.items, self.places = table(weights, ITEMS), table(weights, SESSION)
        self.blocks = nn.ModuleList()
        for block in range(2):
            before, qkv, out = norm(weights), layer_of(*weights.attention(block)), linear(weights, WIDTH, WIDTH)
            after, hidden, last = norm(weights), linear(weights, WIDTH, WIDTH), linear(weights, WIDTH, WIDTH)
            self.blocks.append(nn.ModuleList([before, qkv, out, after, hidden, last]))
        self.last = norm(weights)

    def forward(self, seen, items):
        x = self.items(seen) + self.places.weight
        for before, qkv, out, after, hidden, last in self.blocks:
            q, k, v = qkv(before(x)).unsqueeze(0).chunk(3, dim=-1)
            x = x + out(F.scaled_dot_product_attention(q, k, v, is_causal=True).squeeze(0))
            x = x + last(F.relu(hidden(after(x))))
        return self.items(items) @ self.last(x[-1])


class PyTorch:
    name = f"PyTorch {torch.__version__.split('+')[0]}"

    def __init__(self, model, precision):
        torch.set_num_threads(1)
        self.model, self.network = model, {"dlrm": Dlrm, "sasrec": Sasrec}[model]().eval()
        if precision == "int8":
            self.network = torch.ao.quantization.quantize_dynamic(self.network, {nn.Linear}, dtype=torch.qint8)

    def begin(self, batch, requests):
        if self.model == "dlrm":
            dense, ids = (torch.from_numpy(given) for given in dlrm_requests(requests, batch))
            self.feeds = list(zip(dense, ids))
        else:
            self.feeds = [tuple(torch.from_numpy(given) for given in sasrec_request())]
        self.at = 0

    def ask(self, runs):
        times = []
        with torch.inference_mode():
            for _ in range(runs):
                feed = self.feeds[self.at % len(self.feeds)]
                self.at += 1
                start = time.perf_counter_ns()
                scores = self.network(*feed)
                times.append((time.perf_counter_ns() - start) / 1000)
        return times, np.asarray(scores).ravel()
