"""Loads the folders with Hugging Face `transformers` and compares ids, vectors and scores with the golden files.

    python verify.py            both models
    python verify.py --encoder [folder made with --out]
    python verify.py --ranker [folder made with --out]
"""

import argparse
import sys
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertModel

import data

GOLDEN = {data.MODEL: data.SHOP / "training" / "golden.jsonl", data.RANKER: data.SHOP / "training" / "golden_ranker.jsonl"}


def rows_of(folder, name):
    """The golden rows of the committed folder, or those inside another."""
    return data.rows(GOLDEN.get(folder.resolve(), folder / name))


def loaded(reader, folder, **options):
    """The model, and what of its weights is missing, unexpected or of another shape."""
    model, loading = reader.from_pretrained(folder, output_loading_info=True, dtype=torch.float32, **options)
    return model.eval(), [f"{folder.name}: {kind}: {names}" for kind, names in loading.items() if names]


@torch.no_grad()
def encoder(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, faults = loaded(BertModel, folder, add_pooling_layer=False)
    worst = 1.0
    for row in rows_of(folder, "golden.jsonl"):
        batch = tokenizer(row["text"], truncation=True, max_length=64, return_tensors="pt")
        if batch["input_ids"][0].tolist() != row["ids"]:
            faults.append(f"ids of {row['text']!r}: {batch['input_ids'][0].tolist()}, not {row['ids']}")
            continue
        mean = model(**batch).last_hidden_state[0].mean(0)
        worst = min(worst, torch.nn.functional.cosine_similarity(mean, torch.tensor(row["vector"]), dim=0).item())
    print(f"query-encoder: lowest cosine to transformers {worst:.7f}")
    return faults + ["a vector is another"] * (worst < 0.99999)


@torch.no_grad()
def ranker(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, faults = loaded(AutoModelForSequenceClassification, folder)
    farthest = 0.0
    for row in rows_of(folder, "golden_ranker.jsonl"):
        batch = tokenizer(row["query"], row["document"], truncation=True, return_tensors="pt")
        for name, key in (("ids", "input_ids"), ("types", "token_type_ids")):
            if batch[key][0].tolist() != row[name]:
                faults.append(f"{name} of {row['query']!r}, {row['document']!r}: {batch[key][0].tolist()}, not {row[name]}")
        farthest = max(farthest, abs(torch.sigmoid(model(**batch).logits)[0, 0].item() - row["score"]))
    print(f"re-ranker: farthest score from transformers {farthest:.7f}")
    return faults + ["a score is another"] * (farthest > 1e-5)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, nargs="?", const=data.MODEL)
    parser.add_argument("--ranker", type=Path, nargs="?", const=data.RANKER)
    options = parser.parse_args()
    both = options.encoder is None and options.ranker is None
    faults = encoder(options.encoder or data.MODEL) if options.encoder or both else []
    faults += ranker(options.ranker or data.RANKER) if options.ranker or both else []
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
