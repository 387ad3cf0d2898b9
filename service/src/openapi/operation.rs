//! One operation of the document: a method at a path, what it takes, what it answers, and examples of both.

use super::whole::{BEARER, WHOLE};
use super::{Versioned, schema};
use crate::models::{KEY, LABEL, VERSION};
use serde_json::{Map, Value, json};

/// What is sent or answered in JSON.
pub(crate) const JSON: &str = "application/json";

/// The header that names a request's time, and what it means.
const TIMEOUT: &str = "How long the client waits. What cannot be answered by then is refused at once, with 429.";

/// A method at a path.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: String,
    summary: String,
    description: String,
    parameters: Vec<Value>,
    /// Schemas and examples of a request's body, by media type.
    request: Map<String, Value>,
    /// Whether there must be one.
    needs_body: bool,
    /// Answers, by status.
    answers: Map<String, Value>,
}

/// How a protocol says that something is wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errors {
    /// The name of the schema of its errors, one of its section's.
    pub(crate) schema: &'static str,
    /// The statuses, each with what it means.
    pub(crate) statuses: &'static [(u16, &'static str)],
}

impl Operation {
    pub(crate) fn new(method: &'static str, path: impl Into<String>, summary: impl Into<String>) -> Operation {
        let (parameters, request, answers) = (vec![], Map::new(), Map::new());
        let (path, summary, description) = (path.into(), summary.into(), String::new());
        Operation { method, path, summary, description, parameters, request, needs_body: true, answers }
    }

    pub(crate) fn get(path: impl Into<String>, summary: impl Into<String>) -> Operation {
        Operation::new("get", path, summary)
    }

    pub(crate) fn post(path: impl Into<String>, summary: impl Into<String>) -> Operation {
        Operation::new("post", path, summary)
    }

    /// Says more than the summary.
    pub(crate) fn described(mut self, description: impl Into<String>) -> Operation {
        self.description = description.into();
        self
    }

    /// A part of the path that is one of these; the first is the example.
    pub(crate) fn path_parameter(mut self, name: &str, values: &[String], description: &str) -> Operation {
        self.parameters.push(json!({
            "name": name, "in": "path", "required": true, "description": description,
            "schema": { "type": "string", "enum": values }, "example": values.first(),
        }));
        self
    }

    /// The parameters that its path has.
    pub(crate) fn names_in_path(&self) -> Vec<&str> {
        self.path.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
    }

    /// A parameter that may stand in the query.
    pub(crate) fn query(mut self, name: &str, schema: Value, description: &str) -> Operation {
        self.parameters.push(json!({ "name": name, "in": "query", "description": description, "schema": schema }));
        self
    }

    /// A header that may be sent.
    pub(crate) fn header(mut self, name: &str, schema: Value, description: &str) -> Operation {
        self.parameters.push(json!({ "name": name, "in": "header", "description": description, "schema": schema }));
        self
    }

    /// It runs a model, within a time that the client may set.
    pub(crate) fn timed(self) -> Operation {
        let millis = json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
        self.header(crate::inference::TIMEOUT, millis, TIMEOUT)
    }

