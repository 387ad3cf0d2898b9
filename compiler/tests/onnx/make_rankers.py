"""Exports small recommenders to ONNX, by both of PyTorch's exporters, into ../data/onnx/rankers.

    python -m venv .venv && .venv/bin/pip install torch transformers onnx onnxscript
    .venv/bin/python make_rankers.py

The weights are seeded and not trained. Written with torch 2.9 and onnx 1.23. Each model is of the shape that its paper gives it; three ways
of export are met: all inputs of one batch, a user beside candidates, and candidates along the second axis.
"""

import json
import pathlib
import tempfile

import onnx
import torch
from torch import nn
from torch.export import Dim
from torch.nn import functional as F

from make import plain

OUT = pathlib.Path(__file__).parent / "../data/onnx/rankers"
REQUESTS = OUT / "requests"
ITEMS = 40

torch.manual_seed(6)


def mlp(*sizes, norm=False, last=None):
    layers = []
    for before, after in zip(sizes, sizes[1:]):
        layers.append(nn.Linear(before, after))
        if norm:
            layers.append(nn.BatchNorm1d(after))
        layers.append(nn.ReLU())
    layers = layers[:-2] if norm else layers[:-1]
    return nn.Sequential(*layers, *([last] if last else []))


class Dlrm(nn.Module):
    """Naumov et al. 2019: tables of several ids each, the lower triangle of their products."""

    def __init__(self):
        super().__init__()
        self.bottom = mlp(5, 12, 8)
        self.tables = nn.ModuleList(nn.Embedding(rows, 8) for rows in (11, 7, ITEMS, 5))
        self.top = mlp(8 + 10, 16, 1, last=nn.Sigmoid())

    def forward(self, age, price, user, item, tags):
        dense = self.bottom(torch.cat([age, price], dim=1))
        ids = [user[:, 0], user[:, 1], item]
        fields = [dense] + [table(column) for table, column in zip(self.tables, ids)] + [self.tables[3](tags).sum(dim=1)]
        joined = torch.stack(fields, dim=1)
        products = torch.bmm(joined, joined.transpose(1, 2))
        rows, columns = torch.tril_indices(5, 5, offset=-1)
        pairs = products[:, rows, columns]
        return self.top(torch.cat([dense, pairs], dim=1)).squeeze(1)


class DeepFm(nn.Module):
    """Guo et al. 2017: one table of all fields, each with its offset."""

    def __init__(self):
        super().__init__()
        sizes = torch.tensor([9, 6, ITEMS, 4])
        self.register_buffer("offsets", torch.cumsum(sizes, 0) - sizes)
        self.table, self.linear = nn.Embedding(int(sizes.sum()), 6), nn.Embedding(int(sizes.sum()), 1)
        self.deep = mlp(24, 16, 8, 1)
        self.bias = nn.Parameter(torch.tensor([0.3]))

    def forward(self, user, item):
        ids = torch.cat([user, item], dim=1) + self.offsets
        rows = self.table(ids)
        pairs = 0.5 * (rows.sum(dim=1).pow(2) - rows.pow(2).sum(dim=1)).sum(dim=1, keepdim=True)
        first = self.linear(ids).sum(dim=1) + self.bias
        return torch.sigmoid(first + pairs + self.deep(rows.flatten(1))).squeeze(1)


