//! `completions`: a script that teaches a shell the commands and flags, as `cargo modeldeploy` is typed.
//!
//! bash knows the words after `cargo` by one function, so the script puts one of its own before it; fish takes more words from any
//! script; zsh's `_cargo` asks the function `_cargo-modeldeploy`. Other shells complete the program `cargo-modeldeploy`.

use crate::cli::Cli;
use crate::exit::Failure;
use crate::output::Output;
use clap::CommandFactory;
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  echo 'source <(cargo modeldeploy completions bash)' >> ~/.bashrc
  cargo modeldeploy completions zsh > ~/.zfunc/_cargo-modeldeploy    ~/.zfunc is in $fpath, and so is cargo's own _cargo
  cargo modeldeploy completions fish > ~/.config/fish/conf.d/cargo-modeldeploy.fish";

/// The program that cargo starts.
const PROGRAM: &str = "cargo-modeldeploy";

/// What follows clap's script for bash.
const TYPED_IN_BASH: &str = include_str!("../../completions/cargo.bash");

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let (mut command, name) = match args.shell {
        Shell::Fish => (as_typed(), "cargo"),
        _ => (Cli::command(), PROGRAM),
    };
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    let mut script = String::from_utf8(script).expect("completions are text");
    if args.shell == Shell::Bash {
        // clap_complete 4 writes a hyphen of the program's name in two ways, and no command would have its flags.
        script = script.replace("cargo__subcmd__modeldeploy", "cargo__modeldeploy") + TYPED_IN_BASH;
    }
    output.result(script.trim_end(), serde_json::json!({"shell": args.shell.to_string(), "script": script}))?;
    Ok(())
}

/// Cargo with one command.
fn as_typed() -> clap::Command {
    let command = Cli::command().name("modeldeploy").disable_help_subcommand(true);
    let cargo = clap::Command::new("cargo").disable_help_flag(true).disable_help_subcommand(true);
    cargo.subcommand(command)
}
