"""What many teams write: FastAPI before ONNX Runtime's int8. `POST /embed {"inputs": "…"}` gives `[[f32]]`."""

import os
from pathlib import Path

import numpy as np
import onnxruntime as ort
from fastapi import FastAPI
from pydantic import BaseModel
from tokenizers import Tokenizer

folder = Path(os.environ["PREPARED"])
options = ort.SessionOptions()
options.intra_op_num_threads, options.inter_op_num_threads = 1, 1
options.log_severity_level = 3
session = ort.InferenceSession(folder / "fused-int8.onnx", options, providers=["CPUExecutionProvider"])
tokenizer = Tokenizer.from_file(str(folder / "model" / "tokenizer.json"))
tokenizer.enable_truncation(256)
tokenizer.enable_padding()
app = FastAPI()


class Request(BaseModel):
    inputs: str | list[str]


@app.get("/health")
def health():
    return {}


# Not async: the framework runs it on a thread of its pool, so that its loop goes on.
@app.post("/embed")
def embed(request: Request):
    texts = [request.inputs] if isinstance(request.inputs, str) else request.inputs
    encoded = tokenizer.encode_batch(texts)
    ids = np.array([one.ids for one in encoded], np.int32)
    mask = np.array([one.attention_mask for one in encoded], np.int32)
    (rows,) = session.run(None, {"input_ids": ids, "token_type_ids": np.zeros_like(ids), "attention_mask": mask})
    return rows.tolist()
