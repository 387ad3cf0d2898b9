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

/// What a shell completes: the program that cargo starts.
const PROGRAM: &str = "cargo-modeldeploy";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut Cli::command(), PROGRAM, &mut script);
    let mut script = String::from_utf8(script).expect("completions are text");
    if args.shell == Shell::Bash {
        // clap_complete 4 writes a hyphen of the program's name in two ways, and no command would have its flags.
        script = script.replace("cargo__subcmd__modeldeploy", "cargo__modeldeploy");
    }
    output.result(script.trim_end(), serde_json::json!({"shell": args.shell.to_string(), "script": script}))?;
    Ok(())
}
