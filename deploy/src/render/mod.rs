//! Files from facts and settings: a module a target, each a list of templates and what they are of.

mod cluster;
mod write;

pub use write::write;

use crate::context::Context;
use crate::documents;
use crate::facts::Facts;
use crate::image::Pinned;
use crate::memory::Memory;
use crate::problem::{Kind, Problem};
use crate::settings::Settings;
use crate::target::Target;
use crate::templates::Templates;
use crate::tracks;
use serde_json::Value;

/// A file.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What is in it, where it is YAML.
    pub objects: Vec<Value>,
}

/// All the files of a deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendering {
    /// What the objects are called.
    pub name: String,
    /// Their namespace, if one is stated.
    pub namespace: Option<String>,
    /// The files, in the order in which they are applied.
    pub files: Vec<Rendered>,
    /// The plan of a replica's memory.
    pub memory: Memory,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

/// A file to be made: its name, its template, what the template sees.
pub(crate) type Part = (String, &'static str, Context);

/// Renders a deployment.
///
/// # Errors
///
/// Everything that is wrong with settings, images and templates, and with what they give.
pub fn render(
    target: Target,
    facts: &Facts,
    settings: &Settings,
    templates: &Templates,
) -> Result<Rendering, Vec<Problem>> {
    let mut wrong = vec![];
    let mut pinned = |text: Option<&String>, place: &str| {
        let read = text.filter(|_| target != Target::Systemd).map(|text| Pinned::parse(text));
        read.transpose().unwrap_or_else(|problem| {
            wrong.push(problem.at(place));
            None
        })
    };
    let image = pinned(settings.image.as_ref(), "image");
    let canary = settings.canary.as_ref().filter(|_| target == Target::Kubernetes);
    let canary = pinned(canary.and_then(|canary| canary.image.as_ref()), "canary.image");
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let context = Context::new(target, facts, settings, image, canary)?;
    let parts = match target {
        Target::Kubernetes => cluster::kubernetes(&context, settings),
        Target::Kserve => cluster::kserve(&context),
        Target::Systemd => vec![(format!("{}.service", context.name), "systemd/unit.service", context.clone())],
        Target::Compose => vec![("compose.yaml".to_owned(), "compose/compose.yaml", context.clone())],
    };
    let mut files = vec![];
    for (name, template, context) in parts {
        match file(target, templates, name, template, &context) {
            Ok(file) => files.push(file),
            Err(problem) => wrong.push(problem),
        }
    }
    wrong.extend(twice(&files));
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let notes = tracks::note(&context.tracks, settings).into_iter().chain(notes(target, &context)).collect();
    Ok(Rendering { name: context.name, namespace: context.namespace, files, memory: context.memory, notes })
}

fn file(
    target: Target,
    templates: &Templates,
    name: String,
    template: &str,
    context: &Context,
) -> Result<Rendered, Problem> {
    let text = templates.render(template, context)?;
    let place = templates.place(template);
    let objects = match target {
        Target::Kubernetes | Target::Kserve => documents::objects(place, &text)?,
        Target::Compose => documents::read(place, &text)?,
        Target::Systemd => {
            let digest = context.program.as_ref().map_or("", |program| &program.sha256);
            if !text.contains(digest) {
                return Err(Problem::new(Kind::Image, "the unit does not check the program's digest")
                    .at(place)
                    .help("write `{{ program.sha256 }}` and check it before the start, as the unit inside does"));
            }
            vec![]
        }
    };
    Ok(Rendered { name, text, objects })
}

/// Two objects of one kind and name: the second would undo the first.
fn twice(files: &[Rendered]) -> Option<Problem> {
    let key = |object: &Value| ["/kind", "/metadata/namespace", "/metadata/name"].map(|at| object.pointer(at).cloned());
    let all: Vec<_> =
        files.iter().flat_map(|file| &file.objects).filter(|object| object.get("kind").is_some()).collect();
    let second =
        all.iter().enumerate().find(|(at, object)| all[..*at].iter().any(|other| key(other) == key(object)))?.1;
    let [kind, _, name] =
        key(second).map(|value| value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned());
    Some(
        Problem::new(Kind::Template, format!("the {kind} `{name}` is rendered twice"))
            .help("one of the templates has another's name"),
    )
}

/// What a target leaves to others.
fn notes(target: Target, context: &Context) -> Vec<String> {
    let mut notes = vec![];
    if target == Target::Kubernetes && context.probes_connect_only {
        notes.push(
            "probes have no certificate for the service, so they only see whether it accepts connections".to_owned(),
        );
    }
    if target == Target::Compose && (context.tokens.is_some() || context.tls.is_some()) {
        notes.push(format!(
            "the folders of tokens and certificates beside the file must be readable by the user {}",
            context.user
        ));
    }
    notes
}
