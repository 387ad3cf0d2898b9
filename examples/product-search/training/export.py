"""Writes the trained encoder as a sentence-transformers folder, and `golden.jsonl` for the committed one beside this program.

Hugging Face's `BertModel(add_pooling_layer=False)`, sentence-transformers and candle read the folder as it is.
"""

import json

import safetensors.torch
import torch
from tokenizers import Tokenizer, processors

import data
from model import encode

ROLES = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}

GOLDEN = [
    "手机", "wireless headphones", "running shoes", "保温杯", "coffee machine", "gift for runner", "earphones for gym",
    "儿童 积木", "蓝牙 headphones", "noise cancelling 耳机", "cat food", "猫粮", "wirless earbuds", "smartphnoe", "a",
    "红", "", "   ", "!?", "COFFEE Machine", "Café crème", "naïve façade", "it's 12.99$", "1000 pieces jigsaw puzzle",
    "USB-C 65 W charger", "保温杯500毫升不锈钢", "ＦＵＬＬ　ＷＩＤＴＨ", "日本語のテキスト", "한국어", "😀 party 🎉",
    "Ωmega привет", "supercalifragilisticexpialidocious", "x" * 120, "  tabs\tand\nlines  ", "送女朋友的礼物",
    "[CLS] [MASK]", "ß straße", "e\u0301clair", "zero\u200bwidth",
]


def dump(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def write_tokenizer(out, tokens, tokenizer, most=64):
    (out / "vocab.txt").write_text("".join(token + "\n" for token in tokens), encoding="utf-8")
    whole = Tokenizer.from_str(tokenizer.to_str())
    whole.no_truncation()
    whole.no_padding()
    whole.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(mark, tokens.index(mark)) for mark in ("[CLS]", "[SEP]")])
    whole.save(str(out / "tokenizer.json"))
    dump(out / "tokenizer_config.json", {
        "tokenizer_class": "BertTokenizer", "do_lower_case": True, "do_basic_tokenize": True,
        "tokenize_chinese_chars": True, "strip_accents": None, "never_split": None, "model_max_length": most, **ROLES})
    dump(out / "special_tokens_map.json", ROLES)


def write_modules(out, width):
    base = "sentence_transformers.models"
    dump(out / "modules.json", [
        {"idx": 0, "name": "0", "path": "", "type": f"{base}.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{base}.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{base}.Normalize"}])
    (out / "1_Pooling").mkdir(exist_ok=True)
    dump(out / "1_Pooling" / "config.json", {
        "word_embedding_dimension": width, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False})
    dump(out / "sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})
    dump(out / "config_sentence_transformers.json", {
        "prompts": {}, "default_prompt_name": None, "similarity_fn_name": "cosine"})


def write_golden(path, model, tokenizer, catalogue):
    """Texts with their ids and vectors, as PyTorch gives them, one text at a time: no padding touches them."""
    texts = GOLDEN + [data.text_of(product) for product in catalogue[:12]]
    with torch.no_grad(), path.open("w", encoding="utf-8", newline="\n") as file:
        for text in texts:
            ids = tokenizer.encode(text).ids
            vector = [round(value, 7) for value in encode(model, [ids])[0].tolist()]
            file.write(json.dumps({"text": text, "ids": ids, "vector": vector}, ensure_ascii=False) + "\n")


def table(found):
    """The measured figures, a row a group."""
    rows = ["| queries | held out | training |", "| --- | --- | --- |"]
    for group in found["heldout"]:
        cells = [f"{found[split][group][0]:.4f} ({found[split][group][1]:,})" if group in found[split] else "–"
                 for split in ("heldout", "train")]
        rows.append(f"| {group} | {' | '.join(cells)} |")
    return "\n".join(rows)


def write_card(out, config, found, steps, parameters):
    text = (data.SHOP / "training" / "card.md").read_text(encoding="utf-8")
    for name, value in {"vocabulary": f"{config['vocab_size']:,}", "parameters": f"{parameters:,}", "steps": str(steps),
                        "table": table(found)}.items():
        text = text.replace("{" + name + "}", value)
    (out / "README.md").write_text(text, encoding="utf-8")


def write(out, model, config, tokens, tokenizer, catalogue, found, steps):
    model.eval()
    out.mkdir(parents=True, exist_ok=True)
    dump(out / "config.json", config)
    write_tokenizer(out, tokens, tokenizer)
    write_modules(out, config["hidden_size"])
    tensors = {name: tensor.detach().contiguous() for name, tensor in sorted(model.state_dict().items())}
    safetensors.torch.save_file(tensors, str(out / "model.safetensors"), metadata={"format": "pt"})
    (out / "model.safetensors").chmod(0o644)
    write_card(out, config, found, steps, sum(tensor.numel() for tensor in tensors.values()))
    committed = out.resolve() == data.MODEL.resolve()
    write_golden((data.SHOP / "training" if committed else out) / "golden.jsonl", model, tokenizer, catalogue)
