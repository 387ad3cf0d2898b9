//! `image`: a static program and its weights as an OCI image, without a daemon.

use super::build::{self, Built};
use crate::beside;
use crate::dated;
use crate::exit::Failure;
use crate::figures::bytes;
use crate::flags;
use crate::imaged::failure;
use crate::labels;
use crate::output::Output;
use crate::passed::Passed;
use crate::pushed::{Pushed, push};
use crate::shipped::Linking;
use crate::weights;
use cargo_metadata::Package;
use modeldeploy_audit::Audit;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::store::{Mapping, map};
use modeldeploy_format::lock::LockedModel;
use modeldeploy_image::{Contents, Image, Name, Pack, docker_archive, write};
use modeldeploy_registry::remote::Sent;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// No program, or several, where one goes into an image.
const WHICH: Code = Code("MD1206");

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy image -p shop
  cargo modeldeploy image -p shop --docker-archive shop.tar && docker load -i shop.tar
  cargo modeldeploy image -p shop --push registry.example.com/team/shop
  cargo modeldeploy image -p shop --env MODELDEPLOY_TOKENS=/run/secrets/tokens
  cargo modeldeploy image --program target/x86_64-unknown-linux-gnu/release/shop --tag shop:1.2.0
  cargo modeldeploy image -p shop -- --no-auth     the program's arguments, unless others are given";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "cargo modeldeploy image [OPTIONS] [CARGO ARGS]... [-- PROGRAM ARGS...]")]
pub(crate) struct Args {
    /// The folder for the image, in the layout of OCI; without it target/image/PROGRAM
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Write a file, too, that `docker load` and `podman load` read
    #[arg(long, value_name = "FILE")]
    docker_archive: Option<PathBuf>,
    /// Name and tag; without it the program's name and its package's version
    #[arg(long, value_name = "NAME:TAG")]
    tag: Option<String>,
    /// Send it to a registry, as whom `login` or Docker's left; without a tag it is that of `--tag`
    #[arg(long, value_name = "REPOSITORY[:TAG]")]
    push: Option<String>,
    /// Speak to the registry by plain HTTP, as to one on this machine
    #[arg(long, requires = "push")]
    http: bool,
    /// A label, beside those of the package and its models; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = labels::pair)]
    label: Vec<(String, String)>,
    /// A variable of the program's environment; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = labels::pair)]
    env: Vec<(String, String)>,
    /// The port on which the service listens in its container, on every address
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Leave the weights in the program: one layer, and a change of the code ships them again
    #[arg(long)]
    inside: bool,
    /// An image of this program as it is: nothing is built
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    #[command(flatten)]
    passed: Passed,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let wrong: Vec<Diagnostic> = args.label.iter().filter_map(|(key, _)| labels::reserved(key)).collect();
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let created = dated::seconds()?;
    let Chosen { path, package, target } = choose(args, output)?;
    let place = path.display().to_string();
    let (program, audit) = super::audit::prove_program(&path)?;
    let packs = packs_of(&path, &audit)?;
    let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let version = package.as_ref().map_or("latest".into(), |package| package.version.to_string());
    // Versions may have a plus, and tags may not.
    let tag = args.tag.clone().unwrap_or(file_name.to_lowercase());
    let name = Name::parse(&tag, &version.replace('+', "_")).map_err(|error| failure(&error, "--tag"))?;
    let to = args.push.as_ref().map(|to| Name::parse(to, name.tag())).transpose();
    let to = to.map_err(|error| failure(&error, "--push"))?;
    let mut all = package.as_ref().map(labels::of_package).unwrap_or_default();
    all.extend(labels::of_models(&audit));
    all.extend(args.label.iter().cloned());
    let contents = Contents {
        file_name: file_name.clone(),
        program: program.bytes(),
        packs: packs.iter().map(|(of, pack)| Pack { of: of.clone(), bytes: pack.bytes() }).collect(),
        arguments: args.passed.program().iter().map(|arg| arg.to_string_lossy().into_owned()).collect(),
        variables: variables(args),
        ports: vec![args.port],
        labels: all,
        created,
    };
    let folder = args.output.clone().unwrap_or_else(|| target.join("image").join(&file_name));
    output.step("Writing", format_args!("{name} to {}", folder.display()));
    let image = write(&contents, &name, &folder).map_err(|error| failure(&error, &place))?;
    if let Some(file) = &args.docker_archive {
        output.step("Writing", file.display());
        docker_archive(&image, file).map_err(|error| failure(&error, &place))?;
    }
    let pushed = to.map(|to| {
        output.step("Pushing", &to);
        push(&image, &to, args.http)
    });
    let pushed = pushed.transpose()?;
    output.result(human(&image, args, pushed.as_ref()), facts(&image, args, pushed.as_ref()))?;
    Ok(())
}

