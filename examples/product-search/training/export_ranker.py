"""Writes the trained re-ranker as Hugging Face's `BertForSequenceClassification` and sentence-transformers' `CrossEncoder` read it,
its golden pairs, and the suite of its gate."""

import json
from collections import defaultdict
from statistics import mean

import safetensors.torch
import torch
from tokenizers import Tokenizer

import data
import evaluate
import export

GOLDEN = [
    ("red running shoes", 0), ("手机", 1), ("不锈钢 保温杯 500毫升", 2), ("bluetooth 耳机", 3), ("wirless earbuds", 4), ("", 5),
    ("送给爱跑步的朋友", 6), ("cat food " * 40, 7), ("Café crème ＦＵＬＬ ＷＩＤＴＨ 한국어 😀", 8),
]
DOCUMENTS = ["!?", "x" * 120, "保温杯" * 40]


def parts(queries):
    """Numbers of held-out queries: every fourth chose the recipe, the others measure it; of these the gate takes a few."""
    numbers = range(len(queries))
    return {"chosen by": [n for n in numbers if n % 4 == 0], "held out": [n for n in numbers if n % 4],
            "gate": [n for n in numbers if n % 8 == 1]}


def figures(split, rankings, numbers):
    """Mean ndcg@10 and mrr@10 of queries by group: name → (ndcg, mrr, count)."""
    groups = defaultdict(list)
    for number in numbers:
        query, grades, ranking = split.queries[number], split.grades[number], rankings[number]
        for name in ("all", f"lang {query['lang']}", f"kind {query['kind']}"):
            groups[name].append((evaluate.ndcg(ranking, grades), evaluate.mrr(ranking, grades)))
    return {name: (*map(mean, zip(*values)), len(values)) for name, values in sorted(groups.items())}


def table(split, orders, numbers):
    """The measured figures of each order, a row a group."""
    rows = [f"| queries | | {' | '.join(f'{metric} {name}' for metric in ('ndcg@10', 'mrr@10') for name in orders)} |",
            "| --- " * (2 + 2 * len(orders)) + "|"]
    found = {name: figures(split, order, numbers) for name, order in orders.items()}
    for group, (_, _, count) in found["encoder"].items():
        cells = [f"{found[name][group][metric]:.4f}" for metric in (0, 1) for name in orders]
        rows.append(f"| {group} | {count:,} | {' | '.join(cells)} |")
    return "\n".join(rows)


def write_suite(split, found, catalogue, numbers):
    """What the gate ranks: of each of its queries the encoder's first products with their grades."""
    with (data.SHOP / "eval" / "judgments.reranking.tsv").open("w", encoding="utf-8", newline="\n") as file:
        for number in numbers:
            for product in found[number][:data.FIRST]:
                grade = split.grades[number].get(product, 0)
                file.write(f"{split.queries[number]['text']}\t{catalogue[product]['id']}\t{grade}\n")


def write_golden(path, folder, model, catalogue):
    """Pairs with ids, types and scores as PyTorch gives them, one pair at a time: no padding touches them."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(model.bert.embeddings.position_embeddings.num_embeddings)
    texts = [(query, data.text_of(product)) for query, at in GOLDEN for product in catalogue[at:at + 40:13]]
    texts += [("phone", document) for document in DOCUMENTS]
    with torch.no_grad(), path.open("w", encoding="utf-8", newline="\n") as file:
        for query, document in texts:
            encoding = tokenizer.encode(query, document)
            logits, _ = model(torch.tensor([encoding.ids]), torch.tensor([encoding.type_ids]))
            row = {"query": query, "document": document, "ids": encoding.ids, "types": encoding.type_ids,
                   "score": round(torch.sigmoid(logits)[0].item(), 7)}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def write(out, model, config, first, catalogue, measured, steps):
    split, orders = measured
    model.eval()
    out.mkdir(parents=True, exist_ok=True)
    export.dump(out / "config.json", config)
    tokens = (data.MODEL / "vocab.txt").read_text(encoding="utf-8").splitlines()
    export.write_tokenizer(out, tokens, first.tokenizer, config["max_position_embeddings"])
    tensors = {name: tensor.half().contiguous() for name, tensor in sorted(model.state_dict().items())}
    safetensors.torch.save_file(tensors, str(out / "model.safetensors"), metadata={"format": "pt"})
    (out / "model.safetensors").chmod(0o644)
    numbers = parts(split.queries)
    for name in ("chosen by", "held out"):
        print(f"{name}\n{table(split, orders, numbers[name])}")
    text = (data.SHOP / "training" / "card_ranker.md").read_text(encoding="utf-8")
    for name, value in {"vocabulary": f"{config['vocab_size']:,}", "steps": f"{steps:,}", "first": str(data.FIRST),
                        "parameters": f"{sum(tensor.numel() for tensor in tensors.values()):,}",
                        "table": table(split, orders, numbers["held out"])}.items():
        text = text.replace("{" + name + "}", value)
    (out / "README.md").write_text(text, encoding="utf-8")
    committed = out.resolve() == data.RANKER.resolve()
    write_golden((data.SHOP / "training" if committed else out) / "golden_ranker.jsonl", out, model, catalogue)
    if committed:
        write_suite(split, orders["encoder"], catalogue, numbers["gate"])
