"""What the tutorials write: Flask before PyTorch, under gunicorn. `POST /embed {"inputs": "…"}` gives `[[f32]]`."""

import os
from pathlib import Path

import torch
from flask import Flask, jsonify, request
from transformers import AutoModel, AutoTokenizer

folder = Path(os.environ["PREPARED"]) / "model"
torch.set_num_threads(1)
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModel.from_pretrained(folder).eval()
app = Flask(__name__)


@app.get("/health")
def health():
    return {}


@app.post("/embed")
def embed():
    texts = request.get_json()["inputs"]
    return jsonify(vectors([texts] if isinstance(texts, str) else texts))


@torch.inference_mode()
def vectors(texts):
    encoded = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
    hidden = model(**encoded).last_hidden_state
    mask = encoded["attention_mask"].unsqueeze(-1).float()
    means = (hidden * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(means, dim=1).tolist()
