//! `deploy render`: the manifests, into a folder or on stdout.

use super::number::failure;
use super::selected::{Selection, TargetName};
use crate::exit::Failure;
use crate::figures::bytes;
use crate::output::Output;
use modeldeploy_deploy::{Memory, Rendering, write};
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
The settings stand in `deploy.toml` beside the package's manifest, all of them may be left out:
  image = \"registry.example/shop\"    cpu = 2    memory-margin = 0.25    port = 8080
  [replicas] min, max, cpu-percent, queue-tokens    [auth] tokens or open    [tls] secret, client-ca
  [metrics] monitor, open, token    [network] from, to    [canary] image, weights, by    [gateway] name, hosts
  [kserve] mode    [systemd] program, address, tokens    [options] the service's own    [env], [labels], [annotations]

Examples:
  cargo modeldeploy deploy render --target kubernetes --image registry.example/shop@sha256:… --output deploy/rendered
  cargo modeldeploy deploy render --target kserve --image registry.example/shop --image-layout target/image | kubectl apply -f -
  cargo modeldeploy deploy render --target systemd --program target/release/shop > shop.service";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What for
    #[arg(long, short, value_name = "TARGET")]
    target: TargetName,
    #[command(flatten)]
    selection: Selection,
    /// Templates that go before those inside; without it `deploy/templates` beside the manifest, if it is there
    #[arg(long, value_name = "FOLDER")]
    templates: Option<PathBuf>,
    /// The folder that the files are written to, in the place of stdout
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let selected = args.selection.read(output)?;
    let rendering = selected.render(args.target.0, args.templates.as_deref(), output)?;
    output.step("Planned", planned(&rendering.memory));
    let human = match &args.output {
        Some(folder) => {
            let left = write(&rendering, folder).map_err(|problem| failure([problem]))?;
            for name in left {
                output.note(format_args!(
                    "{} is none of these: an earlier rendering may have left it",
                    folder.join(name).display()
                ));
            }
            let names: Vec<String> =
                rendering.files.iter().map(|file| folder.join(&file.name).display().to_string()).collect();
            names.join("\n")
        }
        None => joined(&rendering),
    };
    let files =
        rendering.files.iter().map(|file| json!({"name": file.name, "text": file.text, "objects": file.objects}));
    let program = json!({
        "target": args.target.0.name(),
        "name": rendering.name,
        "namespace": rendering.namespace,
        "memory": rendering.memory,
        "files": files.collect::<Vec<_>>(),
    });
    output.result(human, program)?;
    Ok(())
}

/// A replica's memory in words.
pub(super) fn planned(memory: &Memory) -> String {
    let Memory { program, arenas, workers, bodies, process, margin, total } = *memory;
    let worker = if workers == 1 { "worker" } else { "workers" };
    format!(
        "{} for a replica: program {}, arenas of {workers} {worker} {}, clients' bodies {}, process {}, margin {}",
        bytes(total),
        bytes(program),
        bytes(arenas),
        bytes(bodies),
        bytes(process),
        bytes(margin)
    )
}

/// All files as one text: documents of YAML, or the only file.
fn joined(rendering: &Rendering) -> String {
    let texts: Vec<&str> = rendering.files.iter().map(|file| file.text.trim_end()).collect();
    texts.join("\n---\n")
}
