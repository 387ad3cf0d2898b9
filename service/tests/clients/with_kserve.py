"""KServe's SDK: protocol v2 with binary and JSON tensors, and v1."""

import asyncio

import numpy as np
from engine import PAIRS, TEXTS, URL, rows, same
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig


def request(model, texts, binary_in, binary_out):
    data = np.array(texts, dtype=object)
    tensor = InferInput("text", list(data.shape), "BYTES")
    tensor.set_data_from_numpy(data, binary_data=binary_in)
    return InferRequest(model, [tensor], parameters={"binary_data_output": binary_out})


def output(answer, name):
    found = next(output for output in answer.outputs if output.name == name)
    return found.as_numpy()


async def main():
    one = [[text] for text in TEXTS]
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        assert await client.is_server_live(URL) and await client.is_server_ready(URL)
        assert await client.is_model_ready(URL, "encoder") and not await client.is_model_ready(URL, "nothing")
        for binary_in in (True, False):
            for binary_out in (True, False):
                answer = await client.infer(URL, request("encoder", TEXTS, binary_in, binary_out), "encoder")
                what = f"v2 encoder, binary in {binary_in}, out {binary_out}"
                same(output(answer, "embedding"), rows("encoder", one), what)
        answer = await client.infer(URL, request("ranker", PAIRS, True, True), "ranker")
        same(output(answer, "score"), rows("ranker", PAIRS)[:, 0], "v2 ranker")
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        assert await client.is_model_ready(URL, "encoder")
        answer = await client.infer(URL, {"instances": TEXTS}, "encoder")
        same(np.array(answer["predictions"], dtype=np.float32), rows("encoder", one), "v1 encoder")


asyncio.run(main())
