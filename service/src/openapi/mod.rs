//! The OpenAPI document of every route, and the page `/docs` to read and try them.
//!
//! Each room of routes has a file `openapi.rs` beside them: what its operations take and answer, with examples made of the models inside.
//! An example's answer is the engine's own, which runs it when the document is first asked for. `tests.rs` holds that no route lacks an
//! operation and no operation a route; `service/tests/protocols/openapi.rs` that each example is answered so; and `.ci/openapi` tries
//! what follows from the document, right and wrong.
//!
//! Specification: <https://spec.openapis.org/oas/v3.1.1.html>.

mod operation;
mod own;
mod ranked;
mod routes;
pub(crate) mod schema;
mod shown;
mod whole;

pub(crate) use operation::{Errors, JSON, Operation};
pub(crate) use ranked::{OF_ROWS, Ranked};
pub(crate) use routes::{PARTS, router};
pub(crate) use shown::{Asked, Known, Shown, Versioned, number, numbers};
use whole::BEARER;

use crate::Limits;
use crate::auth::Auth;
use crate::models::Models;
use crate::protocols::{Whose, schema_of};
use modeldeploy::format::Task;
use serde_json::{Map, Value, json};

/// The operations of a protocol.
#[derive(Debug)]
pub(crate) struct Section {
    /// Its name.
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// Schemas that its operations name.
    pub(crate) schemas: Vec<(&'static str, Value)>,
    pub(crate) operations: Vec<Operation>,
}

/// What sections are made of.
#[derive(Debug)]
pub(crate) struct About {
    /// The service's name and version.
    pub(crate) service: (&'static str, &'static str),
    pub(crate) limits: Limits,
    auth: Auth,
    /// All models, by name, and of a name the newest first.
    pub(crate) all: Vec<Known>,
    /// Those of texts, in that order.
    pub(crate) models: Vec<Shown>,
    /// Those that are rankers, in that order.
    pub(crate) rankers: Vec<Ranked>,
    /// The place among all of the model that was added first.
    added_first: Option<usize>,
    /// The place of the model of texts that was added first.
    first: Option<usize>,
    /// That of the first of each task.
    of_task: [(Task, Option<usize>); 3],
}

impl About {
    /// The models with their examples.
    ///
    /// # Errors
    ///
    /// If an engine cannot run one.
    pub(crate) fn new(
        service: (&'static str, &'static str),
        limits: Limits,
        auth: Auth,
        models: &Models,
    ) -> Result<About, modeldeploy::Error> {
        let served = models.all();
        let among_texts = |place: usize| served[..place].iter().filter(|model| model.texts().is_some()).count();
        let first = models.first_of_texts().map(among_texts);
        let of_task = [Task::Embed, Task::Score, Task::Classify];
        let of_task = of_task.map(|task| (task, models.first_of(task).map(among_texts)));
        // Of a name the stable one, where there is one.
        let is_newest = |at: usize| models.find(served[at].card.name, None) == Ok(at);
        let known = served.iter().enumerate().map(|(at, &served)| Known { served, is_newest: is_newest(at) });
        let all: Vec<Known> = known.collect();
        let texts = all.iter().filter_map(|known| Some((known, known.served.texts()?)));
        let texts = texts.map(|(known, engine)| Shown::of(&known.served, engine, known.is_newest));
        let rankers = all.iter().filter_map(|&known| Some((known, known.served.ranker()?)));
        let rankers = rankers.map(|(known, engine)| Ranked::of(known, engine));
        Ok(About {
            service,
            limits,
            auth,
            added_first: models.first(),
            first,
            of_task,
            models: texts.collect::<Result<_, _>>()?,
            rankers: rankers.collect::<Result<_, _>>()?,
            all,
        })
    }

    /// The model of texts that answers paths that name none.
    pub(crate) fn first(&self) -> Option<&Shown> {
        self.first.map(|at| &self.models[at])
    }

    /// The ranker that answers paths that name no model, if the model that was added first is one.
    pub(crate) fn first_ranker(&self) -> Option<&Ranked> {
        let first = &self.all[self.added_first?];
        self.rankers.iter().find(|ranked| ranked.is(first))
    }

