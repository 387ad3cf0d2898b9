//! Command lines, environments and files, and what is said of wrong ones.

use super::*;
use crate::Error;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

/// A file of its own for a test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, text: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("modeldeploy-config-{}-{name}", std::process::id()));
        std::fs::write(&path, text).expect("a file");
        Scratch(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

fn base() -> Config {
    Config::with(Limits::default())
}

fn read(args: &[&str], vars: &[(&str, &str)]) -> Result<Command, String> {
    let vars = vars.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Command::read(args.iter().map(OsString::from), vars, base()).map_err(|error| error.to_string())
}

#[track_caller]
fn config(args: &[&str], vars: &[(&str, &str)]) -> Config {
    match read(args, vars) {
        Ok(Command::Serve(config)) => *config,
        other => panic!("{args:?} {vars:?}: {other:?}"),
    }
}

#[track_caller]
fn printed(args: &[&str], vars: &[(&str, &str)]) -> String {
    match read(args, vars) {
        Ok(Command::Print(text) | Command::Help(text)) => text,
        other => panic!("{args:?} {vars:?}: {other:?}"),
    }
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let file =
        Scratch::new("order", "listen = '127.9.9.9:1'\nmax-texts = 0x10\nwarm = 'touch'\nmax-body-bytes = \"2MiB\"\n");
    let listens = |address: &str, args: &[&str], vars: &[(&str, &str)]| {
        assert_eq!(config(args, vars).listen.to_string(), address, "{args:?} {vars:?}");
    };
    let (by_flag, by_variable) = (["--config", file.path()], [("MODELDEPLOY_CONFIG", file.path())]);
    listens("127.0.0.1:8080", &[], &[]);
    listens("127.9.9.9:1", &by_flag, &[]);
    listens("127.9.9.9:1", &[], &by_variable);
    let both = [by_variable[0], ("MODELDEPLOY_LISTEN", "127.9.9.9:2")];
    listens("127.9.9.9:2", &[], &both);
    listens("127.0.0.1:3", &["--listen", "localhost:3"], &both);
    listens("[::1]:4", &["--listen=[::1]:4"], &both);
    listens("[::1]:5", &["--listen=[::1]:4", "--listen", "[::1]:5"], &both);
    // What is empty is not set.
    listens("127.9.9.9:1", &[], &[by_variable[0], ("MODELDEPLOY_LISTEN", "")]);
    let all = config(&["--warm=lock"], &both);
    assert_eq!((all.warm, all.limits.texts, all.limits.body_bytes), (Some(Warm::Lock), 16, 2 << 20));
    // Where nobody says anything, the service's own limits hold.
    assert_eq!(all.limits.deadline, Limits::default().deadline);
}

#[test]
fn the_variables_of_builds_and_of_the_engine_are_passed_over() {
    for name in modeldeploy::format::variables::ALL {
        // A value that any of them may have, and the option of threads too.
        config(&[], &[(name, "1")]);
    }
    let wrong = read(&[], &[("MODELDEPLOY_LISTE", "1")]).expect_err("almost an option's");
    assert!(wrong.contains("did you mean MODELDEPLOY_LISTEN?"), "{wrong}");
}

#[test]
fn every_limit_is_an_option() {
    let all = config(
        &[
            "--max-connections=1",
            "--max-connections-per-peer=2",
            "--header-timeout=3s",
            "--max-headers=4",
            "--max-header-bytes=10KiB",
            "--max-streams=12",
            "--ping=13s",
            "--body-timeout=5s",
            "--max-body-bytes=6",
            "--max-bodies-bytes=14",
            "--max-texts=7",
            "--max-tokens=8",
            "--max-candidates=15",
            "--deadline=9s",
            "--write-timeout=10s",
            "--max-connection-age=11s",
            "--grace=0s",
        ],
        &[],
    );
    let limits = Limits {
        connections: 1,
        peer_connections: 2,
        head: Duration::from_secs(3),
        headers: 4,
        head_bytes: 10240,
        streams: 12,
        ping: Duration::from_secs(13),
        body: Duration::from_secs(5),
        body_bytes: 6,
        bodies_bytes: 14,
        texts: 7,
        tokens: 8,
        candidates: 15,
        deadline: Duration::from_secs(9),
        write: Duration::from_secs(10),
        age: Duration::from_secs(11),
        grace: Duration::ZERO,
    };
    assert_eq!(all.limits, limits);
}

#[test]
fn weights_are_a_list() {
    let weights = crate::models::Weight::parse_all("a/x=2%,b/y=0.5%").expect("weights");
    let file = Scratch::new("weights", "weights = ['a/x=2%', 'b/y=0.5%']");
    assert_eq!(config(&["--weights", "a/x=2%, b/y=0.5%"], &[("MODELDEPLOY_WEIGHTS", "a/x=1%")]).weights, weights);
    assert_eq!(config(&["--config", file.path()], &[]).weights, weights);
    let text = printed(&["--weights=a/x=2%,b/y=0.5%", "--print-config"], &[]);
    assert!(text.contains(r#"weights = ["a/x=2%", "b/y=0.5%"]"#), "{text}");
}

#[test]
fn actions_go_before_options() {
    assert_eq!(read(&["--self-test"], &[]), Ok(Command::SelfTest));
    assert_eq!(read(&["-V"], &[]), Ok(Command::Version));
    for args in [&["--listen", "x", "--help"][..], &["-h", "--nothing"]] {
        assert!(printed(args, &[]).contains("--self-test"), "{args:?}");
    }
    assert!(read(&["--self-test", "--listen", "x"], &[]).is_err());
}

#[test]
fn help_names_every_option_with_its_default() {
    let help = printed(&["--help"], &[]);
    for row in sections::rows() {
        assert!(help.contains(&format!("--{}", row.name)), "{}", row.name);
    }
    for line in [
        "Limits on what clients take:\n",
        "      --listen <ADDRESS:PORT>\n",
        "[default: 127.0.0.1:8080]\n",
        " [default: 64KiB]",
    ] {
        assert!(help.contains(line), "{line:?} is not in\n{help}");
    }
}

#[test]
fn an_option_has_one_name() {
    let names: Vec<&str> = sections::rows().map(|row| row.name).collect();
    let actions = ["self-test", "print-config", "print-sandbox", "help", "version", "config"];
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    for name in names {
        assert!(!actions.contains(&name), "{name} is an action");
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name}");
    }
}

#[test]
fn what_is_printed_says_who_set_it_and_is_a_file() {
    let file = Scratch::new("from", "# ours\n\nmax-texts = 5\ndeadline = '1s'\n");
    let args = ["--listen=127.9.9.9:7", "--config", file.path(), "--print-config"];
    let vars = [("MODELDEPLOY_WARM", "huge"), ("MODELDEPLOY_DEADLINE", "2s")];
    let text = printed(&args, &vars);
    let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}\n{text}"));
    let origin = |name: &str| line(name).split(" # ").nth(1).expect("an origin").to_owned();
    assert_eq!(origin("listen ="), "--listen");
    assert_eq!(origin("warm ="), "MODELDEPLOY_WARM");
    assert_eq!(origin("deadline ="), "MODELDEPLOY_DEADLINE");
    assert_eq!(origin("max-texts ="), format!("{}:3: `max-texts`", file.path()));
    assert_eq!(origin("max-tokens ="), "default");
    let again = Scratch::new("again", &text);
    assert_eq!(config(&["--config", again.path()], &[]), config(&args[..3], &vars));
    let own = Config::with(Limits { texts: 3, ..Limits::default() });
    let Ok(Command::Print(text)) = Command::read(["--print-config".into()], [], own) else { panic!("a text") };
    assert!(text.lines().any(|line| line.starts_with("max-texts = 3 ") && line.ends_with("the service's own default")));
}

#[test]
fn what_is_wrong_is_named() {
    for (args, variable, messages) in [
        (&["--listen", "8080"][..], None, &["--listen is `8080`; expected an address and a port"][..]),
        (&["--listen", "127.0.0.1:99999"], None, &["127.0.0.1:99999"]),
        (&["--listen"], None, &["--listen wants a value"]),
        (&["--listne", "x"], None, &["--listne is no flag; did you mean --listen?"]),
        (&["--self-tset=x"], None, &["did you mean --self-test?"]),
        (&["--nothing-like-it"], None, &["--nothing-like-it is no flag\n"]),
        (&["shop", "-x"], None, &["shop is not expected", "-x is no flag"]),
        (&["--warm", "hot"], None, &["--warm is `hot`; expected one of touch, lock, huge"]),
        (&["--weights", "a/x=5%,b"], None, &["--weights is `a/x=5%,b`; expected MODEL/LABEL=SHARE", "in place of `b`"]),
        (&["--max-header-bytes", "1KiB"], None, &["--max-header-bytes is `1KiB`; expected 8KiB or more"]),
        (&[], Some(("MODELDEPLOY_LISTEN", "here")), &["MODELDEPLOY_LISTEN is `here`"]),
        (&[], Some(("MODELDEPLOY_WARM", "hot")), &["MODELDEPLOY_WARM is `hot`"]),
        (
            &[],
            Some(("MODELDEPLOY_LISTNE", "x")),
            &["MODELDEPLOY_LISTNE is no option's", "did you mean MODELDEPLOY_LISTEN?"],
        ),
        // All of it, not the first.
        (&["--max-texts=0", "--grace=1"], Some(("MODELDEPLOY_WARM", "hot")), &["--max-texts", "--grace", "WARM"]),
    ] {
        let error = read(args, &Vec::from_iter(variable)).expect_err(messages[0]);
        for message in messages {
            assert!(error.contains(message) && error.contains("--help"), "{message}: {error}");
        }
    }
    // Not ours, and close to nothing of ours.
    for other in ["MODELDEPLOY_ISA", "MODELDEPLOY_SERVICE_HOST", "MODELDEPLOY_PORT_8080_TCP_ADDR", "MODELDEPLOY_PORT"] {
        config(&[], &[(other, "x")]);
    }
}

#[test]
fn what_is_wrong_in_a_file_is_named_by_its_line() {
    for (text, message) in [
        ("\n\nmax-texts = 0\n", ":3: `max-texts` is `0`; expected a whole number"),
        ("max-text = 4", ":1: `max-text` is no option; did you mean `max-texts`?"),
        ("# a\nmax-texts = \n", ":2: "),
        ("max-texts = 1\nmax-texts = 2\n", ":2: "),
        ("listen = 8080", ":1: `listen` is `8080`; expected an address"),
        ("listen = ['a', 'b']", "`listen` is `a,b`"),
        ("max-texts = { a = 1 }", ":1: `max-texts` is a table"),
        ("[limits]\nmax-texts = 1", ":1: `limits` is no option"),
        ("max-texts = 99999999999999999999", "`max-texts` is `99999999999999999999`"),
        ("deadline = 5", "`deadline` is `5`; expected a time with its unit"),
    ] {
        let file = Scratch::new("wrong", text);
        let error = read(&["--config", file.path()], &[]).expect_err(text);
        assert!(error.contains(message) && error.contains(file.path()), "{text}: {error}");
    }
    let error = read(&["--config", "no/such/file.toml"], &[]).expect_err("no file");
    assert!(error.contains("no/such/file.toml"), "{error}");
}

#[cfg(unix)]
#[test]
fn what_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let value = || OsString::from_vec(b"127.0.0.1:\xff".to_vec());
    let error = |result: Result<Command, Error>| result.expect_err("not UTF-8").to_string();
    let by_variable = error(Command::read([], [("MODELDEPLOY_LISTEN".into(), value())], base()));
    assert!(by_variable.contains("MODELDEPLOY_LISTEN") && by_variable.contains("not UTF-8"), "{by_variable}");
    let by_flag = error(Command::read(["--listen".into(), value()], [], base()));
    assert!(by_flag.contains("--listen") && by_flag.contains("not UTF-8"), "{by_flag}");
    // Others' variables are nobody's business here.
    assert!(Command::read([], [("LANG".into(), value())], base()).is_ok());
}
