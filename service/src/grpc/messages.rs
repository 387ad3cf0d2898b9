//! The messages of a stream, each with what it has of the room for all bodies until it is answered.

use super::call::PREFIX;
use crate::bodies::Share;
use prost::Message;
use prost::bytes::Buf;
use std::sync::Arc;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic::{Status, Streaming};
use tonic_prost::{ProstCodec, ProstDecoder};

/// A stream of messages.
pub(crate) type Messages<Q> = Streaming<Weighed<Q>>;

/// A message and its share.
#[derive(Debug)]
pub(crate) struct Weighed<Q> {
    pub(crate) message: Q,
    /// To be held until the message is answered.
    pub(crate) share: Share,
}

/// Protobuf, each message weighed as it is read.
#[derive(Debug)]
pub(super) struct Weighing<A, Q> {
    codec: ProstCodec<A, Q>,
    /// That of the stream.
    share: Arc<Share>,
}

impl<A: Message + 'static, Q: Message + Default + 'static> Weighing<A, Q> {
    pub(super) fn new(share: Arc<Share>) -> Weighing<A, Q> {
        Weighing { codec: ProstCodec::new(), share }
    }
}

impl<A: Message + 'static, Q: Message + Default + 'static> Codec for Weighing<A, Q> {
    type Encode = A;
    type Decode = Weighed<Q>;
    type Encoder = <ProstCodec<A, Q> as Codec>::Encoder;
    type Decoder = Weigher<Q>;

    fn encoder(&mut self) -> Self::Encoder {
        self.codec.encoder()
    }

    fn decoder(&mut self) -> Weigher<Q> {
        Weigher { decoder: self.codec.decoder(), share: self.share.clone() }
    }
}

/// The decoder of [`Weighing`].
#[derive(Debug)]
pub(super) struct Weigher<Q> {
    decoder: ProstDecoder<Q>,
    share: Arc<Share>,
}

impl<Q: Message + Default> Decoder for Weigher<Q> {
    type Item = Weighed<Q>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Weighed<Q>>, Status> {
        let bytes = PREFIX + buffer.remaining();
        let decoded = self.decoder.decode(buffer)?;
        Ok(decoded.map(|message| Weighed { message, share: self.share.part(bytes) }))
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.decoder.buffer_settings()
    }
}
