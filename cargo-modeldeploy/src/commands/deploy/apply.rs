//! `deploy apply`: renders, and applies if the cluster takes all of it.

use super::number::failure;
use super::selected::{Selection, TargetName};
use crate::exit::Failure;
use crate::figures::count;
use crate::output::Output;
use modeldeploy_deploy::cluster::{self, Where};
use modeldeploy_deploy::settings::Time;
use modeldeploy_deploy::{Kind, Problem};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// How often a rollout is looked at.
const EVERY: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
It speaks to the cluster of the kubeconfig, by server-side apply: first a trial of all objects, then in earnest.

Examples:
  cargo modeldeploy deploy apply --target kubernetes --image registry.example/shop@sha256:… --dry-run
  cargo modeldeploy deploy apply --target kubernetes --image registry.example/shop@sha256:… --wait
  cargo modeldeploy deploy apply --target kubernetes --canary-image registry.example/shop@sha256:… --canary-weight 10 --wait 10m
  cargo modeldeploy deploy apply --target kserve --context staging --namespace search --image registry.example/shop@sha256:…";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What for: kubernetes or kserve
    #[arg(long, short, value_name = "TARGET", default_value = "kubernetes")]
    target: TargetName,
    #[command(flatten)]
    selection: Selection,
    /// Templates that go before those inside; without it `deploy/templates` beside the manifest, if it is there
    #[arg(long, value_name = "FOLDER")]
    templates: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    /// Try only: the cluster says what it would take, and nothing is changed
    #[arg(long)]
    dry_run: bool,
    /// Take over fields that others have set
    #[arg(long)]
    force_conflicts: bool,
    /// Delete what an earlier rendering of this service left, such as a canary that is over
    #[arg(long)]
    prune: bool,
    /// Wait until all of it runs, at most so long [without a time: 10m]
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "10m", value_parser = time)]
    wait: Option<Duration>,
}

/// Which cluster.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The kubeconfig, if it is not that of `KUBECONFIG` or of the home folder
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context in it, if it is not the current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// How long the cluster may take to answer
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    timeout: Duration,
}

impl Place {
    pub(super) fn at(&self, namespace: Option<String>) -> Where {
        Where { kubeconfig: self.kubeconfig.clone(), context: self.context.clone(), namespace, timeout: self.timeout }
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let time = Time::parse(text).map(|time| time.0).filter(|time| !time.is_zero());
    time.ok_or_else(|| "a time with its unit, such as 30s or 10m".to_owned())
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let target = args.target.0;
    if !target.is_cluster() {
        let problem = Problem::new(Kind::Absent, format!("{} is no cluster to apply to", target.name()));
        return Err(failure([
            problem.help("`deploy render` writes its file, which is installed by hand or by other tools")
        ]));
    }
    let selected = args.selection.read(output)?;
    let rendering = selected.render(target, args.templates.as_deref(), output)?;
    output.step("Planned", super::render::planned(&rendering.memory));
    let place = args.place.at(args.selection.namespace.clone());
    let how = cluster::Apply {
        dry_run: args.dry_run,
        force: args.force_conflicts,
        prune: args.prune,
        wait: args.wait.map(|limit| (limit, EVERY)),
    };
    let applied =
        cluster::apply(&rendering, &place, &how, &mut |line| output.step("Waiting", line)).map_err(failure)?;
    applied.notes.iter().for_each(|note| output.note(note));
    for left in applied.leftovers.iter().filter(|left| !left.deleted) {
        output.note(format_args!("{} is rendered no more: `--prune` deletes it", left.object));
    }
    let verb = if args.dry_run { "Tried" } else { "Applied" };
    output.step(verb, format_args!("{} to {}", count(applied.objects.len(), "object"), applied.cluster));
    let gone = applied.leftovers.iter().filter(|left| left.deleted).map(|left| format!("{} deleted", left.object));
    let human: Vec<String> = applied.objects.iter().cloned().chain(gone).collect();
    let leftovers = applied.leftovers.iter().map(|left| json!({"object": left.object, "deleted": left.deleted}));
    let program = json!({
        "cluster": applied.cluster,
        "dry-run": args.dry_run,
        "objects": applied.objects,
        "leftovers": leftovers.collect::<Vec<_>>(),
        "notes": applied.notes,
    });
    output.result(human.join("\n"), program)?;
    Ok(())
}
