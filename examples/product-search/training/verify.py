"""Loads the folder with Hugging Face `transformers` and compares ids and vectors with `golden.jsonl`.

    python verify.py [folder made with --out]
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoTokenizer, BertModel

import data


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else data.MODEL
    golden = folder / "golden.jsonl" if len(sys.argv) > 1 else data.SHOP / "training" / "golden.jsonl"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, loading = BertModel.from_pretrained(folder, add_pooling_layer=False, output_loading_info=True)
    faults = [f"{kind}: {names}" for kind, names in loading.items() if names]
    worst = 1.0
    for row in data.rows(golden):
        batch = tokenizer(row["text"], truncation=True, max_length=64, return_tensors="pt")
        if batch["input_ids"][0].tolist() != row["ids"]:
            faults.append(f"ids of {row['text']!r}: {batch['input_ids'][0].tolist()}, not {row['ids']}")
            continue
        with torch.no_grad():
            mean = model.eval()(**batch).last_hidden_state[0].mean(0)
        worst = min(worst, torch.nn.functional.cosine_similarity(mean, torch.tensor(row["vector"]), dim=0).item())
    print(f"lowest cosine to transformers {worst:.7f}")
    for fault in faults:
        print(fault)
    sys.exit(1 if faults or worst < 0.99999 else 0)


if __name__ == "__main__":
    main()
