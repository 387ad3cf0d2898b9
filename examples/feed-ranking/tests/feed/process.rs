//! The shop's own program.

use modeldeploy_house::shop::{self, Shop};
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_feed-ranking");

/// The program with these arguments, its packs being there.
pub(crate) fn program(args: &[&str]) -> Command {
    shop::program(PROGRAM, args)
}

/// A running shop.
pub(crate) fn open() -> Shop {
    Shop::start(program(&[]))
}

/// A running shop whose models run on this instruction set.
pub(crate) fn on(isa: &str) -> Shop {
    let mut command = program(&[]);
    command.env("MODELDEPLOY_ISA", isa);
    Shop::start(command)
}

/// The command, `cargo modeldeploy`.
pub(crate) fn modeldeploy() -> Command {
    shop::modeldeploy(PROGRAM.as_ref())
}
