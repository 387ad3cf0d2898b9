//! A progress bar for long work: on stderr, only where that is a terminal and the user wants to hear of it.

use crate::output::Output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// A bar without a length until [`ProgressBar::set_length`]; hidden where nobody would see it.
pub(crate) fn bar(output: &Output<'_>) -> ProgressBar {
    let visible = output.is_chatty() && std::io::stderr().is_terminal();
    let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    let style = ProgressStyle::with_template("{prefix:>12.cyan.bold} [{bar:28}] {pos}/{len} {msg} {eta:.dim}")
        .expect("the template is right")
        .progress_chars("=> ");
    bar.set_style(style);
    if visible {
        bar.enable_steady_tick(Duration::from_millis(120));
    }
    bar
}
