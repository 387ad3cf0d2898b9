"""gRPC's own packages for health and reflection; and a method called by what reflection says alone, against the engine."""

import grpc
import numpy as np
from engine import TEXTS, URL, rows, same
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

channel = grpc.insecure_channel(URL.removeprefix("http://"))
health = health_pb2_grpc.HealthStub(channel)
SERVICES = [
    "grpc.health.v1.Health",
    "inference.GRPCInferenceService",
    "tensorflow.serving.ModelService",
    "tensorflow.serving.PredictionService",
]
for service in ["", *SERVICES]:
    assert health.Check(health_pb2.HealthCheckRequest(service=service)).status == health_pb2.HealthCheckResponse.SERVING
try:
    health.Check(health_pb2.HealthCheckRequest(service="nothing"))
    raise SystemExit("nothing is healthy")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.NOT_FOUND, error
watched = health.Watch(health_pb2.HealthCheckRequest(service=""))
assert next(watched).status == health_pb2.HealthCheckResponse.SERVING
watched.cancel()
print("  health: each service")

reflection = ProtoReflectionDescriptorDatabase(channel)
assert set(SERVICES) <= set(reflection.get_services()), reflection.get_services()
pool = DescriptorPool(reflection)
infer = pool.FindServiceByName("inference.GRPCInferenceService").FindMethodByName("ModelInfer")
request = GetMessageClass(infer.input_type)(model_name="encoder")
tensor = request.inputs.add(name="text", datatype="BYTES", shape=[len(TEXTS)])
tensor.contents.bytes_contents.extend(text.encode() for text in TEXTS)
call = channel.unary_unary(
    f"/{infer.containing_service.full_name}/{infer.name}",
    request_serializer=lambda message: message.SerializeToString(),
    response_deserializer=GetMessageClass(infer.output_type).FromString,
)
output = call(request).outputs[0]
got = np.array(output.contents.fp32_contents, dtype=np.float32).reshape(output.shape)
same(got, rows("encoder", [[text] for text in TEXTS]), "encoder, by reflection")
assert pool.FindMessageTypeByName("tensorflow.TensorProto").fields_by_name["string_val"].number == 8
