//! What a template gave, read as YAML: objects that have a kind and a name, and images that are pinned.

use crate::image::is_pinned;
use crate::problem::{Kind, Problem};
use serde_json::Value;

/// The longest text that is read: a rendering has some kilobytes.
const LONGEST: usize = 1 << 20;

/// The documents of a text. `shown` is its name for errors.
///
/// # Errors
///
/// If it is no YAML, has a key twice, or names an image that is not pinned.
pub(crate) fn read(shown: &str, text: &str) -> Result<Vec<Value>, Problem> {
    let wrong = |message: String| Problem::new(Kind::Template, message).at(shown);
    if text.len() > LONGEST {
        return Err(wrong(format!("it has {} bytes, and {LONGEST} are the most", text.len())));
    }
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| {
        let said = error.to_string();
        wrong(format!("it is no YAML: {}", said.lines().next().unwrap_or_default()))
    })?;
    for document in &documents {
        if !document.is_object() {
            return Err(wrong("a document in it is no object".to_owned()));
        }
        if let Some(image) = unpinned(document) {
            return Err(Problem::new(Kind::Image, format!("it names the image {image}, which has no digest"))
                .at(shown)
                .help("every image is pinned: NAME@sha256:…"));
        }
    }
    Ok(documents)
}

/// Objects of Kubernetes: they have `apiVersion`, `kind` and `metadata.name`, too.
///
/// # Errors
///
/// Those of [`read`], or that one of them is none.
pub(crate) fn objects(shown: &str, text: &str) -> Result<Vec<Value>, Problem> {
    let documents = read(shown, text)?;
    for document in &documents {
        let has =
            |pointer: &str| document.pointer(pointer).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if let Some(absent) = ["/apiVersion", "/kind", "/metadata/name"].into_iter().find(|pointer| !has(pointer)) {
            let key = absent.trim_start_matches('/').replace('/', ".");
            return Err(Problem::new(Kind::Template, format!("an object in it has no `{key}`")).at(shown));
        }
    }
    Ok(documents)
}

/// The first value of a key `image` that is not pinned.
fn unpinned(value: &Value) -> Option<String> {
    match value {
        Value::Object(map) => map.iter().find_map(|(key, value)| match value.as_str() {
            Some(image) if key == "image" => (!is_pinned(image)).then(|| format!("`{image}`")),
            None if key == "image" && !value.is_object() => Some(value.to_string()),
            _ => unpinned(value),
        }),
        Value::Array(list) => list.iter().find_map(unpinned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";

    #[test]
    fn what_is_no_manifest_is_told_why() {
        let pinned = format!("{HEAD}spec:\n  containers:\n  - image: a@sha256:{}\n", "0".repeat(64));
        assert_eq!(objects("a.yaml", &format!("{pinned}---\n{pinned}")).expect("objects").len(), 2);
        let deep = "[".repeat(200_000);
        let bomb = format!(
            "a: &a [1,1,1,1,1,1,1,1,1]\n{}",
            (0..20).map(|at| format!("b{at}: [*a,*a,*a,*a]\n")).collect::<String>()
        );
        for (text, said) in [
            ("a: [", "is no YAML"),
            ("a: 1\na: 2", "is no YAML"),
            (&deep, "is no YAML"),
            ("- a", "is no object"),
            ("just a text", "is no object"),
            ("kind: Pod", "has no `apiVersion`"),
            ("apiVersion: v1\nkind: Pod\nmetadata: {}", "has no `metadata.name`"),
            (&format!("{HEAD}spec: {{containers: [{{image: 'a:latest'}}]}}"), "`a:latest`, which has no digest"),
            (&format!("{HEAD}spec: {{containers: [{{image: }}]}}"), "null, which has no digest"),
            (&" ".repeat(LONGEST + 1), "are the most"),
        ] {
            let error = objects("a.yaml", text).expect_err(said);
            assert!(error.message.contains(said) && error.place.as_deref() == Some("a.yaml"), "{said}: {error}");
        }
        // Aliases are YAML; how much they may come to is bounded.
        assert!(read("a.yaml", &bomb).is_ok());
    }
}
