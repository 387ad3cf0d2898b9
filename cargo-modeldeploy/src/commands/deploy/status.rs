//! `deploy status`: what runs in a cluster, and whether it is what is stated and locked here.

use super::apply::Place;
use super::number::failure;
use super::selected::{Selection, TargetName};
use crate::exit::Failure;
use crate::output::Output;
use modeldeploy_deploy::cluster::{Expected, Running, Status, status};
use modeldeploy_deploy::{Kind, Pinned, Problem};
use std::fmt::Write;

const EXAMPLES: &str = "\
It ends with 1 where what runs is not what is stated and locked here, or is not ready.

Examples:
  cargo modeldeploy deploy status
  cargo modeldeploy deploy status --context production --image registry.example/shop@sha256:…
  cargo modeldeploy deploy status --target kserve --format json";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where it was deployed to: kubernetes or kserve
    #[arg(long, short, value_name = "TARGET", default_value = "kubernetes")]
    target: TargetName,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let selected = args.selection.read(output)?;
    let (facts, settings) = (selected.facts, selected.settings);
    // A name without a digest states no image to compare with.
    let pinned = |text: Option<&String>| {
        text.filter(|text| text.contains('@'))
            .map(|text| Pinned::parse(text))
            .transpose()
            .map_err(|problem| failure([problem]))
    };
    let expected = Expected {
        name: settings.name.clone().unwrap_or_else(|| facts.package.replace('_', "-")),
        target: args.target.0,
        image: pinned(settings.image.as_ref())?,
        canary: pinned(settings.canary.as_ref().and_then(|canary| canary.image.as_ref()))?,
        models: facts.models,
    };
    let place = args.place.at(settings.namespace.clone());
    let found = status(&expected, &place).map_err(failure)?;
    output.result(human(&expected, &found), &found)?;
    let wrong = problems(&expected, &found);
    if wrong.is_empty() { Ok(()) } else { Err(failure(wrong)) }
}

fn human(expected: &Expected, status: &Status) -> String {
    let mut text = format!("{} in {} of {}", expected.name, status.namespace, status.cluster);
    for running in &status.running {
        let Running { object, image, replicas, progress, models, differs, previous, .. } = running;
        let _ = write!(text, "\n{object}\n  {progress}");
        if let Some([wanted, new, ready]) = replicas {
            let _ = write!(text, "\n  replicas {wanted}, new {new}, ready {ready}");
        }
        let _ = write!(text, "\n  image    {}", image.as_deref().unwrap_or("none is seen"));
        for model in models {
            let _ = write!(text, "\n  model    {} {} {}", model.name, model.version, model.digest);
        }
        match differs.as_slice() {
            [] => text += "\n  as it is stated here",
            differs => differs.iter().for_each(|line| text.push_str(&format!("\n  differs  {line}"))),
        }
        if let Some(previous) = previous {
            let _ = write!(text, "\n  before   {previous}");
        }
    }
    text
}

fn problems(expected: &Expected, status: &Status) -> Vec<Problem> {
    let name = &expected.name;
    if status.running.is_empty() {
        let message = format!("`{name}` is not deployed in `{}`", status.namespace);
        return vec![Problem::new(Kind::Drift, message).at(&status.cluster).help(
            "`cargo modeldeploy deploy apply` deploys it; `--namespace`, `--context` and `--target` look elsewhere",
        )];
    }
    let mut wrong = vec![];
    for running in &status.running {
        let back = running.previous.as_ref().map(|image| format!("; `--image {image}` goes back to what ran before"));
        let back = back.unwrap_or_default();
        wrong.extend(running.differs.iter().map(|line| {
            let help = format!("`cargo modeldeploy deploy apply` makes it what is stated here{back}");
            Problem::new(Kind::Drift, line.clone()).at(&running.object).help(help)
        }));
        if !running.done {
            let help = format!("`kubectl -n {} describe` and `logs` say more{back}", status.namespace);
            wrong.push(
                Problem::new(Kind::Rollout, format!("it is not rolled out: {}", running.progress))
                    .at(&running.object)
                    .help(help),
            );
        }
    }
    wrong
}
