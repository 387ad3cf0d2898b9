"""KServe's SDK over gRPC: tensors in `contents` and raw."""

import asyncio

import grpc
import numpy as np
from engine import PAIRS, TEXTS, URL, rows, same
from kserve import InferenceGRPCClient, InferInput, InferRequest


def request(model, texts, is_raw):
    data = np.array(texts, dtype=object)
    tensor = InferInput("text", list(data.shape), "BYTES")
    tensor.set_data_from_numpy(data, binary_data=is_raw)
    return InferRequest(model, [tensor], request_id="7")


def output(answer, name):
    found = next(output for output in answer.outputs if output.name == name)
    return np.asarray(found.as_numpy(), dtype=np.float32)


async def main():
    one = [[text] for text in TEXTS]
    async with InferenceGRPCClient(URL.removeprefix("http://"), retries=0) as client:
        assert await client.is_server_live() and await client.is_server_ready()
        assert await client.is_model_ready("encoder") and not await client.is_model_ready("nothing")
        for is_raw in (True, False):
            answer = await client.infer(request("encoder", TEXTS, is_raw))
            assert answer.id == "7" and answer.model_version == "2.1.0", answer
            same(output(answer, "embedding"), rows("encoder", one), f"encoder, raw {is_raw}")
            answer = await client.infer(request("ranker", PAIRS, is_raw))
            same(output(answer, "score"), rows("ranker", PAIRS)[:, 0], f"ranker, raw {is_raw}")
        try:
            await client.infer(request("nothing", TEXTS, True))
            raise SystemExit("nothing answered")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND and "there is no model `nothing`" in error.details(), error


asyncio.run(main())
