"""Makes the tiny model folders under `compiler/tests/data/models`, and what the libraries say their outputs are.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make.py

Every folder is written by `transformers` or `sentence-transformers` themselves, with random weights from a fixed seed, and holds
`golden.json`: texts, the ids and types that the library's tokenizer gave, and the outputs that the library computed on them in f32.
With `--minilm FOLDER` it writes the vectors of all-MiniLM-L6-v2 for the same texts to `data/minilm.json` instead.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    AlbertModel,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    DistilBertModel,
    MPNetConfig,
    MPNetForSequenceClassification,
    MPNetModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
    XLMRobertaModel,
)

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"
MODELS = DATA / "models"

TEXTS = [
    "wireless headphones",
    "a red cotton shirt for the summer, washable at 40 degrees",
    "Blue-Tooth speaker (waterproof)!",
    "手机 with a large screen",
    "x",
    "the quick brown fox jumps over the lazy dog and the dog sleeps on while the fox runs away into the dark wood",
]
PAIRS = [
    ("wireless headphones", "over-ear headphones with noise cancelling and a long battery life"),
    ("red shirt", "a blue jacket"),
    ("手机", "mobile phone with a large screen"),
    ("the quick brown fox jumps over the lazy dog", "the dog sleeps on while the fox runs away into the dark wood"),
]
# The library gives a padding token that a text spells out a position of its own, in these.
COUNTED = ("roberta", "xlm-roberta", "mpnet")
WITH_PADDING = "wireless<pad>headphones <pad> <pad> for the summer"
CORPUS = TEXTS + [text for pair in PAIRS for text in pair]
LABELS = ["negative", "neutral", "positive"]
LENGTH = 24  # of the longest text, in tokens: some of the texts are longer
SIZE = {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}


def wordpiece(cls, sep, unk, pad, mask, specials):
    tokenizer = Tokenizer(models.WordPiece(unk_token=unk))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=160, special_tokens=specials, show_progress=False))
    ids = [(token, tokenizer.token_to_id(token)) for token in (cls, sep)]
    if cls == "[CLS]":
        single, pair = f"{cls} $A {sep}", f"{cls} $A {sep} $B:1 {sep}:1"
    else:
        single, pair = f"{cls} $A {sep}", f"{cls} $A {sep} {sep} $B {sep}"
    tokenizer.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=ids)
    return wrap(tokenizer, cls, sep, unk, pad, mask)


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=specials, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return wrap(tokenizer, "<s>", "</s>", "<unk>", "<pad>", "<mask>")


def unigram(cls, sep, unk, pad, mask, specials, albert):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=150, special_tokens=specials, unk_token=unk, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    ids = [(token, tokenizer.token_to_id(token)) for token in (cls, sep)]
    pair = f"{cls} $A {sep} $B:1 {sep}:1" if albert else f"{cls} $A {sep} {sep} $B {sep}"
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{cls} $A {sep}", pair=pair, special_tokens=ids)
    return wrap(tokenizer, cls, sep, unk, pad, mask)


def wrap(tokenizer, cls, sep, unk, pad, mask):
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=cls,
        eos_token=sep,
        cls_token=cls,
        sep_token=sep,
        unk_token=unk,
        pad_token=pad,
        mask_token=mask,
        model_max_length=LENGTH,
        model_input_names=["input_ids", "attention_mask"],
    )


BERT_TOKENS = ("[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]", ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
MPNET_TOKENS = ("<s>", "</s>", "[UNK]", "<pad>", "<mask>", ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"])
XLMR_TOKENS = ("<s>", "</s>", "<unk>", "<pad>", "<mask>", ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
ALBERT_TOKENS = ("[CLS]", "[SEP]", "<unk>", "<pad>", "[MASK]", ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"])

# By architecture: tokenizer, whether its library passes token types, configuration, encoder, classifier.
ARCHITECTURES = {
    "bert": (
        lambda: wordpiece(*BERT_TOKENS),
        True,
        lambda n: BertConfig(vocab_size=n, max_position_embeddings=LENGTH + 8, type_vocab_size=2, **SIZE),
        BertModel,
        BertForSequenceClassification,
    ),
    "distilbert": (
        lambda: wordpiece(*BERT_TOKENS),
        False,
        lambda n: DistilBertConfig(
            vocab_size=n, max_position_embeddings=LENGTH, n_layers=2, dim=16, n_heads=2, hidden_dim=32, activation="gelu"
        ),
        DistilBertModel,
        DistilBertForSequenceClassification,
    ),
    "roberta": (
        byte_level,
        False,
        lambda n: RobertaConfig(
            vocab_size=n, max_position_embeddings=LENGTH + 2, type_vocab_size=1, layer_norm_eps=1e-5, hidden_act="relu", **SIZE
        ),
        RobertaModel,
        RobertaForSequenceClassification,
    ),
    "xlm-roberta": (
        lambda: unigram(*XLMR_TOKENS, False),
        False,
        # More rows than tokens, as published checkpoints have after padding to a round number.
        lambda n: XLMRobertaConfig(
            vocab_size=n + 6, max_position_embeddings=LENGTH + 2, type_vocab_size=1, layer_norm_eps=1e-5, hidden_act="silu", **SIZE
        ),
        XLMRobertaModel,
        XLMRobertaForSequenceClassification,
    ),
    "mpnet": (
        lambda: wordpiece(*MPNET_TOKENS),
        False,
        lambda n: MPNetConfig(
            vocab_size=n, max_position_embeddings=LENGTH + 2, layer_norm_eps=1e-5, relative_attention_num_buckets=32, **SIZE
        ),
        MPNetModel,
        MPNetForSequenceClassification,
    ),
    "albert": (
        lambda: unigram(*ALBERT_TOKENS, True),
        True,
        lambda n: AlbertConfig(
            vocab_size=n,
            max_position_embeddings=LENGTH,
            embedding_size=8,
            hidden_size=16,
            num_attention_heads=2,
            intermediate_size=32,
            num_hidden_layers=4,
            num_hidden_groups=2,
            inner_group_num=2,
            hidden_act="gelu_new",
            type_vocab_size=2,
        ),
        AlbertModel,
        AlbertForSequenceClassification,
    ),
}

# What comes after the encoder, by architecture; `albert` has no sentence-transformers files at all.
POOLING = {
    "bert": lambda: [Pooling(16, "mean"), Normalize()],
    "distilbert": lambda: [Pooling(16, "cls")],
    "roberta": lambda: [Pooling(16, "max"), Normalize()],
    "xlm-roberta": lambda: [Pooling(16, "mean_sqrt_len_tokens")],
    "mpnet": lambda: [
        Pooling(16, "mean"),
        Dense(16, 12, activation_function=torch.nn.Tanh()),
        Dense(12, 8, bias=False, activation_function=torch.nn.Identity()),
        Normalize(),
    ],
}


def random(model):
    """Weights large enough that every one of them shows in the output."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            norm = "layernorm" in name.lower().replace("_", "") or "layer_norm" in name
            if norm and name.endswith("weight"):
                parameter.copy_(1 + 0.2 * torch.randn_like(parameter))
            else:
                parameter.copy_((0.3 if parameter.dim() > 1 else 0.2) * torch.randn_like(parameter))
    return model.eval()