    /// The model that stands for all where a path names one: the first of texts, or else the first.
    pub(crate) fn example(&self) -> Option<&Known> {
        let first = self.first().map(|shown| shown.card);
        first.map_or_else(
            || self.added_first.map(|at| &self.all[at]),
            |card| self.all.iter().find(|known| known.served.card == card),
        )
    }

    /// The one that answers paths of a task.
    pub(crate) fn first_of(&self, task: Task) -> Option<&Shown> {
        let (_, at) = self.of_task.iter().find(|(known, _)| *known == task)?;
        at.map(|at| &self.models[at])
    }

    /// The newest of each name.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &Known> {
        self.all.iter().filter(|known| known.is_newest)
    }

    /// The rankers that a header may choose in the place of that one: its versions that take and give the same.
    pub(crate) fn alike_rankers(&self, ranked: &Ranked) -> Vec<&Ranked> {
        self.rankers.iter().filter(|other| other.is_alike(ranked)).collect()
    }

    /// The versions that a header may choose in the place of that one: those whose answers have its form.
    pub(crate) fn alike(&self, model: &Shown) -> Vec<&Shown> {
        let form = |shown: &Shown| (shown.card.name, shown.facts.outputs, shown.facts.labels);
        self.models.iter().filter(|other| form(other) == form(model)).collect()
    }

    /// The names, each once; that of the first model stands first.
    pub(crate) fn names(&self) -> Vec<String> {
        let first = self.example().map(|known| known.served.card.name);
        let others = self.newest().map(|known| known.served.card.name).filter(|name| Some(*name) != first);
        first.into_iter().chain(others).map(str::to_owned).collect()
    }
}

/// The document. `own` is the service's own, whose paths go before those of the sections.
pub(crate) fn document(about: &About, sections: Vec<Section>, own: Option<&Value>) -> Value {
    let (title, version) = about.service;
    let mut schemas = Map::from_iter([("Error".to_owned(), schema::record(json!({ "error": schema::string() })))]);
    let (mut paths, mut tags, mut responses) = (Map::new(), vec![], Map::new());
    let mut needs_any = false;
    for Section { name, description, schemas: own, operations } in sections {
        tags.push(json!({ "name": name, "description": description }));
        schemas.extend(own.into_iter().map(|(name, schema)| (name.to_owned(), schema)));
        for operation in operations {
            let item = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
            let method = operation.method;
            let (schema, needs_token) =
                (schema_of(&operation.path), about.auth.at(&operation.path, Whose::OfPath).is_some());
            needs_any |= needs_token;
            responses.extend(whole::responses(schema, &about.limits));
            item[method] = operation.into_value(name, schema, needs_token);
        }
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": { "title": title, "version": version, "description": INTRODUCTION },
        "tags": tags,
        "paths": paths,
        "components": { "schemas": schemas, "responses": responses },
    });
    if needs_any {
        document["components"]["securitySchemes"] = json!({ BEARER: { "type": "http", "scheme": "bearer" } });
    }
    if let Some(own) = own {
        lay_over(&mut document, own);
    }
    document
}

const INTRODUCTION: &str = "The models are compiled into the service, and it speaks the protocols of today's model servers. \
    Every example was answered by the models inside.";

/// Lays the service's own document over the one of the protocols: a path of its own is answered by its own route alone.
fn lay_over(document: &mut Value, own: &Value) {
    for (key, value) in own.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("paths" | "info", Value::Object(entries)) => {
                entries.iter().for_each(|(name, entry)| document[key][name] = entry.clone());
            }
            ("components", Value::Object(kinds)) => {
                for (kind, entries) in kinds {
                    let entries = entries.as_object().into_iter().flatten();
                    entries.for_each(|(name, entry)| document[key][kind][name] = entry.clone());
                }
            }
            ("tags", Value::Array(tags)) => {
                let all = document[key].as_array_mut().expect("made as a list");
                all.splice(0..0, tags.iter().cloned());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