/// The program of an image, the package that it is of, and where cargo leaves what it builds.
struct Chosen {
    path: PathBuf,
    package: Option<Package>,
    target: PathBuf,
}

/// Builds the program, or takes the one that is named.
fn choose(args: &Args, output: &mut Output<'_>) -> Result<Chosen, Failure> {
    if let Some(path) = &args.program {
        return match args.passed.cargo() {
            [] => Ok(Chosen { path: path.clone(), package: None, target: "target".into() }),
            [arg, ..] => {
                Err(Diagnostic::new(WHICH, format!("`{}` is for cargo, and `--program` builds nothing", arg.display()))
                    .help("leave out one of the two")
                    .into())
            }
        };
    }
    let cargo = args.passed.cargo();
    let linking = Linking { is_static: true, weights: (!args.inside).then_some(weights::DETACHED) };
    let Built { workspace, mut programs } = build::ship(cargo, linking, output)?;
    let target = flags::values(cargo, "--target-dir").pop().map(PathBuf::from);
    let target = target.unwrap_or_else(|| workspace.target().to_owned());
    match programs.len() {
        1 => {
            let program = programs.remove(0);
            let package = workspace.packages().iter().find(|package| package.name.as_str() == program.package).cloned();
            Ok(Chosen { path: program.path, package, target })
        }
        0 => Err(Diagnostic::new(WHICH, "no program was built: an image starts one")
            .help("`--package` names the package of the service")
            .into()),
        _ => {
            let names: Vec<String> = programs.iter().map(|program| program.path.display().to_string()).collect();
            Err(Diagnostic::new(WHICH, "several programs were built, and an image starts one")
                .at(names.join(", "))
                .help("`--bin` names one, `--package` its package")
                .into())
        }
    }
}

/// The packs that a program reads from files, proved where they lie beside it.
fn packs_of(program: &Path, audit: &Audit) -> Result<Vec<(String, Mapping)>, Failure> {
    let folder = beside::folder(program);
    beside::prove_all(&folder, &audit.beside)?;
    let packs = audit.beside.iter().map(|held| {
        let has = |model: &&LockedModel| model.packs.iter().any(|pack| pack.digest == held.digest);
        let name = audit.models().find(has).map(|model| format!("{} {}", model.name, model.version));
        Ok((name.unwrap_or_else(|| held.digest.to_string()), map(&beside::file(&folder, &held.digest))?))
    });
    packs.collect()
}

/// The variables of the image: the user's, and where to listen if those do not say it.
fn variables(args: &Args) -> Vec<String> {
    let usual = ("MODELDEPLOY_LISTEN".to_owned(), format!("0.0.0.0:{}", args.port));
    let all: BTreeMap<String, String> = [usual].into_iter().chain(args.env.iter().cloned()).collect();
    all.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn human(image: &Image, args: &Args, pushed: Option<&Pushed>) -> String {
    let mut text = format!("{} ({}), {}\n  digest   {}", image.name, image.platform, bytes(image.size), image.digest);
    for layer in &image.layers {
        let _ = write!(text, "\n  layer    {}, {}: {}", layer.digest, bytes(layer.size), layer.holds);
    }
    let _ = write!(text, "\n  folder   {}", image.folder.display());
    if let Some(file) = &args.docker_archive {
        let _ = write!(text, "\n  archive  {}", file.display());
    }
    if let Some(pushed) = pushed {
        let Pushed { reference, bytes: Sent { sent, had } } = pushed;
        let _ = write!(text, "\n  pushed   {reference}: {} sent, {} there already", bytes(*sent), bytes(*had));
    }
    text
}

fn facts(image: &Image, args: &Args, pushed: Option<&Pushed>) -> Value {
    let layers = image.layers.iter().map(
        |layer| json!({"digest": layer.digest, "size": layer.size, "unpacked": layer.unpacked, "holds": layer.holds}),
    );
    json!({
        "name": image.name.to_string(),
        "platform": image.platform.to_string(),
        "digest": image.digest,
        "size": image.size,
        "layers": layers.collect::<Vec<_>>(),
        "folder": image.folder,
        "archive": args.docker_archive,
        "pushed": pushed.map(|it| json!({"reference": it.reference, "sent": it.bytes.sent, "had": it.bytes.had})),
    })
}
