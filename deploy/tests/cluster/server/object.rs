//! An object and who has set what of it: the rules of server-side apply.

use super::answer::Refusal;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// An object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) value: Value,
    /// By manager, what it has applied last.
    managers: BTreeMap<String, Value>,
}

/// Reads what is applied, and holds it against the path that it came by.
pub(super) fn read(body: &[u8], key: &[String; 4], kind: &str) -> Result<Value, Refusal> {
    let invalid = |why: &str| Refusal::new(400, "BadRequest", why);
    let text = std::str::from_utf8(body).map_err(|_| invalid("the body is no text"))?;
    let applied: Value = serde_saphyr::from_str(text).map_err(|error| invalid(&error.to_string()))?;
    let at = |pointer: &str| applied.pointer(pointer).and_then(Value::as_str);
    if (at("/apiVersion"), at("/kind")) != (Some(&key[0]), Some(kind)) {
        return Err(invalid("the object's kind is not that of the path"));
    }
    if at("/metadata/name") != Some(&key[3]) || at("/metadata/namespace").is_some_and(|namespace| namespace != key[2]) {
        return Err(invalid("the object's name is not that of the path"));
    }
    let mut applied = applied;
    applied["metadata"]["namespace"] = key[2].clone().into();
    Ok(applied)
}

impl Object {
    /// One that nobody has applied.
    pub(super) fn of(value: Value) -> Object {
        Object { value, managers: BTreeMap::new() }
    }

    pub(crate) fn shown(&self) -> String {
        let text = |pointer: &str| self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        format!("{} {}/{}", text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
    }

    /// `before` with what `manager` applies: fields that it has set and applies no more go, those of others stay; where another has set
    /// one to another value, there is a conflict unless it is forced.
    pub(super) fn applied(
        before: Option<&Object>,
        applied: Value,
        manager: &str,
        force: bool,
    ) -> Result<Object, Refusal> {
        let mut object =
            before.cloned().unwrap_or_else(|| Object::of(json!({"metadata": {"generation": 0, "uid": "uid-1"}})));
        let mut conflicts = vec![];
        for (other, theirs) in object.managers.iter_mut().filter(|(other, _)| *other != manager) {
            let paths = leaves(theirs)
                .into_iter()
                .filter(|(path, value)| applied.pointer(path).is_some_and(|ours| ours != value));
            let paths: Vec<String> = paths.map(|(path, _)| path).collect();
            if force {
                paths.iter().for_each(|path| remove(theirs, path));
            }
            conflicts
                .extend(paths.into_iter().map(|path| format!("conflict with \"{other}\": {}", path.replace('/', "."))));
        }
        if !conflicts.is_empty() && !force {
            let message = format!("Apply failed with {} conflicts: {}", conflicts.len(), conflicts.join(", "));
            return Err(Refusal::new(409, "Conflict", &message));
        }
        let spec = object.value.get("spec").cloned();
        let selector = |value: &Value| value.pointer("/spec/selector/matchLabels").cloned();
        if before.is_some() && applied["kind"] == "Deployment" && selector(&object.value) != selector(&applied) {
            return Err(Refusal::new(422, "Invalid", "spec.selector: Invalid value: field is immutable"));
        }
        let old = object.managers.insert(manager.to_owned(), applied.clone());
        for (path, _) in old.iter().flat_map(leaves) {
            let is_kept = object.managers.values().any(|theirs| theirs.pointer(&path).is_some());
            if !is_kept {
                remove(&mut object.value, &path);
            }
        }
        merge(&mut object.value, applied);
        if object.value.get("spec").cloned() != spec {
            let generation = object.value["metadata"]["generation"].as_i64().unwrap_or(0);
            object.value["metadata"]["generation"] = (generation + 1).into();
        }
        Ok(object)
    }
}

/// The pointers of all that is no object, a list as a whole.
fn leaves(value: &Value) -> Vec<(String, Value)> {
    let Value::Object(map) = value else { return vec![(String::new(), value.clone())] };
    let inner = |(key, value): (&String, &Value)| {
        let key = key.replace('~', "~0").replace('/', "~1");
        leaves(value).into_iter().map(move |(path, value)| (format!("/{key}{path}"), value))
    };
    map.iter().flat_map(|entry| inner(entry).collect::<Vec<_>>()).collect()
}

fn remove(value: &mut Value, path: &str) {
    let (parent, key) = path.rsplit_once('/').expect("a pointer");
    let key = key.replace("~1", "/").replace("~0", "~");
    if let Some(Value::Object(map)) = value.pointer_mut(parent) {
        map.remove(&key);
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter()
                .for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Object(Map::new())), value));
        }
        (into, from) => *into = from,
    }
}