class Dcn(nn.Module):
    """Wang et al. 2021, DCN V2, in its parallel form with batch normalization."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.user, self.item = nn.Embedding(9, 6), nn.Embedding(ITEMS, 7)
        self.cross = nn.ModuleList(nn.Linear(16, 16) for _ in range(3))
        self.deep = mlp(16, 20, 12, norm=True)
        self.head = nn.Linear(28, 2)

    def forward(self, user, item, numbers):
        first = torch.cat([self.user(user), self.item(item), self.norm(numbers)], dim=-1)
        x = first
        for layer in self.cross:
            x = first * layer(x) + x
        return self.head(torch.cat([x, F.relu(self.deep(first))], dim=-1))


class Towers(nn.Module):
    """Two towers (Yi et al. 2019): a user beside candidates."""

    def __init__(self):
        super().__init__()
        self.users, self.items, self.brands = nn.Embedding(20, 8), nn.Embedding(ITEMS, 8), nn.Embedding(6, 4)
        self.user, self.item = mlp(10, 16, 8), mlp(13, 16, 8)

    def forward(self, user, profile, item, brand, price):
        u = self.user(torch.cat([self.users(user), profile], dim=-1))
        i = self.item(torch.cat([self.items(item), self.brands(brand), price.unsqueeze(-1)], dim=-1))
        u, i = F.normalize(u, dim=-1), F.normalize(i, dim=-1)
        return (u * i).sum(dim=-1) / 0.07


class SasRec(nn.Module):
    """Kang and McAuley 2018: causal attention over a session, its last state against candidates."""

    WIDTH, HEADS, BLOCKS, LONGEST = 16, 2, 2, 12

    def __init__(self, fused):
        super().__init__()
        self.fused = fused
        width = self.WIDTH
        self.items, self.places = nn.Embedding(ITEMS, width), nn.Embedding(self.LONGEST, width)
        norm = lambda: nn.ModuleList(nn.LayerNorm(width, eps=1e-8) for _ in range(self.BLOCKS))
        layer = lambda n: nn.ModuleList(nn.Linear(width, n) for _ in range(self.BLOCKS))
        self.norms, self.norms2, self.last = norm(), norm(), nn.LayerNorm(width, eps=1e-8)
        self.q, self.k, self.v, self.out = layer(width), layer(width), layer(width), layer(width)
        self.up, self.down = layer(width), layer(width)

    def attention(self, at, q, x):
        batch, length, width = x.shape
        split = lambda y: y.view(batch, length, self.HEADS, width // self.HEADS).transpose(1, 2)
        q, k, v = split(self.q[at](q)), split(self.k[at](x)), split(self.v[at](x))
        if self.fused:
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            mask = torch.triu(torch.ones(length, length, dtype=torch.bool), diagonal=1)
            scores = (q @ k.transpose(-1, -2)) / (width // self.HEADS) ** 0.5
            mixed = torch.softmax(scores.masked_fill(mask, -1e9), dim=-1) @ v
        return self.out[at](mixed.transpose(1, 2).reshape(batch, length, width))

    def forward(self, session, item):
        length = session.shape[1]
        x = self.items(session) * self.WIDTH**0.5 + self.places(torch.arange(length))
        for at in range(self.BLOCKS):
            q = self.norms[at](x)
            x = q + self.attention(at, q, x)
            x = self.norms2[at](x)
            x = x + self.down[at](F.relu(self.up[at](x)))
        state = self.last(x)[:, -1, :]
        return state @ self.items(item).transpose(0, 1)


class Gru(nn.Module):
    """Hidasi et al. 2016, GRU4Rec: the last state against candidates, and what a candidate costs."""

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(ITEMS, 12)
        self.gru = nn.GRU(12 + 1, 12, num_layers=2, batch_first=True)
        self.bias = nn.Embedding(ITEMS, 1)

    def forward(self, session, dwell, item):
        _, state = self.gru(torch.cat([self.items(session), dwell.unsqueeze(-1)], dim=-1))
        items = self.items(item)
        return torch.matmul(items, state[-1].unsqueeze(-1)).squeeze(-1) + self.bias(item).squeeze(-1)


class PaddedSasRec(nn.Module):
    """SASRec as github.com/pmixer/SASRec.pytorch has it: sessions are filled up with the id 0, whose rows are zeros, and what stands at
    them is taken away by a mask after each block. As wide as its sessions are long, so that no size tells which axis is which."""

    WIDTH, HEADS, BLOCKS, LONGEST = 12, 2, 2, 12

    def __init__(self, newer):
        super().__init__()
        self.newer = newer
        width = self.WIDTH
        self.items = nn.Embedding(ITEMS, width, padding_idx=0)
        self.places = nn.Embedding(self.LONGEST + 1, width, padding_idx=0 if newer else None)
        norms = lambda: nn.ModuleList(nn.LayerNorm(width, eps=1e-8) for _ in range(self.BLOCKS))
        layer = lambda: nn.ModuleList(nn.Conv1d(width, width, kernel_size=1) for _ in range(self.BLOCKS))
        self.attention_norms, self.forward_norms, self.last = norms(), norms(), nn.LayerNorm(width, eps=1e-8)
        self.attentions = nn.ModuleList(nn.MultiheadAttention(width, self.HEADS) for _ in range(self.BLOCKS))
        self.up, self.down = layer(), layer()

    def forward(self, session, item):
        length = session.shape[1]
        shown = (session != 0).unsqueeze(-1)
        x = self.items(session) * self.WIDTH**0.5
        if self.newer:
            x = x + self.places(torch.arange(1, length + 1).unsqueeze(0) * (session != 0))
        else:
            x = (x + self.places(torch.arange(length).unsqueeze(0))) * shown
        later = ~torch.tril(torch.ones((length, length), dtype=torch.bool))
        for at in range(self.BLOCKS):
            x = x.transpose(0, 1)
            q = self.attention_norms[at](x)
            mixed, _ = self.attentions[at](q, x, x, attn_mask=later)
            x = (q + mixed).transpose(0, 1)
            x = self.forward_norms[at](x)
            y = self.down[at](F.relu(self.up[at](x.transpose(-1, -2)))).transpose(-1, -2)
            x = x + y
            if not self.newer:
                x = x * shown
        state = self.last(x)[:, -1, :]
        return self.items(item) @ state[0]


class Transformer(nn.Module):
    """An encoder of PyTorch over a session, with a mask of its padding and positions that are counted from the last item."""

    WIDTH, LONGEST = 16, 12

    def __init__(self, causal, after):
        super().__init__()
        self.causal = causal
        self.items, self.places = nn.Embedding(ITEMS, self.WIDTH, padding_idx=0), nn.Embedding(self.LONGEST, self.WIDTH)
        layer = nn.TransformerEncoderLayer(self.WIDTH, 2, 24, dropout=0.0, batch_first=True, norm_first=not after)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, session, item):
        length = session.shape[1]
        x = self.items(session) + self.places(length - 1 - torch.arange(length))
        padding = session == 0
        later = torch.triu(torch.ones(length, length, dtype=torch.bool), diagonal=1) if self.causal else None
        x = self.encoder(x, mask=later, src_key_padding_mask=padding)
        state = x[:, -1, :]
        return state @ self.items(item).transpose(0, 1)


class Masked(nn.Module):
    """Attention with a mask of padding that is written out, as BERT4Rec's code has it: scores of padded keys are filled with -1e9. The
    session is summed up where it is no padding."""

    WIDTH, HEADS, LONGEST = 8, 2, 12

    def __init__(self):
        super().__init__()
        self.items, self.places = nn.Embedding(ITEMS, self.WIDTH), nn.Embedding(self.LONGEST, self.WIDTH)
        self.qkv = nn.Linear(self.WIDTH, 3 * self.WIDTH)
        self.norm = nn.LayerNorm(self.WIDTH)

    def forward(self, session, item):
        length = session.shape[1]
        shown = session > 0
        x = self.items(session) + self.places(torch.arange(length))
        mask = shown.unsqueeze(1).repeat(1, length, 1).unsqueeze(1)
        split = lambda y: y.view(-1, length, self.HEADS, self.WIDTH // self.HEADS).transpose(1, 2)
        q, k, v = (split(y) for y in self.qkv(x).chunk(3, dim=-1))
        scores = (q @ k.transpose(-2, -1) / 2.0).masked_fill(mask == 0, -1e9)
        mixed = (torch.softmax(scores, dim=-1) @ v).transpose(1, 2).reshape(-1, length, self.WIDTH)
        x = self.norm(x + mixed).masked_fill(~shown.unsqueeze(-1), 0.0)
        return x.sum(dim=1) @ self.items(item).transpose(0, 1)


class Recurrent(nn.Module):
    """Long short-term memory and gated units in both directions, and the greatest of a candidate's fields."""

    def __init__(self):
        super().__init__()
        self.items, self.brands = nn.Embedding(ITEMS, 8), nn.Embedding(6, 8)
        self.lstm = nn.LSTM(8, 6, num_layers=2, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(12, 5, batch_first=True, bidirectional=True)
        self.user = nn.Linear(12 + 10 + 12, 8)

    def forward(self, session, item, brand):
        states, (last, _) = self.lstm(self.items(session))
        _, gated = self.gru(states)
        user = self.user(torch.cat([torch.cat([last[-2], last[-1]], -1), torch.cat([gated[0], gated[1]], -1), states.amax(1)], -1))
        fields = torch.stack([self.items(item), self.brands(brand), self.items(item) * self.brands(brand)], dim=1)
        return (fields.amax(dim=1) * user).sum(dim=-1)


def ids(rows, *shape):
    return torch.arange(torch.Size(shape).numel()).reshape(shape) % rows


BATCH = {0: "batch"}
MODELS = [
    ("dlrm", Dlrm(), ["age", "price", "user", "item", "tags"], [torch.rand(6, 2), torch.rand(6, 3), ids(7, 6, 2), ids(ITEMS, 6), ids(5, 6, 3)], [BATCH] * 5),
    ("deepfm", DeepFm(), ["user", "item"], [ids(6, 6, 2), ids(4, 6, 2)], [BATCH] * 2),
    ("dcn", Dcn(), ["user", "item", "numbers"], [ids(9, 6), ids(ITEMS, 6), torch.rand(6, 3)], [BATCH] * 3),
    (
        "towers",
        Towers(),
        ["user", "profile", "item", "brand", "price"],
        [ids(20, 1), torch.rand(1, 2), ids(ITEMS, 6), ids(6, 6), torch.rand(6)],
        [{}, {}] + [{0: "candidates"}] * 3,
    ),
    ("sasrec", SasRec(False), ["session", "item"], [ids(ITEMS, 1, 5), ids(ITEMS, 7)], [{1: "length"}, {0: "candidates"}]),
    ("sasrec-fused", SasRec(True), ["session", "item"], [ids(ITEMS, 1, 5), ids(ITEMS, 7)], [{1: "length"}, {0: "candidates"}]),
    (
        "gru",
        Gru(),
        ["session", "dwell", "item"],
        [ids(ITEMS, 1, 5), torch.rand(1, 5), ids(ITEMS, 1, 7)],
        [{1: "length"}, {1: "length"}, {1: "candidates"}],
    ),
]


def seeded(model):
    """Statistics of batches that are not those of a fresh layer, and weights of every layer that are drawn."""
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return model.eval()


for _, model, *_ in MODELS:
    seeded(model)

# Drawn after those before, whose weights so stay what they are.
MASKED = [
    ("sasrec-padded", PaddedSasRec(True), ["session", "item"], [ids(ITEMS, 1, 5), ids(ITEMS, 7)], [{1: "length"}, {0: "candidates"}]),
    ("sasrec-fixed", PaddedSasRec(False), ["session", "item"], [ids(ITEMS, 1, 12), ids(ITEMS, 7)], [{}, {0: "candidates"}]),
    ("sasrec-fixed-newer", PaddedSasRec(True), ["session", "item"], [ids(ITEMS, 1, 12), ids(ITEMS, 7)], [{}, {0: "candidates"}]),
    ("transformer", Transformer(False, True), ["session", "item"], [ids(ITEMS, 1, 5), ids(ITEMS, 7)], [{1: "length"}, {0: "candidates"}]),
    ("transformer-fixed", Transformer(False, False), ["session", "item"], [ids(ITEMS, 1, 12), ids(ITEMS, 7)], [{}, {0: "candidates"}]),
    ("masked", Masked(), ["session", "item"], [ids(ITEMS, 1, 5), ids(ITEMS, 7)], [{1: "length"}, {0: "candidates"}]),
    ("masked-fixed", Masked(), ["session", "item"], [ids(ITEMS, 1, 12), ids(ITEMS, 7)], [{}, {0: "candidates"}]),
    (
        "gru-fixed",
        Gru(),
        ["session", "dwell", "item"],
        [ids(ITEMS, 1, 12), torch.rand(1, 12), ids(ITEMS, 1, 7)],
        [{}, {}, {1: "candidates"}],
    ),
    (
        "recurrent",
        Recurrent(),
        ["session", "item", "brand"],
        [ids(ITEMS, 1, 5), ids(ITEMS, 7), ids(6, 7)],
        [{1: "length"}, {0: "candidates"}, {0: "candidates"}],
    ),
]

for _, model, *_ in MASKED:
    seeded(model)

# The second exporter unrolls recurrent layers to the length that it was shown, and the first writes that length into PyTorch's attention.
ONLY = {"torchscript": ("gru", "gru-fixed", "recurrent"), "dynamo": ("sasrec-padded", "transformer")}


def export(model, names, inputs, axes, exporter, path):
    if exporter == "torchscript":
        dynamic = {name: shape for name, shape in zip(names, axes) if shape}
        torch.onnx.export(
            model, tuple(inputs), path, input_names=names, output_names=["score"], dynamic_axes=dynamic, opset_version=17, dynamo=False
        )
    else:
        made = {name: Dim(name, min=2, max=12 if name == "length" else 4096) for name in ("batch", "candidates", "length")}
        shapes = tuple({axis: made[name] for axis, name in shape.items()} for shape in axes)
        torch.onnx.export(
            model,
            tuple(inputs),
            path,
            input_names=names,
            output_names=["score"],
            dynamic_shapes=shapes,
            dynamo=True,
            external_data=False,
        )


def main():
    REQUESTS.mkdir(exist_ok=True, parents=True)
    # A layer's fused path is none of ONNX's.
    torch.backends.mha.set_fastpath_enabled(False)
    for name, model, names, inputs, axes in MODELS + MASKED:
        for exporter in [it for it in ONLY if name in ONLY[it]] or list(ONLY):
            with tempfile.TemporaryDirectory() as folder:
                path = str(pathlib.Path(folder) / "model.onnx")
                export(model, names, inputs, axes, exporter, path)
                onnx.save(plain(onnx.load(path)), OUT / f"{name}-{exporter}.onnx")
        if "fixed" in name:
            (REQUESTS / f"{name}.jsonl").write_text("".join(json.dumps(request) + "\n" for request in requests(model, names)))


def requests(model, names):
    """Sessions of several lengths, filled up with zeros as in training, with the scores that PyTorch gives, as golden.jsonl has them."""
    # Of a session of nothing but padding PyTorch's attention has shares of zeros, and what it exports has none.
    for length in (1, 2, 5, 11, 12) if isinstance(model, Transformer) else (0, 1, 2, 5, 11, 12):
        seen = [int(at * 7 % (ITEMS - 1)) + 1 for at in range(length)]
        dwell = [0.25 * at - 1.0 for at in range(length)]
        item = list(range(1, ITEMS, 5))
        filled = lambda list, zero: torch.tensor([[zero] * (12 - length) + list])
        given = {"session": filled(seen, 0), "dwell": filled(dwell, 0.0), "item": torch.tensor(item)}
        if "dwell" in names:
            given["item"] = given["item"].unsqueeze(0)
        with torch.no_grad():
            scores = model(*[given[name] for name in names]).flatten().tolist()
        session = {"session": seen, "dwell": dwell} if "dwell" in names else {"session": seen}
        yield {"session": session, "candidates": [{"item": it} for it in item], "scores": scores}


if __name__ == "__main__":
    main()
