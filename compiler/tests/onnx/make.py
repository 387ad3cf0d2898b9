"""Exports the small models under ../data/models to ONNX, by both of PyTorch's exporters, into ../data/onnx.

    python -m venv .venv && .venv/bin/pip install torch transformers onnx onnxscript
    .venv/bin/python make.py

The weights are those of the models, which their own recipe seeds; what exporters say of lines of Python is left out. Written with torch 2.15,
transformers 5.24 and onnx 1.23, but those of RoBERTa, XLM-RoBERTa, MPNet and ALBERT by `torchscript` with torch 2.9.1 and transformers
4.57. With `--optimum` only what optimum exports is written, which needs an older transformers and so an environment of its own:
`pip install torch onnx optimum-onnx==0.1.0`, with transformers 4.57.
"""

import pathlib
import sys
import tempfile

import onnx
import torch
import transformers

HERE = pathlib.Path(__file__).parent
MODELS = HERE / "../data/models"
OUT = HERE / "../data/onnx"

# A model's folder, its class, what of its output is taken, and the exporters.
EXPORTS = [
    ("bert-embed", transformers.AutoModel, "last_hidden_state", ["torchscript", "dynamo", "opset13"]),
    ("bert-score", transformers.AutoModelForSequenceClassification, "logits", ["torchscript", "dynamo"]),
    ("bert-classify", transformers.AutoModelForSequenceClassification, "logits", ["dynamo"]),
    ("distilbert-embed", transformers.AutoModel, "last_hidden_state", ["torchscript", "dynamo"]),
    ("roberta-embed", transformers.AutoModel, "last_hidden_state", ["torchscript", "dynamo"]),
    ("roberta-score", transformers.AutoModelForSequenceClassification, "logits", ["torchscript", "dynamo"]),
    ("xlm-roberta-embed", transformers.AutoModel, "last_hidden_state", ["torchscript", "dynamo"]),
    ("mpnet-embed", transformers.AutoModel, "last_hidden_state", ["torchscript", "dynamo"]),
    ("mpnet-score", transformers.AutoModelForSequenceClassification, "logits", ["torchscript", "dynamo"]),
    ("albert-embed", transformers.AutoModel, "last_hidden_state", ["torchscript", "dynamo"]),
]


class Taken(torch.nn.Module):
    """A model with its inputs in an order and one tensor as its output."""

    def __init__(self, model, names, output):
        super().__init__()
        self.model, self.names, self.output = model, names, output

    def forward(self, *inputs):
        return getattr(self.model(**dict(zip(self.names, inputs))), self.output)


def export(folder, kind, output, exporter, path):
    # What was usual before: an older opset, and attention written out.
    old = exporter == "opset13"
    # MPNet has no other.
    written = old or folder.name.startswith("mpnet")
    model = kind.from_pretrained(folder, attn_implementation="eager" if written else "sdpa").eval()
    names = ["input_ids", "attention_mask"] + ["token_type_ids"] * (model.config.model_type in ("bert", "albert"))
    ids = torch.arange(14).reshape(2, 7) % 5
    inputs = (ids, torch.ones_like(ids), torch.zeros_like(ids))[: len(names)]
    taken = Taken(model, names, output)
    if exporter != "dynamo":
        axes = {name: {0: "batch", 1: "sequence"} for name in names}
        axes[output] = {0: "batch", 1: "sequence"} if output == "last_hidden_state" else {0: "batch"}
        opset = 13 if old else 17
        torch.onnx.export(
            taken, inputs, path, input_names=names, output_names=[output], dynamic_axes=axes, opset_version=opset, dynamo=False
        )
    else:
        shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence", max=32)}
        torch.onnx.export(
            taken,
            inputs,
            path,
            input_names=names,
            output_names=[output],
            dynamic_shapes=((shape,) * len(names),),
            dynamo=True,
            external_data=False,
        )


def plain(model):
    """The model without what exporters say of themselves."""
    del model.metadata_props[:]
    model.doc_string = ""
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    return model


def optimum():
    from optimum.exporters.onnx import main_export

    with tempfile.TemporaryDirectory() as folder:
        main_export(str(MODELS / "bert-embed"), output=folder, task="feature-extraction", library_name="transformers")
        onnx.save(plain(onnx.load(pathlib.Path(folder) / "model.onnx")), OUT / "bert-embed-optimum.onnx")


def main():
    OUT.mkdir(exist_ok=True)
    if "--optimum" in sys.argv:
        optimum()
        return
    for name, kind, output, exporters in EXPORTS:
        for exporter in exporters:
            with tempfile.TemporaryDirectory() as folder:
                path = str(pathlib.Path(folder) / "model.onnx")
                export(MODELS / name, kind, output, exporter, path)
                onnx.save(plain(onnx.load(path)), OUT / f"{name}-{exporter}.onnx")


if __name__ == "__main__":
    main()
