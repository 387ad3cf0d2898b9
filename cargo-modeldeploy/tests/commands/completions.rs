//! `completions`: the scripts in their shells, with `cargo modeldeploy` as it is typed.

use crate::shop::Shop;
use std::process::Command;

/// What bash offers for each of these lines, once it has read `before` and our script; a line a line.
fn bash(before: &str, lines: &[&str]) -> Vec<String> {
    let shop = Shop::empty();
    shop.write("ours.bash", &shop.run(&["completions", "bash"]).code(0).out);
    let mut script = format!("{before}\nsource ours.bash\n");
    for line in lines {
        // As bash calls what is registered for the first word.
        script.push_str(&format!(
            "COMP_WORDS=({line}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); COMPREPLY=()\n\
             words=($(complete -p cargo)); for at in ${{!words[@]}}; do [[ ${{words[at]}} == -F ]] && f=${{words[at+1]}}; done\n\
             $f cargo \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo \"${{COMPREPLY[*]}}\"\n"
        ));
    }
    shop.write("script.bash", &script);
    let output = Command::new("bash").arg("script.bash").current_dir(shop.path("")).output().expect("bash starts");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_what_is_typed_after_cargo() {
    let offered = bash(
        "",
        &[
            "cargo mod",
            "cargo modeldeploy loc",
            "cargo +nightly modeldeploy lock --ch",
            "cargo modeldeploy add x --task ''",
            "cargo modeldeploy remove x --pa",
            "cargo modeldeploy zzz",
            "cargo bu",
        ],
    );
    assert_eq!(offered, ["modeldeploy", "lock", "--check", "embed score classify rank", "--package", "", ""]);
}

#[test]
fn bash_still_completes_cargos_own_words() {
    let own = "_cargo() { COMPREPLY=($(compgen -W \"build bench modeldeploy\" -- \"$2\")); }; complete -F _cargo cargo";
    let lines = ["cargo b", "cargo mod", "cargo modeldeploy loc"];
    assert_eq!(bash(own, &lines), ["build bench", "modeldeploy", "lock"]);
    // bash-completion reads cargo's script when it is first asked for.
    for load in ["_comp_load", "__load_completion"] {
        let later = format!("{load}() {{ [[ $1 == cargo ]] && {{ {own}; }}; }}");
        assert_eq!(bash(&later, &lines), ["build bench", "modeldeploy", "lock"]);
        assert_eq!(
            bash(&later, &["cargo modeldeploy loc", "cargo b", "cargo modeldeploy loc"])[1..],
            ["build bench", "lock"]
        );
    }
}

#[test]
fn other_shells_get_a_script_for_what_is_typed() {
    let shop = Shop::empty();
    let fish = shop.run(&["completions", "fish"]).code(0).out;
    assert!(
        fish.contains("complete -c cargo -n") && fish.contains("__fish_cargo_using_subcommand modeldeploy"),
        "{fish}"
    );
    assert!(!fish.contains("cargo-modeldeploy"), "{fish}");
    // cargo's own `_cargo` asks the function of this name.
    let zsh = shop.run(&["completions", "zsh"]).code(0).out;
    assert!(zsh.starts_with("#compdef cargo-modeldeploy\n") && zsh.contains("\n_cargo-modeldeploy() {"), "{zsh}");
    shop.run(&["completions", "csh"]).code(2);
}