def encode(tokenizer, types, text, pair=None):
    inputs = tokenizer(text, pair, truncation="longest_first", max_length=LENGTH, return_tensors="pt", return_token_type_ids=types)
    ids = inputs["input_ids"][0].tolist()
    return inputs, ids, inputs["token_type_ids"][0].tolist() if types else [0] * len(ids)


def rounded(values):
    return [float(f"{value:.9g}") for value in values]


def case(text, pair, ids, types, output):
    return {"text": text, "pair": pair, "ids": ids, "types": types, "output": rounded(output)}


def write(folder, cases):
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (folder / "golden.json").write_text(f"[\n{lines}\n]\n")
    for name in ("README.md", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert size < 150_000, f"{folder} is {size} bytes"


def embed(name, folder, tokenizer, types, model):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if name in POOLING:
        encoder = SentenceTransformer(modules=[Transformer(str(folder)), *POOLING[name]()])
        for module in list(encoder)[1:]:
            random(module)
        shutil.rmtree(folder)
        encoder.save(str(folder), create_model_card=False)
    else:
        encoder = SentenceTransformer(str(folder))
    cases = []
    with torch.no_grad():
        for text in TEXTS:
            inputs, ids, kinds = encode(tokenizer, types, text)
            output = encoder(dict(inputs))["sentence_embedding"][0]
            cases.append(case(text, None, ids, kinds, output.tolist()))
    write(folder, cases)


def score(folder, tokenizer, types, model, activation=None):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    encoder = CrossEncoder(str(folder), activation_fn=activation)
    if activation is not None:
        shutil.rmtree(folder)
        encoder.save_pretrained(str(folder), create_model_card=False)
    cases = []
    with torch.no_grad():
        for query, document in PAIRS:
            inputs, ids, kinds = encode(tokenizer, types, query, document)
            output = encoder.activation_fn(model(**inputs).logits[0])
            cases.append(case(query, document, ids, kinds, output.tolist()))
    write(folder, cases)


def classify(name, folder, tokenizer, types, model):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    cases = []
    with torch.no_grad():
        for text in TEXTS + ([WITH_PADDING] if name in COUNTED else []):
            inputs, ids, kinds = encode(tokenizer, types, text)
            logits = model(**inputs).logits[0]
            many = model.config.problem_type == "multi_label_classification"
            output = logits.sigmoid() if many else logits.softmax(-1)
            cases.append(case(text, None, ids, kinds, output.tolist()))
    write(folder, cases)


def labelled(config, name):
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {label: index for index, label in config.id2label.items()}
    # One of each kind: distilbert's labels do not exclude each other.
    config.problem_type = "multi_label_classification" if name == "distilbert" else "single_label_classification"
    return config


def same_model_other_storage(source, folder, dtype, old_names):
    """The weights of `source` in 16 bit, and what the model with exactly these weights, computed in f32, says."""
    shutil.copytree(source, folder)
    weights = {name: tensor.to(dtype) for name, tensor in load_file(source / "model.safetensors").items()}
    encoder = SentenceTransformer(str(source))
    encoder[0].auto_model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    if old_names:
        # As the first BERT checkpoints have it: a prefix, gamma and beta, the buffer of positions, heads of the pretraining.
        weights = {
            "bert." + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
            for name, tensor in weights.items()
        }
        weights["bert.embeddings.position_ids"] = torch.arange(LENGTH + 8).unsqueeze(0)
        weights["cls.predictions.bias"] = torch.zeros(weights["bert.embeddings.word_embeddings.weight"].shape[0], dtype=dtype)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    cases = json.loads((source / "golden.json").read_text())
    with torch.no_grad():
        for item in cases:
            ids = torch.tensor([item["ids"]])
            inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.tensor([item["types"]])}
            item["output"] = rounded(encoder(inputs)["sentence_embedding"][0].tolist())
    write(folder, cases)


