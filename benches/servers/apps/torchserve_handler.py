"""TorchServe's handler for the encoder: `POST /predictions/encoder {"data": "…"}`."""

import os
import sys
from pathlib import Path

from ts.torch_handler.base_handler import BaseHandler

sys.path.insert(0, str(Path(os.environ["APPS"])))


class Encoder(BaseHandler):
    def initialize(self, context):
        from flask_pytorch import vectors

        self.vectors = vectors
        self.initialized = True

    def handle(self, data, context):
        bodies = [row.get("data") or row.get("body") for row in data]
        texts = [body["data"] if isinstance(body, dict) else bytes(body).decode() for body in bodies]
        return self.vectors(texts)
