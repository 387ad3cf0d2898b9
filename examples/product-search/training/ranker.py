"""BERT as Hugging Face's `BertForSequenceClassification` with one label: a query and a product in, their relevance out."""

import torch
from torch import nn
from torch.nn import functional as F

from model import CONFIG, Encoder, module

PAIRS = {
    **CONFIG,
    "architectures": ["BertForSequenceClassification"],
    "classifier_dropout": None,
    "id2label": {"0": "relevance"},
    "label2id": {"relevance": 0},
    "max_position_embeddings": 96,
    "torch_dtype": "float16",
}
CLS, SEP = 2, 3


class Body(Encoder):
    def __init__(self, config):
        super().__init__(config)
        width = config["hidden_size"]
        self.pooler = module(dense=nn.Linear(width, width))
        nn.init.normal_(self.pooler.dense.weight, std=0.05)
        nn.init.zeros_(self.pooler.dense.bias)

    def forward(self, ids, types):
        """What the first token has gathered, `[pairs, width]`, and all rows after the first layer."""
        parts = self.embeddings
        x = (parts.word_embeddings(ids) + parts.position_embeddings(torch.arange(ids.shape[1]))
             + parts.token_type_embeddings(types))
        x = parts.LayerNorm(x)
        bias = torch.zeros(ids.shape).masked_fill(ids == 0, float("-inf"))[:, None, None, :]
        early = None
        for layer in self.encoder.layer:
            x = layer(x, bias)
            early = x if early is None else early
        return torch.tanh(self.pooler.dense(x[:, 0])), early


class Ranker(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.bert = Body(config)
        self.classifier = nn.Linear(config["hidden_size"], 1)
        nn.init.normal_(self.classifier.weight, std=config["initializer_range"])
        nn.init.zeros_(self.classifier.bias)

    def forward(self, ids, types):
        """Logits `[pairs]` of `ids[pairs, tokens]`, padded with 0, and the rows after the first layer."""
        pooled, early = self.bert(ids, types)
        return self.classifier(pooled)[:, 0], early

    @torch.no_grad()
    def begin(self, encoder):
        """Begins with what the encoder knows of words, and with a first layer that finds the words of one text in the other.

        A row's query and key are the row itself, so that a token attends to itself and to its likes; value and output are the
        row, too: what comes out says by its share of the other text's type whether the token has a like there. Found by chance
        instead, this takes a cross-encoder most of its training.
        """
        known, own = encoder.state_dict(), self.bert.state_dict()
        for name, tensor in known.items():
            if "position" not in name and "token_type" not in name:
                own[name].copy_(tensor)
        # Words outweigh places and types, whose sum with them is normalised.
        own["embeddings.word_embeddings.weight"].mul_(3)
        way = 0.25 * F.normalize(torch.randn(own["embeddings.token_type_embeddings.weight"].shape[1]), dim=0)
        own["embeddings.token_type_embeddings.weight"].copy_(torch.stack([-way, way]))
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            own[f"encoder.layer.0.attention.{part}.weight"].copy_(torch.eye(len(way)))
            own[f"encoder.layer.0.attention.{part}.bias"].zero_()


def pair(query, document, most=PAIRS["max_position_embeddings"]):
    """Ids and types of two texts' own ids, the longer of which is cut until both fit."""
    while len(query) + len(document) + 3 > most:
        if len(query) > len(document):
            query = query[:-1]
        else:
            document = document[:-1]
    return [CLS, *query, SEP, *document, SEP], [0] * (len(query) + 2) + [1] * (len(document) + 1)


def score(model, pairs):
    """The logits of pairs, and for each group of them (ids, types, rows after the first layer): like lengths run together."""
    order = sorted(range(len(pairs)), key=lambda number: (len(pairs[number][0]), number))
    logits, groups = [], []
    for start in range(0, len(order), 64):
        group = [pairs[number] for number in order[start:start + 64]]
        longest = max(len(ids) for ids, _ in group)
        ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in group])
        types = torch.tensor([types + [0] * (longest - len(types)) for _, types in group])
        found, early = model(ids, types)
        logits.append(found)
        groups.append((ids, types, early))
    back = torch.empty(len(order), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(order))
    return torch.cat(logits)[back], groups
