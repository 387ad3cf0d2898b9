"""A model's folder in the form that each peer reads, in the best int8 that its own tools make.

    prepare.py <model folder> <out folder>
"""

import logging
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import ctranslate2
import nncf
import numpy as np
import openvino as ov
import torch
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoModel, AutoTokenizer

from bert_onnx import export

# Shoppers' queries and titles: what OpenVINO's quantizer calibrates on.
TEXTS = Path(__file__).parent.parent.parent / "compiler/src/compress/calibration.txt"


def onnx_runtime(model: Path, out: Path) -> None:
    export(model, out / "fused-f32.onnx")
    quantize_dynamic(
        out / "fused-f32.onnx",
        out / "fused-int8.onnx",
        weight_type=QuantType.QInt8,
        per_channel=True,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )


class Hidden(torch.nn.Module):
    """The rows of the last layer alone, so that an export has one output."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def plain_onnx(model: Path, out: Path) -> None:
    """The standard's operators alone, for the engines that know no other."""
    torch_model = AutoModel.from_pretrained(model, dtype=torch.float32, attn_implementation="eager").eval()
    example = torch.ones(2, 7, dtype=torch.int64)
    names = ["input_ids", "attention_mask", "last_hidden_state"]
    torch.onnx.export(
        Hidden(torch_model),
        (example, example),
        out / "plain-f32.onnx",
        dynamo=False,
        opset_version=17,
        input_names=names[:2],
        output_names=names[2:],
        dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names},
    )
    quantize_dynamic(out / "plain-f32.onnx", out / "plain-int8.onnx", weight_type=QuantType.QInt8, per_channel=True)


def openvino(model: Path, out: Path) -> None:
    torch_model = AutoModel.from_pretrained(model, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(model)
    texts = [line for line in TEXTS.read_text().splitlines() if line and not line.startswith("#")]
    rows = [dict(tokenizer(text, return_tensors="np", truncation=True, max_length=128)) for text in texts]
    rows = [{name: value.astype(np.int64) for name, value in row.items()} for row in rows]
    example = {name: torch.from_numpy(value) for name, value in rows[0].items()}
    converted = ov.convert_model(torch_model, example_input=example)
    for tensor in converted.inputs:
        tensor.get_node().set_partial_shape(ov.PartialShape([-1, -1]))
    converted.validate_nodes_and_infer_types()
    ov.save_model(converted, out / "openvino-f32.xml", compress_to_fp16=False)
    int8 = nncf.quantize(converted, nncf.Dataset(rows), model_type=nncf.ModelType.TRANSFORMER, subset_size=len(rows))
    ov.save_model(int8, out / "openvino-int8.xml", compress_to_fp16=False)


def main() -> None:
    model, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    logging.getLogger().setLevel(logging.ERROR)
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "model").exists():
        (out / "model").symlink_to(model)
    onnx_runtime(model, out)
    plain_onnx(model, out)
    openvino(model, out)
    ctranslate2.converters.TransformersConverter(str(model)).convert(str(out / "ctranslate2"), force=True)


if __name__ == "__main__":
    main()
