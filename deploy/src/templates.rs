//! The templates: those inside, and those of a team's folder that go before them by name.

use crate::problem::{Kind, Problem};
use crate::quote;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

macro_rules! inside {
    ($($name:literal),* $(,)?) => { [$(($name, include_str!(concat!("../templates/", $name)))),*] };
}

/// The templates inside, by name, in the order in which what they give is applied.
const INSIDE: [(&str, &str); 10] = inside![
    "kubernetes/networkpolicy.yaml",
    "kubernetes/service.yaml",
    "kubernetes/poddisruptionbudget.yaml",
    "kubernetes/deployment.yaml",
    "kubernetes/horizontalpodautoscaler.yaml",
    "kubernetes/servicemonitor.yaml",
    "kubernetes/httproute.yaml",
    "kserve/inferenceservice.yaml",
    "systemd/unit.service",
    "compose/compose.yaml",
];

/// The longest template, and the most files of a folder.
const LONGEST: u64 = 256 << 10;
const MOST: usize = 100;

/// The most steps of one: those inside take some thousands.
const STEPS: u64 = 5_000_000;

/// Templates, ready to be rendered.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    /// Where the ones of a team's own lie.
    own: BTreeMap<String, String>,
}

impl Templates {
    /// The names and texts of those inside.
    pub fn inside() -> impl Iterator<Item = (&'static str, &'static str)> {
        INSIDE.into_iter()
    }

    /// Those inside, and those of `folder` in the place of the ones of the same name.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read, or a file in it is no template, or none that is known.
    pub fn new(folder: Option<&Path>) -> Result<Templates, Vec<Problem>> {
        let mut environment = Environment::new();
        quote::set(&mut environment);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build().expect("our own syntax"));
        environment.set_recursion_limit(100);
        environment.set_fuel(Some(STEPS));
        for (name, text) in INSIDE {
            environment.add_template(name, text).expect("our own templates can be read");
        }
        let mut templates = Templates { environment, own: BTreeMap::new() };
        let mut wrong = vec![];
        if let Some(folder) = folder {
            match files(folder) {
                Ok(names) => wrong.extend(names.iter().filter_map(|name| templates.take(folder, name).err())),
                Err(problem) => wrong.push(problem),
            }
        }
        if wrong.is_empty() { Ok(templates) } else { Err(wrong) }
    }

    /// Writes those inside into `folder`, to begin from; none that is there already is written over.
    ///
    /// # Errors
    ///
    /// If one is there, or cannot be written.
    pub fn export(folder: &Path) -> Result<Vec<String>, Problem> {
        let failed = |path: &Path, why: &dyn std::fmt::Display| {
            Problem::new(Kind::File, format!("the template cannot be written: {why}")).at(path.display().to_string())
        };
        let there = INSIDE.iter().map(|(name, _)| folder.join(name)).find(|path| path.exists());
        if let Some(path) = there {
            return Err(failed(&path, &"it is there already").help("name another folder, or remove the file"));
        }
        for (name, text) in INSIDE {
            let path = folder.join(name);
            let parent = path.parent().expect("a name has a folder");
            fs::create_dir_all(parent).map_err(|error| failed(parent, &error))?;
            fs::write(&path, text).map_err(|error| failed(&path, &error))?;
        }
        Ok(INSIDE.iter().map(|(name, _)| (*name).to_owned()).collect())
    }

    fn take(&mut self, folder: &Path, name: &str) -> Result<(), Problem> {
        let path = folder.join(name);
        let shown = path.display().to_string();
        if !INSIDE.iter().any(|(known, _)| *known == name) {
            let near =
                INSIDE.iter().map(|(known, _)| *known).min_by_key(|known| strsim::damerau_levenshtein(known, name));
            return Err(Problem::new(
                Kind::Template,
                format!("there is no template `{name}` for this one to override"),
            )
            .at(shown)
            .help(format!(
                "did you mean `{}`? `cargo modeldeploy deploy templates` lists them",
                near.unwrap_or_default()
            )));
        }
        let wrong = |message: String| Problem::new(Kind::Template, message).at(&shown);
        let mut text = String::new();
        let file = File::open(&path).map_err(|error| wrong(format!("the template cannot be read: {error}")))?;
        let read = file.take(LONGEST + 1).read_to_string(&mut text);
        read.map_err(|error| wrong(format!("the template cannot be read: {error}")))?;
        if text.len() as u64 > LONGEST {
            return Err(wrong(format!("the template is longer than {LONGEST} bytes")));
        }
        self.environment.add_template_owned(name.to_owned(), text).map_err(|error| fault(&shown, &error))?;
        self.own.insert(name.to_owned(), shown);
        Ok(())
    }

    /// Where errors of a template point to: its file, or its name.
    pub(crate) fn place<'a>(&'a self, name: &'a str) -> &'a str {
        self.own.get(name).map_or(name, String::as_str)
    }

    /// What a template gives.
    pub(crate) fn render(&self, name: &str, context: &impl Serialize) -> Result<String, Problem> {
        let place = self.place(name);
        let template = self.environment.get_template(name).map_err(|error| fault(place, &error))?;
        template.render(Serde(context)).map_err(|error| fault(place, &error))
    }
}

/// The files under a folder, as names of templates, sorted.
fn files(folder: &Path) -> Result<Vec<String>, Problem> {
    let unreadable = |path: &Path, why: String| {
        Problem::new(Kind::Template, format!("the templates cannot be read: {why}"))
            .at(path.display().to_string())
            .help("`cargo modeldeploy deploy templates --write FOLDER` makes a folder to begin from")
    };
    let mut found = vec![];
    let list = |path: &Path| -> Result<Vec<fs::DirEntry>, Problem> {
        let entries = fs::read_dir(path).map_err(|error| unreadable(path, error.to_string()))?;
        entries.take(MOST + 1).collect::<Result<_, _>>().map_err(|error| unreadable(path, error.to_string()))
    };
    for entry in list(folder)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        // What is hidden is an editor's or git's; a README may explain.
        if name.starts_with('.') || name.ends_with(".md") {
            continue;
        }
        match entry.path().is_dir() {
            true => found.extend(
                list(&entry.path())?.iter().map(|inner| format!("{name}/{}", inner.file_name().to_string_lossy())),
            ),
            false => found.push(name),
        }
    }
    if found.len() > MOST {
        return Err(unreadable(folder, format!("there are more than {MOST} files")));
    }
    found.retain(|name| !name.contains("/."));
    found.sort();
    Ok(found)
}

/// A template's error, with its line.
fn fault(place: &str, error: &minijinja::Error) -> Problem {
    let place = error.line().map_or(place.to_owned(), |line| format!("{place}:{line}"));
    let detail = error.detail().map_or(error.kind().to_string(), str::to_owned);
    Problem::new(Kind::Template, format!("the template fails: {detail}"))
        .at(place)
        .help("`docs/deploy.md` lists what templates see; `{{ … }}` quotes, `{% … %}` decides")
}