    /// It is answered by one of these versions, as headers ask for it or the shares say.
    pub(crate) fn chosen_of<V: Versioned>(self, versions: &[&V]) -> Operation {
        let of = |of: fn(&V) -> Option<&'static str>| {
            // An empty header is as none.
            let mut values = vec![""];
            values.extend(versions.iter().copied().filter_map(of));
            values
        };
        let (numbers, labels) = (of(|version| Some(version.version())), of(|version| version.label()));
        let operation = self.header(VERSION, schema::one_of(&numbers), "The version that is to answer.");
        let operation = match labels.len() {
            1 => operation,
            _ => operation.header(LABEL, schema::one_of(&labels), "The label of the version that is to answer."),
        };
        let operation = operation.header(KEY, schema::string(), "Requests with one key are answered by one version.");
        operation.answered_by(versions)
    }

    /// A header of its answer says which of these versions it is of.
    pub(crate) fn answered_by<V: Versioned>(self, versions: &[&V]) -> Operation {
        let versions: Vec<&str> = versions.iter().map(|version| version.version()).collect();
        self.with_header(200, VERSION, schema::one_of(&versions), "The version that answered.")
    }

    /// A body that it takes.
    pub(crate) fn takes(mut self, media: &str, schema: Value) -> Operation {
        self.request.insert(media.to_owned(), json!({ "schema": schema }));
        self
    }

    /// Its body may be left out.
    pub(crate) fn or_nothing(mut self) -> Operation {
        self.needs_body = false;
        self
    }

    /// An answer that is no error.
    pub(crate) fn gives(mut self, status: u16, description: &str, media: &str, schema: Value) -> Operation {
        let answer = self.answer(status, description);
        let content = answer.entry("content").or_insert_with(|| json!({}));
        content[media] = json!({ "schema": schema });
        self
    }

    /// An answer without a body.
    pub(crate) fn gives_nothing(mut self, status: u16, description: &str) -> Operation {
        self.answer(status, description);
        self
    }

    /// A header of an answer.
    pub(crate) fn with_header(mut self, status: u16, name: &str, schema: Value, description: &str) -> Operation {
        let answer = self.answer(status, "");
        let headers = answer.entry("headers").or_insert_with(|| json!({}));
        headers[name] = json!({ "schema": schema, "description": description });
        self
    }

    /// The protocol's errors with these statuses.
    ///
    /// # Panics
    ///
    /// If the protocol has none of that status.
    pub(crate) fn refuses(mut self, errors: Errors, statuses: &[u16]) -> Operation {
        let schema = json!({ "$ref": format!("#/components/schemas/{}", errors.schema) });
        for &status in statuses {
            let known = errors.statuses.iter().find(|(known, _)| *known == status);
            let (_, meaning) = known.unwrap_or_else(|| panic!("{} has no error {status}", errors.schema));
            self = self.gives(status, meaning, JSON, schema.clone());
            if status == 429 {
                let headers = json!({ "Retry-After": schema::retry_after() });
                self.answer(status, "").insert("headers".to_owned(), headers);
            }
        }
        self
    }

    /// A request in that media type, and what it is answered with in that other.
    pub(crate) fn shows_as(mut self, name: &str, request: (&str, Value), answer: (&str, Value)) -> Operation {
        let (media, value) = request;
        self.request[media]["examples"][name] = json!({ "value": value });
        self.answered(name, answer)
    }

    /// A request in JSON and its answer.
    pub(crate) fn shows(self, name: &str, request: Value, answer: Value) -> Operation {
        self.shows_as(name, (JSON, request), (JSON, answer))
    }

    /// What is answered where nothing is sent.
    pub(crate) fn answers(self, answer: Value) -> Operation {
        self.answered("answer", (JSON, answer))
    }

    /// What is answered in another media type where nothing is sent.
    pub(crate) fn says(self, media: &str, answer: &str) -> Operation {
        self.answered("answer", (media, answer.into()))
    }

    fn answered(mut self, name: &str, (media, value): (&str, Value)) -> Operation {
        self.answers["200"]["content"][media]["examples"][name] = json!({ "value": value });
        self
    }

    fn answer(&mut self, status: u16, description: &str) -> &mut Map<String, Value> {
        let answer = self.answers.entry(status.to_string()).or_insert_with(|| json!({}));
        if !description.is_empty() {
            answer["description"] = description.into();
        }
        answer.as_object_mut().expect("made as an object")
    }

    /// As it stands in the document, with what refuses it before its protocol sees it: errors of that schema.
    pub(super) fn into_value(mut self, tag: &str, schema: &str, needs_token: bool) -> Value {
        for whole in
            WHOLE.iter().filter(|whole| whole.of_body && !self.request.is_empty() || whole.of_token && needs_token)
        {
            let answer = || json!({ "$ref": format!("#/components/responses/{schema}.{}", whole.name) });
            let known = self.answers.entry(whole.status.to_string()).or_insert_with(answer);
            if let Some(Value::String(description)) = known.get_mut("description") {
                description.push(' ');
                description.push_str(whole.meaning);
            }
        }
        let mut value = json!({
            "tags": [tag], "operationId": id(self.method, &self.path), "summary": self.summary, "responses": self.answers,
        });
        if !self.description.is_empty() {
            value["description"] = self.description.into();
        }
        if needs_token {
            value["security"] = json!([{ BEARER: [] }]);
        }
        if !self.parameters.is_empty() {
            value["parameters"] = self.parameters.into();
        }
        if !self.request.is_empty() {
            value["requestBody"] = json!({ "required": self.needs_body, "content": self.request });
        }
        value
    }
}

/// A name that no other operation has: the method and the words of the path.
fn id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_alphanumeric() && c != '.').filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |id, word| id + "_" + word)
}
