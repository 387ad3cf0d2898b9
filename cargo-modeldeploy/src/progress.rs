//! A progress bar for long work: on stderr, only where that is a terminal and the user wants to hear of it.

use crate::output::Output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use modeldeploy_compiler::pipeline::{Event, Progress};
use std::io::IsTerminal;
use std::sync::Mutex;
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

/// Does long work with a bar that shows how far it is; what is worth knowing is said at once, above the bar.
pub(crate) fn during<T>(output: &mut Output<'_>, work: impl FnOnce(Progress<'_>) -> T) -> T {
    let bar = bar(output);
    let output = Mutex::new(output);
    let note = |note: &str| bar.suspend(|| output.lock().expect("nothing panics while it is held").note(note));
    let done = work(&|event| match event {
        Event::Begin(name) => bar.set_message(name.to_owned()),
        Event::Stage(stage, at, total) => {
            bar.set_prefix(stage);
            bar.set_length(total as u64);
            bar.set_position(at as u64);
        }
        Event::Note(said) => note(said),
        Event::Waiting => note("another build has the store: this one waits for it"),
    });
    bar.finish_and_clear();
    done
}
