//! What the program says of itself.

use crate::shop::Shop;

#[test]
fn the_whole_command_and_its_exit_status_are_explained() {
    let said = Shop::empty().run(&["--help"]).code(0);
    assert_eq!(said.err, "");
    insta::assert_snapshot!(said.out);
}

#[test]
fn lock_is_explained_with_examples() {
    insta::assert_snapshot!(Shop::empty().run(&["lock", "--help"]).code(0).out);
}

#[test]
fn a_wrong_command_line_is_status_two_and_names_the_nearest() {
    let shop = Shop::empty();
    shop.run(&["lokc"]).code(2).errs(&["unrecognized subcommand 'lokc'", "'lock'"]);
    shop.run(&["lock", "--chek"]).code(2).errs(&["--check"]);
    shop.run(&[]).code(2).errs(&["Usage: cargo modeldeploy"]);
}

#[test]
fn a_wrong_command_line_is_told_to_programs_in_json() {
    let shop = Shop::empty();
    for (args, error, help) in [
        (&["lock", "--chek", "--format", "json"][..], "unexpected argument '--chek' found", "'--check'"),
        (&["--format=json", "lokc"], "unrecognized subcommand 'lokc'", "'lock'"),
        (&["add", "x", "--format", "json"], "--name <NAME> --task <TASK>", "Usage: cargo modeldeploy add"),
        (&["add", "x", "--name", "A", "--format", "json"], "'A' for '--name <NAME>': names begin", ""),
        (&["--format", "json"], "requires a subcommand", "Usage: cargo modeldeploy"),
        (&["--format", "json", "explain"], "not complete", "Usage: cargo modeldeploy explain"),
    ] {
        let said = shop.run(args).code(2);
        let fact: serde_json::Value = serde_json::from_str(&said.err).unwrap_or_else(|_| panic!("{}", said.err));
        let holds = |key: &str, part: &str| part.is_empty() || fact[key].as_str().is_some_and(|it| it.contains(part));
        assert!(holds("error", error) && holds("help", help) && said.out.is_empty(), "{args:?}: {fact}");
    }
    // What is passed on asks for nothing here.
    shop.run(&["lock", "--chek", "--", "--format", "json"]).code(2).errs(&["error: unexpected argument"]);
}

#[test]
fn a_help_text_is_as_one_would_write_it() {
    let shop = Shop::empty();
    for command in [
        "init",
        "add",
        "remove",
        "lock",
        "update",
        "rollback",
        "fetch",
        "diff",
        "semver-check",
        "publish",
        "search",
        "yank",
        "login",
        "build",
        "run",
        "test",
        "check",
        "inspect",
        "audit",
        "sbom",
        "deploy",
        "eval",
        "explain",
        "clean",
        "provenance",
        "keygen",
        "sign",
        "verify",
    ] {
        let help = shop.run(&[command, "--help"]).code(0).out;
        assert!(!help.contains('\\'), "{help}");
    }
}

#[test]
fn an_error_is_explained_and_all_are_listed() {
    let shop = Shop::empty();
    shop.run(&["explain", "md0610"]).code(0).says(&["MD0610: ", "gate"]);
    let all = shop.run(&["explain", "--list", "--format", "json"]).code(0).json();
    assert!(all.as_array().is_some_and(|all| all.iter().any(|page| page["code"] == "MD0703")));
    shop.run(&["explain", "MD9999"]).code(1).errs(&["MD0904", "no error has the number `MD9999`"]);
}

#[test]
fn shells_complete_the_commands() {
    let shop = Shop::empty();
    let script = shop.run(&["completions", "bash"]).code(0).out;
    assert!(script.contains("-o default cargo-modeldeploy"), "{script}");
    // Every command that the words lead to has its flags.
    let commands: Vec<&str> = script.lines().filter_map(|line| line.trim().strip_prefix("cmd=\"")).collect();
    assert!(commands.len() > 13);
    for command in commands.iter().map(|line| line.trim_end_matches('"')).filter(|command| !command.is_empty()) {
        assert!(script.lines().any(|line| line.trim().strip_suffix(')') == Some(command)), "{command} has no flags");
    }
}

#[test]
fn quiet_leaves_results_and_errors() {
    let shop = Shop::with_encoder("");
    let said = shop.run(&["lock", "--quiet"]).code(0);
    assert_eq!(said.err, "");
    assert!(said.out.contains("encoder 0.1.0"), "{}", said.out);
}
