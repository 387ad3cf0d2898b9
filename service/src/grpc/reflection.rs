//! `grpc.reflection.v1` and `v1alpha`: which services there are, with the messages of their methods.

use super::wire::DESCRIPTORS;
use crate::protocols::Shared;
use axum::Router;
use tonic_reflection::server::Builder;

/// The longest message that asks for a name; they are read beside the room for all bodies.
const MESSAGE: usize = 8 << 10;

pub(super) fn router() -> Router<Shared> {
    let builder = || Builder::configure().register_encoded_file_descriptor_set(DESCRIPTORS);
    let whole = "the descriptors are those that the protos were compiled to";
    let v1 = builder().build_v1().expect(whole).max_decoding_message_size(MESSAGE);
    let v1alpha = builder().build_v1alpha().expect(whole).max_decoding_message_size(MESSAGE);
    Router::new()
        .route_service("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", v1)
        .route_service("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", v1alpha)
}
