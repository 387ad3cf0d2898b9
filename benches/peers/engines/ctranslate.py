"""CTranslate2's encoder, with the pooling in numpy."""

import ctranslate2
import numpy as np

from protocol import padded, pooled, serve


def load(folder, precision, threads):
    kind = {"int8": "int8_float32", "f32": "float32"}[precision]
    encoder = ctranslate2.Encoder(str(folder / "ctranslate2"), compute_type=kind, inter_threads=1, intra_threads=threads)

    def run(texts):
        output = encoder.forward_batch(texts)
        return pooled(np.asarray(output.last_hidden_state), padded(texts)[1])

    return run


serve(f"CTranslate2 {ctranslate2.__version__}", load)
