//! `completions`: a script that teaches a shell the commands and flags.

use crate::cli::Cli;
use crate::exit::Failure;
use crate::output::Output;
use clap::CommandFactory;
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy completions bash > ~/.local/share/bash-completion/completions/cargo-modeldeploy
  cargo modeldeploy completions zsh > ~/.zfunc/_cargo-modeldeploy
  cargo modeldeploy completions fish > ~/.config/fish/completions/cargo-modeldeploy.fish";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut Cli::command(), "cargo-modeldeploy", &mut script);
    let script = String::from_utf8(script).expect("completions are text");
    output.result(script.trim_end(), serde_json::json!({"shell": args.shell.to_string(), "script": script}))?;
    Ok(())
}
