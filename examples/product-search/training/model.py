"""BERT as Hugging Face names it, without a pooler: its `state_dict` is the file that `BertModel` reads."""

import torch
from torch import nn
from torch.nn import functional as F

CONFIG = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "attention_probs_dropout_prob": 0.0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.0,
    "hidden_size": 128,
    "initializer_range": 0.02,
    "intermediate_size": 512,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 64,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "torch_dtype": "float32",
    "type_vocab_size": 2,
}


def module(**parts):
    """A module of named parts, so that names nest as in the checkpoint."""
    whole = nn.Module()
    for name, part in parts.items():
        whole.add_module(name, part)
    return whole


def norm(config):
    return nn.LayerNorm(config["hidden_size"], eps=config["layer_norm_eps"])


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, inner = config["hidden_size"], config["intermediate_size"]
        self.heads = config["num_attention_heads"]
        self.attention = module(
            self=module(query=nn.Linear(width, width), key=nn.Linear(width, width), value=nn.Linear(width, width)),
            output=module(dense=nn.Linear(width, width), LayerNorm=norm(config)))
        self.intermediate = module(dense=nn.Linear(width, inner))
        self.output = module(dense=nn.Linear(inner, width), LayerNorm=norm(config))

    def forward(self, x, bias):
        """`x[texts, tokens, width]`; `bias` is 0 at tokens and -inf at padding."""
        texts, tokens, width = x.shape
        attention = getattr(self.attention, "self")
        q, k, v = (part(x).view(texts, tokens, self.heads, -1).transpose(1, 2)
                   for part in (attention.query, attention.key, attention.value))
        weights = (q @ k.transpose(2, 3) * (width // self.heads) ** -0.5 + bias).softmax(-1)
        mixed = (weights @ v).transpose(1, 2).reshape(texts, tokens, width)
        x = self.attention.output.LayerNorm(x + self.attention.output.dense(mixed))
        return self.output.LayerNorm(x + self.output.dense(F.gelu(self.intermediate.dense(x))))


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["hidden_size"]
        self.embeddings = module(
            word_embeddings=nn.Embedding(config["vocab_size"], width),
            position_embeddings=nn.Embedding(config["max_position_embeddings"], width),
            token_type_embeddings=nn.Embedding(config["type_vocab_size"], width),
            LayerNorm=norm(config))
        self.encoder = module(layer=nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"])))
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=config["initializer_range"])
            else:
                nn.init.zeros_(parameter)
        for part in self.modules():
            if isinstance(part, nn.LayerNorm):
                nn.init.ones_(part.weight)

    def forward(self, ids):
        """Unit vectors `[texts, width]` of `ids[texts, tokens]`, padded with 0: the mean over the tokens, normalised."""
        real = ids != 0
        places = torch.arange(ids.shape[1])
        parts = self.embeddings
        x = parts.word_embeddings(ids) + parts.position_embeddings(places) + parts.token_type_embeddings.weight[0]
        x = parts.LayerNorm(x)
        bias = torch.zeros(ids.shape).masked_fill(~real, float("-inf"))[:, None, None, :]
        for layer in self.encoder.layer:
            x = layer(x, bias)
        mean = (x * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        return F.normalize(mean, dim=-1)


def encode(model, texts):
    """The vectors of many id lists, encoded in groups of like length so that little is padding."""
    order = sorted(range(len(texts)), key=lambda number: (len(texts[number]), number))
    parts = []
    for start in range(0, len(order), 64):
        group = [texts[number] for number in order[start:start + 64]]
        longest = max(map(len, group))
        parts.append(model(torch.tensor([ids + [0] * (longest - len(ids)) for ids in group])))
    back = torch.empty(len(order), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(order))
    return torch.cat(parts)[back]
