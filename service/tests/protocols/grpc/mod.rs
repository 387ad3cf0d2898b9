//! gRPC over a real socket: the values are the engine's own, to the bit.

mod bounds;
mod client;
mod embeddings;
mod health;
mod oip;
mod rankers;
mod statistics;
mod streams;
mod tfserving;
mod versions;
