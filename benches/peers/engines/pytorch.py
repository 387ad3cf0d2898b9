"""PyTorch, as sentence-transformers runs it."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import AutoModel

from protocol import padded, pooled, serve


def load(folder, precision, threads):
    torch.set_num_threads(threads)
    model = AutoModel.from_pretrained(folder / "model", dtype=torch.float32).eval()
    if precision == "int8":
        model = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)

    @torch.inference_mode()
    def run(texts):
        ids, mask = padded(texts)
        hidden = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).last_hidden_state
        return pooled(hidden.numpy(), mask)

    return run


serve(f"PyTorch {torch.__version__.split('+')[0]}", load)
