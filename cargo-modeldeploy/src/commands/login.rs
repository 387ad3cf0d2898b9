//! `login`: proves a name and a password to a registry and keeps them where Docker does.

use crate::exit::Failure;
use crate::output::Output;
use crate::sources::diagnostic;
use modeldeploy_registry::credentials::{Credentials, keep};
use modeldeploy_registry::remote::Remote;
use modeldeploy_registry::{Error, Kind, Options};
use serde_json::json;
use std::io::{self, BufRead, IsTerminal, Read};

/// The longest password: tokens of clouds have some kilobytes.
const PASSWORD: u64 = 64 << 10;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy login registry.example.com --username ada < password.txt
  echo \"$TOKEN\" | cargo modeldeploy login ghcr.io --username ada";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The registry's host, with its port
    host: String,
    /// Who asks; the password, or a token in its place, is read from stdin, and not shown where it is typed
    #[arg(long, short)]
    username: String,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let host = args.host.strip_prefix("oci://").unwrap_or(&args.host).trim_end_matches('/');
    let wrong = |what: &str| {
        diagnostic(Error::new(Kind::Reference, what).at(host).help("name the host alone: registry.example.com:5000"))
    };
    if host.is_empty() || host.contains(['/', '@', ' ']) {
        return Err(wrong("this is no host of a registry").into());
    }
    if args.username.is_empty() || args.username.contains(':') {
        return Err(wrong("a name has no `:`, and is not empty").into());
    }
    let password = password()
        .map_err(|error| diagnostic(Error::new(Kind::Io, format!("the password cannot be read: {error}"))))?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        return Err(wrong("no password came from stdin").into());
    }
    let credentials = Credentials::Password { user: args.username.clone(), password: password.clone() };
    Remote::login(host, &credentials, Options::default()).map_err(diagnostic)?;
    let place = keep(host, &args.username, &password).map_err(diagnostic)?;
    output.step("Logged in", format_args!("{} at {host}; kept in {place}", args.username));
    output.result("", json!({"host": host, "username": args.username, "kept": place}))?;
    Ok(())
}

/// The first line of stdin; a terminal is asked without an echo.
fn password() -> io::Result<String> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password("Password: ");
    }
    let mut password = String::new();
    io::stdin().lock().take(PASSWORD).read_line(&mut password)?;
    Ok(password)
}
