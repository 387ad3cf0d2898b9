//! What `build`, `run`, `test` and `check` pass on to cargo, and what cargo passes on to the program and the tests.

use crate::shop::Shop;
use modeldeploy_format::variables;

/// A package without a model whose program says how it was built and what it was given.
fn program() -> Shop {
    let shop = Shop::empty();
    shop.write(
        "src/main.rs",
        "fn main() {\n    let args: Vec<String> = std::env::args().skip(1).collect();\n    \
         println!(\"{} {args:?}\", if cfg!(debug_assertions) { \"dev\" } else { \"release\" });\n}\n\n\
         #[test]\nfn prices_are_whole() {\n    println!(\"the test speaks\");\n}\n",
    );
    shop
}

#[test]
fn a_workspace_without_models_is_cargos_alone() {
    let shop = program();
    for args in [&["build"][..], &["run"], &["test"], &["check"]] {
        shop.run(args).code(0);
    }
    assert!(!shop.path("Model.lock").exists() && !shop.path(".modeldeploy").exists());
}

#[test]
fn how_loud_cargo_is_can_be_said_to_run() {
    let shop = program();
    for flags in [&["-v"][..], &["-vv"], &["--verbose"], &["-q"], &["--quiet"], &["-qr"], &["--color", "never", "-v"]] {
        let args = [&["run", "-p", "shop"], flags, &["--", "x"]].concat();
        let said = shop.run(&args).code(0);
        assert_eq!(said.out.trim(), "release [\"x\"]", "{flags:?}");
        // Cargo names what is up to date, or the compiler's words, to those alone who want to hear more.
        let more = said.err.contains("Fresh shop") || said.err.contains("Running `");
        assert_eq!(more, flags.iter().any(|flag| flag.contains("-v")), "{flags:?}: {}", said.err);
    }
}

#[test]
fn what_ships_is_linked_and_nothing_else_is_told_to_be() {
    let shop = program();
    shop.append("Cargo.toml", "\n[profile.release]\ndebug-assertions = true\n\n[profile.dist]\ninherits = \"dev\"\n");
    shop.write("src/main.rs", "fn main() {\n    println!(\"{:?}\", option_env!(\"MODELDEPLOY_LINK\"));\n}\n");
    for (args, said) in [
        (&["run"][..], "Some(\"1\")"),
        (&["run", "--profile", "dist"], "Some(\"1\")"),
        (&["run", "--dev"], "None"),
        (&["run", "--profile=dev"], "None"),
    ] {
        assert_eq!(shop.run(args).code(0).out.trim(), said, "{args:?}");
    }
}

#[test]
fn a_program_meets_no_variable_that_services_do_not_know() {
    let shop = Shop::locked("");
    shop.write(
        "src/main.rs",
        "fn main() {\n    for (name, _) in std::env::vars() {\n        if name.starts_with(\"MODELDEPLOY_\") {\n            \
         println!(\"{name}\");\n        }\n    }\n}\n",
    );
    // What ships, and takes no minute to build.
    shop.append("Cargo.toml", "\n[profile.dist]\ninherits = \"dev\"\n");
    let said = shop.run(&["run", "--profile", "dist"]).code(0).out;
    let met: Vec<&str> = said.lines().collect();
    assert!(met.contains(&variables::BILL) && met.contains(&variables::LINK), "{met:?}");
    for name in met {
        assert!(variables::ALL.contains(&name), "{name}");
    }
}

#[test]
fn messages_of_any_form_leave_the_look_into_the_program() {
    let shop = Shop::locked("");
    shop.write("src/main.rs", "fn main() {\n    let unused = 1;\n}\n");
    let noted = "holds no model, though its package has `encoder`";
    for format in ["short", "json", "human"] {
        shop.write("src/main.rs", &format!("// {format}\nfn main() {{\n    let unused = 1;\n}}\n"));
        let said = shop.run(&["build", "--release", "--message-format", format]).code(0).errs(&[noted]);
        let lines = said.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        let reasons: Vec<_> = lines.map(|line| line["reason"].clone()).collect();
        match format {
            "json" => assert!(reasons.iter().any(|reason| reason == "compiler-message"), "{}", said.out),
            // One line, and not the compiler's picture of the code.
            "short" => {
                assert!(reasons.is_empty() && said.err.contains("src/main.rs:3:9: warning: unused"), "{}", said.err);
            }
            _ => assert!(reasons.is_empty() && said.err.contains("--> src/main.rs:3:9"), "{}", said.err),
        }
    }
    shop.run(&["build", "--message-format", "loud"]).code(1).errs(&["loud"]);
}

