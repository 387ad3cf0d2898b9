"""OpenVINO: a model compiled for each shape that it meets, which is where it is fastest, or one for all shapes."""

import os

import numpy as np
import openvino as ov

from protocol import padded, pooled, serve


def load(folder, precision, threads):
    core = ov.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "ENABLE_HYPER_THREADING": False, "INFERENCE_PRECISION_HINT": "f32"}
    model = core.read_model(folder / f"openvino-{precision}.xml")
    is_dynamic = os.environ.get("PEER_SHAPES") == "dynamic"
    requests = {}

    def request(shape):
        shape = None if is_dynamic else shape
        if shape not in requests:
            shaped = model.clone()
            if shape:
                shaped.reshape({tensor.get_any_name(): list(shape) for tensor in shaped.inputs})
            requests[shape] = core.compile_model(shaped, "CPU", settings).create_infer_request()
        return requests[shape]

    def run(texts):
        ids, mask = padded(texts)
        feeds = {"input_ids": ids, "token_type_ids": np.zeros_like(ids), "attention_mask": mask}
        infer = request(ids.shape)
        infer.infer(feeds, share_inputs=True, share_outputs=True)
        return pooled(infer.get_output_tensor(0).data, mask)

    return run


serve(f"OpenVINO {ov.__version__.split('-')[0]}, {os.environ.get('PEER_SHAPES', 'static')} shapes", load)
