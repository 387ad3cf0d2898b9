"""What the committed query encoder finds first: the products that a re-ranker is shown."""

import json

import safetensors.torch
import torch
from tokenizers import Tokenizer

import data
from model import Encoder, encode


class First:
    def __init__(self, catalogue):
        config = json.loads((data.MODEL / "config.json").read_text(encoding="utf-8"))
        self.tokenizer = Tokenizer.from_file(str(data.MODEL / "tokenizer.json"))
        self.most = config["max_position_embeddings"]
        self.encoder = Encoder(config)
        self.encoder.load_state_dict(safetensors.torch.load_file(str(data.MODEL / "model.safetensors")))
        self.encoder.eval()
        self.products = self.vectors([data.text_of(product) for product in catalogue])

    def ids(self, texts):
        """Ids without special tokens."""
        return [encoding.ids[1:-1] for encoding in self.tokenizer.encode_batch(texts)]

    @torch.no_grad()
    def vectors(self, texts):
        return encode(self.encoder, [[2, *ids[:self.most - 2], 3] for ids in self.ids(texts)])

    def nearest(self, texts, count):
        """For each text the cosines and the numbers of `count` products, best first."""
        return torch.topk(self.vectors(texts) @ self.products.T, count, dim=1)

    def of(self, texts, count):
        """The numbers alone."""
        return self.nearest(texts, count).indices.tolist()