#[test]
fn a_program_gets_what_follows_the_separator() {
    let shop = program();
    for (args, said) in [
        (&["run", "-p", "shop", "--", "--listen", "127.0.0.1:0"][..], "release [\"--listen\", \"127.0.0.1:0\"]"),
        (&["run", "--", "--dev"], "release [\"--dev\"]"),
        (&["run"], "release []"),
        (&["run", "-p", "shop", "--dev", "--", "a", "--", "b"], "dev [\"a\", \"--\", \"b\"]"),
        (&["run", "--dev", "-p", "shop", "--", "--format", "x"], "dev [\"--format\", \"x\"]"),
        (&["run", "-p", "shop", "--format", "json", "--", "x"], "release [\"x\"]"),
        (&["--format", "json", "run", "--profile", "dev", "-p", "shop"], "dev []"),
    ] {
        let out = shop.run(args).code(0).out;
        assert_eq!(out.trim(), said, "{args:?}");
    }
    shop.run(&["run", "-p", "shop", "--no-such-flag"]).code(1).errs(&["--no-such-flag"]);
}

#[test]
fn a_builds_result_is_json_wherever_the_flag_stands() {
    let shop = program();
    for args in [&["build", "-p", "shop", "--format", "json"][..], &["--format", "json", "build", "-p", "shop"]] {
        let programs = shop.run(args).code(0).json();
        assert!(programs["programs"][0].as_str().is_some_and(|path| path.contains("shop")), "{programs}");
    }
}

#[test]
fn a_program_without_its_packages_model_is_noted_where_it_would_be_linked() {
    let shop = Shop::locked("");
    shop.write("src/main.rs", "fn main() {}\n");
    let noted = shop.run(&["build", "--release"]).code(0);
    noted.errs(&["note: ", "holds no model, though its package has `encoder`"]);
    let mapped = shop.run(&["build"]).code(0);
    assert!(!mapped.err.contains("holds no model"), "{}", mapped.err);
}

#[test]
fn tests_get_what_follows_the_separator() {
    let shop = program();
    let loud = shop.run(&["test", "-p", "shop", "--", "--nocapture"]).code(0);
    assert!(loud.out.contains("the test speaks"), "{}", loud.out);
    let captured = shop.run(&["test", "-p", "shop"]).code(0);
    assert!(captured.out.contains("prices_are_whole") && !captured.out.contains("the test speaks"), "{}", captured.out);
    shop.run(&["check", "-p", "shop", "--tests"]).code(0);
}

#[test]
fn a_checks_errors_are_json_where_json_is_asked_for() {
    let shop = program();
    let lines = |text: &str| -> Vec<serde_json::Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    };
    let said = shop.run(&["check", "-p", "shop", "--format", "json"]).code(0);
    assert_eq!((said.json()["checked"].as_bool(), said.err.as_str()), (Some(true), ""));

    shop.write("src/lib.rs", "fn unused() {}\n");
    let said = shop.run(&["check", "--format", "json"]).code(0);
    let [warning] = &lines(&said.err)[..] else { panic!("{}", said.err) };
    assert!(warning["code"] == "dead_code" && warning["place"] == "src/lib.rs:1:4", "{warning}");
    assert_eq!(said.json()["warnings"], 1);

    shop.write("src/lib.rs", "pub fn price() -> u32 {\n    prise\n}\n");
    let said = shop.run(&["check", "--format", "json"]).code(101);
    let [error] = &lines(&said.err)[..] else { panic!("{}", said.err) };
    assert!(error["code"] == "E0425" && error["place"] == "src/lib.rs:2:5" && said.out.is_empty(), "{error}");

    // What cargo itself says, too.
    let said = shop.run(&["--format", "json", "check", "-p", "cafe"]).code(101);
    let [error] = &lines(&said.err)[..] else { panic!("{}", said.err) };
    assert!(error["error"].as_str().is_some_and(|error| error.contains("cafe")), "{error}");
    let person = shop.run(&["check"]).code(101);
    person.errs(&["error[E0425]"]);
}
