//! `eval`: a suite on the f32 reference and on the pack, side by side.

use crate::exit::Failure;
use crate::figures;
use crate::output::Output;
use crate::progress;
use crate::workspace::Workspace;
use modeldeploy_compiler::pipeline;
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy eval query-encoder                           on the suite of its gate
  cargo modeldeploy eval query-encoder --suite eval/search.toml
  cargo modeldeploy eval query-encoder --format json

A suite:
  rank = \"judged\"                        # each query's judged documents; \"corpus\": all documents
  metrics = [\"ndcg@10\", \"recall@10\", \"mrr\"]
  [corpus]
  file = \"products.jsonl\"                # JSON lines
  text = \"{title}, {category}\"           # keys in braces
  [queries]                              # without it the judgments have the queries' texts
  file = \"queries.jsonl\"                 # keys id and text, or .tsv
  [judgments]
  file = \"judgments.tsv\"                 # query, document id, rating";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The model's name
    model: String,
    /// The suite; without it that of the model's gate
    #[arg(long, value_name = "FILE")]
    suite: Option<PathBuf>,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let workspace = Workspace::find(args.manifest_path.as_deref())?.models()?;
    let evaluated = progress::during(output, |progress| {
        pipeline::evaluate(&workspace, &args.model, args.suite.as_deref(), progress)
    })?;
    let source = if evaluated.locked { "the locked pack" } else { "a pack made now: it is not locked" };
    let human = format!("{} on {} ({source})\n{}", args.model, evaluated.suite, figures::table(&evaluated.evaluation));
    let program = json!({
        "model": args.model,
        "suite": evaluated.suite,
        "locked": evaluated.locked,
        "pack": evaluated.pack,
        "evaluation": figures::program(&evaluated.evaluation),
    });
    output.result(human, program)?;
    Ok(())
}
