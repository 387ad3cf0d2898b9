//! The commands as their user starts them: the program itself, in a workspace of its own, with small models that PyTorch wrote.

#![forbid(unsafe_code)]

mod audit;
mod completions;
mod damage;
mod deploy;
mod embeddings;
mod gate;
mod help;
mod image;
mod index;
mod inspect;
mod lock;
mod manifest;
mod network;
mod passed;
mod policy;
mod rank;
mod registry;
mod shop;
mod signatures;
mod weights;
