//! The flags of every service. A flag goes before its environment variable.

use crate::Error;
use crate::models::Weight;
use modeldeploy::Warm;
use std::ffi::OsString;
use std::net::SocketAddr;

/// The variables of the environment.
const LISTEN: &str = "MODELDEPLOY_LISTEN";
const WARM: &str = "MODELDEPLOY_WARM";
const WEIGHT: &str = "MODELDEPLOY_WEIGHT";

/// Where a service listens unless it is told otherwise.
const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

pub(crate) const HELP: &str = "\
Options:
      --listen <ADDRESS:PORT>  where to listen; port 0 takes a free one and prints it
                               [env: MODELDEPLOY_LISTEN] [default: 127.0.0.1:8080]
      --warm <HOW>             hold the models in memory before serving: touch (read every page), lock (and keep them), huge (copy
                               them to huge pages: faster, at the price of private memory) [env: MODELDEPLOY_WARM]
      --weight <MODEL/LABEL=SHARE>
                               the share of a version's requests, such as query-encoder/canary=5%, in place of the one in the code; as
                               often as there are versions, or with commas [env: MODELDEPLOY_WEIGHT]
      --self-test              replay the golden vectors of every model inside, say how they compare, and exit
  -h, --help                   print this and exit
  -V, --version                print the versions of the service and its models and exit

Every model inside answers the clients of Triton and KServe (/v2/...), OpenAI (/v1/embeddings), Text Embeddings Inference (/embed, ...),
TensorFlow Serving (/v1/models/NAME:predict), TorchServe (/predictions/NAME) and MLflow (/invocations).
";

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Serve { listen: SocketAddr, warm: Option<Warm>, weights: Vec<Weight> },
    SelfTest,
    Help,
    Version,
}

impl Command {
    /// Reads the arguments after the program's name; `env` gives the environment's variables.
    pub(crate) fn parse(
        args: impl IntoIterator<Item = OsString>,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Command, Error> {
        use lexopt::prelude::{Long, Short};
        let env = |name: &str| {
            let text = |value: OsString| {
                value.into_string().map_err(|value| Error::Options(format!("{name} is {value:?}, which is not UTF-8")))
            };
            env(name).filter(|value| !value.is_empty()).map(text).transpose()
        };
        let wrong = |error: lexopt::Error| Error::Options(error.to_string());
        let mut listen = (LISTEN, env(LISTEN)?.unwrap_or_else(|| DEFAULT_LISTEN.to_owned()));
        let mut warm = env(WARM)?.map(|how| (WARM, how));
        let mut weights: Option<(&str, String)> = None;
        let mut self_test = false;
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next().map_err(wrong)? {
            match arg {
                Long("listen") => listen = ("--listen", parser.value().map_err(wrong)?.to_string_lossy().into_owned()),
                Long("warm") => warm = Some(("--warm", parser.value().map_err(wrong)?.to_string_lossy().into_owned())),
                Long("weight") => {
                    let value = parser.value().map_err(wrong)?.to_string_lossy().into_owned();
                    let before = weights.map_or_else(String::new, |(_, before)| before + ",");
                    weights = Some(("--weight", before + &value));
                }
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
        let warm = warm.map(|(flag, how)| {
            let names = Warm::ALL.map(Warm::name).join(", ");
            Warm::from_name(&how).ok_or_else(|| Error::Options(format!("{flag} is `{how}`, which is none of {names}")))
        });
        let weights = weights.or(env(WEIGHT)?.map(|weights| (WEIGHT, weights)));
        let weights = weights.map(|(flag, weights)| {
            Weight::parse_all(&weights).map_err(|error| Error::Options(format!("{flag}: {error}")))
        });
        let weights = weights.transpose()?.unwrap_or_default();
        Ok(Command::Serve { listen, warm: warm.transpose()?, weights })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str], env: &[(&str, &str)]) -> Result<Command, String> {
        let env = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        Command::parse(args.iter().map(OsString::from), env).map_err(|error| error.to_string())
    }

    fn serve(address: &str, warm: Option<Warm>) -> Result<Command, String> {
        Ok(Command::Serve { listen: address.parse().expect("an address"), warm, weights: vec![] })
    }

    #[test]
    fn a_flag_goes_before_the_environment() {
        let env = [(LISTEN, "0.0.0.0:1"), (WARM, "touch")];
        assert_eq!(parse(&[], &[]), serve("127.0.0.1:8080", None));
        assert_eq!(parse(&[], &env), serve("0.0.0.0:1", Some(Warm::Touch)));
        let flags = ["--listen", "localhost:0", "--warm", "huge"];
        assert_eq!(parse(&flags, &env), serve("127.0.0.1:0", Some(Warm::Huge)));
        assert_eq!(parse(&["--listen=[::1]:9", "--warm=lock"], &[]), serve("[::1]:9", Some(Warm::Lock)));
        assert_eq!(parse(&[], &[(LISTEN, ""), (WARM, "")]), serve("127.0.0.1:8080", None));
        assert_eq!(parse(&["--self-test"], &[]), Ok(Command::SelfTest));
        assert_eq!(parse(&["-V"], &[]), Ok(Command::Version));
        assert_eq!(parse(&["--listen", "x", "--help"], &[]), Ok(Command::Help));
    }

    #[test]
    fn weights_come_from_several_flags_or_from_the_environment() {
        let weights = |args: &[&str], env: &[(&str, &str)]| match parse(args, env) {
            Ok(Command::Serve { weights, .. }) => weights,
            other => panic!("{other:?}"),
        };
        let env = [(WEIGHT, "a/x=1%")];
        assert_eq!(weights(&[], &env), Weight::parse_all("a/x=1%").expect("a weight"));
        let two = Weight::parse_all("a/x=2%,b/y=3%").expect("weights");
        assert_eq!(weights(&["--weight", "a/x=2%", "--weight=b/y=3%"], &env), two);
        assert_eq!(weights(&["--weight", "a/x=2%,b/y=3%"], &[]), two);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (args, env, message) in [
            (&["--listen", "8080"][..], None, "--listen is `8080`"),
            (&["--listen", "127.0.0.1:99999"], None, "127.0.0.1:99999"),
            (&["--listen"], None, "missing argument"),
            (&["--listne"], None, "--listne"),
            (&["shop"], None, "shop"),
            (&["--warm", "hot"], None, "--warm is `hot`, which is none of touch, lock, huge"),
            (&["--weight", "a/x"], None, "--weight: `a/x` is no weight: write it as MODEL/LABEL=5%"),
            (&[], Some((WEIGHT, "a/x=5")), "MODELDEPLOY_WEIGHT: `5` is no share"),
            (&[], Some((LISTEN, "here")), "MODELDEPLOY_LISTEN is `here`"),
            (&[], Some((WARM, "hot")), "MODELDEPLOY_WARM is `hot`"),
        ] {
            let error = parse(args, &Vec::from_iter(env)).expect_err(message);
            assert!(error.contains(message) && error.contains("--help"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_environment_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStringExt;
        let env = |name: &str| (name == LISTEN).then(|| OsString::from_vec(b"127.0.0.1:\xff".to_vec()));
        let error = Command::parse([], env).expect_err("not UTF-8").to_string();
        assert!(error.contains("MODELDEPLOY_LISTEN") && error.contains("not UTF-8"), "{error}");
    }
}
