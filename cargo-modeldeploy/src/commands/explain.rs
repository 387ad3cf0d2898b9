//! `explain`: what an error means and what to do, from the pages under `explain/`.

use crate::exit::Failure;
use crate::output::Output;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};

/// A number that no error has.
const UNKNOWN: Code = Code("MD0904");

/// The pages, one a range of numbers; in them every error begins with `## MD0101: …`.
const PAGES: [&str; 17] = [
    include_str!("../../explain/01-model-folder.md"),
    include_str!("../../explain/02-weights.md"),
    include_str!("../../explain/03-tokenizer.md"),
    include_str!("../../explain/04-graph.md"),
    include_str!("../../explain/05-compression.md"),
    include_str!("../../explain/06-suite-and-gate.md"),
    include_str!("../../explain/07-lock.md"),
    include_str!("../../explain/08-store.md"),
    include_str!("../../explain/09-command.md"),
    include_str!("../../explain/10-audit.md"),
    include_str!("../../explain/11-trust.md"),
    include_str!("../../explain/12-image.md"),
    include_str!("../../explain/13-deploy.md"),
    include_str!("../../explain/14-weights.md"),
    include_str!("../../explain/15-registry.md"),
    include_str!("../../explain/16-trees.md"),
    include_str!("../../explain/17-onnx.md"),
];

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy explain MD0901
  cargo modeldeploy explain --list";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    /// The error's number, such as MD0610
    #[arg(required_unless_present = "list")]
    code: Option<String>,
    /// List all the numbers with their first lines
    #[arg(long, conflicts_with = "code")]
    list: bool,
}

/// An error as its page explains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
struct Explanation {
    code: &'static str,
    title: &'static str,
    text: &'static str,
}

fn explanations() -> impl Iterator<Item = Explanation> {
    PAGES.iter().flat_map(|page| page.split("\n## ").skip(1)).filter_map(|section| {
        let (heading, text) = section.split_once('\n')?;
        let (code, title) = heading.split_once(": ")?;
        Some(Explanation { code, title, text: text.trim() })
    })
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let Some(code) = &args.code else {
        let all: Vec<Explanation> = explanations().collect();
        let lines: Vec<String> = all.iter().map(|found| format!("{}  {}", found.code, found.title)).collect();
        output.result(lines.join("\n"), &all)?;
        return Ok(());
    };
    let wanted = code.to_ascii_uppercase();
    let wanted = wanted.trim_start_matches("ERROR").trim_matches(['[', ']', ':']);
    let Some(found) = explanations().find(|explanation| explanation.code == wanted) else {
        let nearest = explanations().map(|found| found.code).min_by_key(|known| strsim::levenshtein(known, wanted));
        let help =
            format!("the nearest is {}; `cargo modeldeploy explain --list` lists all", nearest.unwrap_or_default());
        return Err(Diagnostic::new(UNKNOWN, format!("no error has the number `{code}`")).help(help).into());
    };
    output.result(format_args!("{}: {}\n\n{}", found.code, found.title, found.text), found)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// The numbers in `Code("MD…")` of every source file of the compiler and the command.
    fn used() -> BTreeSet<String> {
        fn walk(folder: &Path, found: &mut BTreeSet<String>) {
            for entry in std::fs::read_dir(folder).expect("a folder of sources") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    walk(&path, found);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = std::fs::read_to_string(&path).expect("a source file");
                    let codes = text.split("Code(\"MD").skip(1).filter_map(|rest| rest.get(..4));
                    found.extend(
                        codes.filter(|code| code.bytes().all(|b| b.is_ascii_digit())).map(|code| format!("MD{code}")),
                    );
                }
            }
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = BTreeSet::new();
        walk(&root.join("src"), &mut found);
        walk(&root.join("../compiler/src"), &mut found);
        found
    }

    #[test]
    fn every_number_is_explained_and_every_explanation_has_its_error() {
        let explained: BTreeSet<String> = explanations().map(|found| found.code.to_owned()).collect();
        let unexplained: Vec<_> = used().difference(&explained).cloned().collect();
        let unused: Vec<_> = explained.difference(&used()).cloned().collect();
        assert!(
            unexplained.is_empty() && unused.is_empty(),
            "not explained: {unexplained:?}; no such error: {unused:?}"
        );
        assert_eq!(explanations().count(), explained.len(), "a number is explained twice");
    }

    #[test]
    fn the_operators_of_onnx_are_listed() {
        let page = explanations().find(|found| found.code == "MD0107").expect("a page");
        let listed: BTreeSet<&str> =
            page.text.split('`').skip(1).step_by(2).filter(|name| *name != "docs/onnx.md").collect();
        let known: BTreeSet<&str> = modeldeploy_compiler::onnx::rows().map(|row| row.name).collect();
        assert_eq!(listed, known);
    }

    #[test]
    fn a_number_is_found_however_it_is_written_and_a_wrong_one_has_a_neighbour() {
        for written in ["MD0901", "md0901", "Md0901", "error[MD0901]", "Error[md0901]:"] {
            let args = Args { code: Some(written.into()), list: false };
            let (mut out, mut err) = (vec![], vec![]);
            let mut output = Output::new(&mut out, &mut err, crate::output::Format::Human, false);
            run(&args, &mut output).expect(written);
            assert!(String::from_utf8_lossy(&out).starts_with("MD0901: "), "{written}");
        }
        let args = Args { code: Some("MD9901".into()), list: false };
        let (mut out, mut err) = (vec![], vec![]);
        let failure = run(&args, &mut Output::new(&mut out, &mut err, crate::output::Format::Human, false));
        let Err(Failure::Wrong(errors)) = failure else { panic!("{failure:?}") };
        assert!(errors[0].help.as_ref().is_some_and(|help| help.contains("MD0901")), "{errors:?}");
    }
}
