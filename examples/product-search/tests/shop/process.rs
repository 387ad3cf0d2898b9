//! The shop's own program.

use modeldeploy_house::shop::{self, Shop};
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_product-search");

/// The program with these arguments, its packs being there.
pub(crate) fn program(args: &[&str]) -> Command {
    shop::program(PROGRAM, args)
}

/// A running shop.
pub(crate) fn open() -> Shop {
    Shop::start(program(&[]))
}
