//! The flags of every service. A flag goes before its environment variable.

use crate::Error;
use std::ffi::OsString;
use std::net::SocketAddr;

/// Where a service listens unless it is told otherwise.
const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

pub(crate) const HELP: &str = "\
Options:
      --listen <ADDRESS:PORT>  where to listen; port 0 takes a free one and prints it
                               [env: MODELDEPLOY_LISTEN] [default: 127.0.0.1:8080]
      --self-test              replay the golden vectors of every model inside, say how they compare, and exit
  -h, --help                   print this and exit
  -V, --version                print the versions of the service and its models and exit
";

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Serve { listen: SocketAddr },
    SelfTest,
    Help,
    Version,
}

impl Command {
    /// Reads the arguments after the program's name; `listen` is the environment's address.
    pub(crate) fn parse(args: impl IntoIterator<Item = OsString>, listen: Option<&str>) -> Result<Command, Error> {
        use lexopt::prelude::{Long, Short};
        let wrong = |error: lexopt::Error| Error::Options(error.to_string());
        let mut listen = ("MODELDEPLOY_LISTEN", listen.unwrap_or(DEFAULT_LISTEN).to_owned());
        let mut self_test = false;
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next().map_err(wrong)? {
            match arg {
                Long("listen") => listen = ("--listen", parser.value().map_err(wrong)?.to_string_lossy().into_owned()),
                Long("self-test") => self_test = true,
                Short('h') | Long("help") => return Ok(Command::Help),
                Short('V') | Long("version") => return Ok(Command::Version),
                other => return Err(wrong(other.unexpected())),
            }
        }
        if self_test {
            return Ok(Command::SelfTest);
        }
        let (flag, value) = listen;
        let address = value.replacen("localhost:", "127.0.0.1:", 1);
        let listen = address.parse().map_err(|_| {
            Error::Options(format!("{flag} is `{value}`, which is not an address and a port like 127.0.0.1:8080"))
        })?;
        Ok(Command::Serve { listen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str], env: Option<&str>) -> Result<Command, String> {
        Command::parse(args.iter().map(OsString::from), env).map_err(|error| error.to_string())
    }

    fn serve(address: &str) -> Result<Command, String> {
        Ok(Command::Serve { listen: address.parse().expect("an address") })
    }

    #[test]
    fn a_flag_goes_before_the_environment() {
        assert_eq!(parse(&[], None), serve("127.0.0.1:8080"));
        assert_eq!(parse(&[], Some("0.0.0.0:1")), serve("0.0.0.0:1"));
        assert_eq!(parse(&["--listen", "localhost:0"], Some("0.0.0.0:1")), serve("127.0.0.1:0"));
        assert_eq!(parse(&["--listen=[::1]:9"], None), serve("[::1]:9"));
        assert_eq!(parse(&["--self-test"], None), Ok(Command::SelfTest));
        assert_eq!(parse(&["-V"], None), Ok(Command::Version));
        assert_eq!(parse(&["--listen", "x", "--help"], None), Ok(Command::Help));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (args, env, message) in [
            (&["--listen", "8080"][..], None, "--listen is `8080`"),
            (&["--listen", "127.0.0.1:99999"], None, "127.0.0.1:99999"),
            (&["--listen"], None, "missing argument"),
            (&["--listne"], None, "--listne"),
            (&["shop"], None, "shop"),
            (&[], Some("here"), "MODELDEPLOY_LISTEN is `here`"),
        ] {
            let error = parse(args, env).expect_err(message);
            assert!(error.contains(message) && error.contains("--help"), "{error}");
        }
    }
}
