//! Keys, envelopes and signatures of models against what others have published, and against those who mean harm.

#![forbid(unsafe_code)]

mod certificates;
mod envelopes;
mod hostile;
mod keys;
mod models;
mod openssl;
mod policy;
mod provenance;
mod specifications;