def sharded(source, folder):
    shutil.copytree(source, folder)
    (folder / "model.safetensors").unlink()
    BertModel.from_pretrained(source).save_pretrained(folder, max_shard_size="12KB")
    assert (folder / "model.safetensors.index.json").is_file()


def make():
    shutil.rmtree(MODELS, ignore_errors=True)
    MODELS.mkdir(parents=True)
    for seed, (name, (tokens, types, config, encoder, classifier)) in enumerate(ARCHITECTURES.items()):
        torch.manual_seed(seed)
        tokenizer = tokens()
        if types:
            tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
        size = len(tokenizer)
        embed(name, MODELS / f"{name}-embed", tokenizer, types, random(encoder(config(size))))
        one = config(size)
        one.num_labels = 1
        activation = torch.nn.Identity() if name == "roberta" else None
        score(MODELS / f"{name}-score", tokenizer, types, random(classifier(one)), activation)
        classify(name, MODELS / f"{name}-classify", tokenizer, types, random(classifier(labelled(config(size), name))))
    same_model_other_storage(MODELS / "bert-embed", MODELS / "bert-embed-f16", torch.float16, old_names=False)
    same_model_other_storage(MODELS / "bert-embed", MODELS / "bert-embed-bf16", torch.bfloat16, old_names=True)
    sharded(MODELS / "bert-embed", MODELS / "bert-embed-sharded")


def minilm(folder):
    encoder = SentenceTransformer(str(folder))
    cases = []
    with torch.no_grad():
        for text in TEXTS + [document for _, document in PAIRS]:
            inputs = encoder.tokenizer(text, return_tensors="pt")
            output = encoder(dict(inputs))["sentence_embedding"][0]
            cases.append(case(text, None, inputs["input_ids"][0].tolist(), inputs["token_type_ids"][0].tolist(), output.tolist()))
    for item in cases:
        item["output"] = [float(f"{value:.7g}") for value in item["output"]]
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (DATA / "minilm.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minilm", type=Path, help="the folder of all-MiniLM-L6-v2")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.minilm:
        minilm(arguments.minilm)
    else:
        make()
