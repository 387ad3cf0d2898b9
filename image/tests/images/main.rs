//! Images: written the same everywhere, valid under their specification, read back, and refused where they mislead.

#![forbid(unsafe_code)]

mod attacks;
mod elf;
mod foreign;
mod forge;
mod hostile;
mod schema;
mod written;
