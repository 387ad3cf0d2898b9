//! Bodies that are inferences, and bodies that are not.

use super::*;

fn one(text: &str) -> Text {
    Text::One(text.to_owned())
}

fn json(body: &str) -> Result<Infer, String> {
    decode(body.as_bytes(), None)
}

/// A body of one input with these fields beside its name and type.
fn input(fields: &str) -> String {
    format!(r#"{{"inputs": [{{"name": "text", "datatype": "BYTES", {fields}}}]}}"#)
}

#[test]
fn texts_and_pairs_are_told_by_the_shape() {
    let pair = |a: &str, b: &str| Text::Pair(a.to_owned(), b.to_owned());
    for (fields, texts) in [
        (r#""shape": [2], "data": ["a", "手"]"#, vec![one("a"), one("手")]),
        (r#""shape": [1, 1], "data": [["a"]]"#, vec![one("a")]),
        (r#""shape": [0], "data": []"#, vec![]),
        (r#""shape": [2, 2], "data": [["a", "b"], ["c", "d"]]"#, vec![pair("a", "b"), pair("c", "d")]),
        (r#""shape": [2, 2], "data": ["a", "b", "c", "d"]"#, vec![pair("a", "b"), pair("c", "d")]),
    ] {
        assert_eq!(json(&input(fields)).expect(fields).asked, texts, "{fields}");
    }
}

#[test]
fn all_that_may_be_asked_is_read() {
    let body = r#"{"id": "42", "model_name": "encoder", "parameters": {"binary_data_output": true, "prompt": "query", "priority": 3},
        "inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a"], "parameters": {"x": 1.5}}],
        "outputs": [{"name": "label", "parameters": {"binary_data": false}}, {"name": "probabilities"}]}"#;
    let wanted = |name: &str, is_binary| Wanted { name: name.to_owned(), is_binary };
    let expected = Infer {
        id: Some("42".to_owned()),
        asked: vec![one("a")],
        prompt: Some("query".to_owned()),
        timeout: None,
        outputs: Outputs { wanted: Some(vec![wanted("label", false), wanted("probabilities", true)]), is_binary: true },
    };
    assert_eq!(json(body), Ok(expected));
}

#[test]
fn binary_tensors_follow_the_json_and_a_raw_input_is_all_there_is() {
    let head = input(r#""shape": [2], "parameters": {"binary_data_size": 11}"#);
    let body = [head.as_bytes(), b"\x01\0\0\0a\x02\0\0\0bc"].concat();
    let infer = decode(&body, Some(&head.len().to_string())).expect("an inference");
    assert_eq!(infer.asked, [one("a"), one("bc")]);
    let raw = decode("手机".as_bytes(), Some("0")).expect("an inference");
    assert!(raw.asked == [one("手机")] && raw.outputs == Outputs { wanted: None, is_binary: true });
}

#[test]
fn what_is_wrong_is_named_with_its_field() {
    let deep = input(&format!(r#""shape": [1], "data": {}"#, "[".repeat(500)));
    let many = r#"{"inputs": [
        {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a"]},
        {"name": "b", "datatype": "BYTES", "shape": [1], "data": ["a"]}]}"#;
    for (body, message) in [
        ("", "the body cannot be read: EOF"),
        ("[]", "expected an object with the keys `id`, `parameters`, `inputs`, `outputs`"),
        ("{}", "missing field `inputs`"),
        (r#"{"inputs": [], "input": []}"#, "unknown field `input`"),
        (r#"{"inputs": [], "inputs": []}"#, "duplicate field `inputs`"),
        (r#"{"inputs": [], "parameters": {"a": 1, "a": 2}}"#, "`parameters`: duplicate parameter `a`"),
        (
            r#"{"inputs": [], "parameters": {"a": [1]}}"#,
            "`parameters.a`: a parameter is a boolean, a number or a string",
        ),
        (r#"{"inputs": []}"#, "`inputs` has 0 tensors, and the model takes one, `text`"),
        (many, "`inputs` has 2 tensors"),
        (
            &input(r#""shape": [1], "data": ["a"]"#).replace("text", "x"),
            "there is no input `x`; the model takes `text`",
        ),
        (&input(r#""shape": [1], "data": [1]"#).replace("BYTES", "FP32"), "input `text`: `datatype` is `FP32`"),
        (&input(r#""shape": [1], "data": [1]"#), "input `text`: element 0 of `data` is a number, and must be a string"),
        (&input(r#""shape": [1], "data": [NaN]"#), "the body cannot be read: `inputs[0].data[0]`: expected value"),
        (&input(r#""shape": [1]"#), "input `text`: it has neither `data` nor `binary_data_size`"),
        (&input(r#""shape": [3], "data": ["a", "b"]"#), "`data` is of shape [2], and `shape` is [3]"),
        (&input(r#""shape": [-1], "data": ["a"]"#), "`inputs[0].shape[0]`: invalid value: integer `-1`, expected u64"),
        (&input(r#""shape": [18446744073709551615, 2], "data": ["a"]"#), "`shape` is [18446744073709551615, 2]"),
        (
            &input(r#""shape": [18446744073709551616], "data": ["a"]"#),
            "`inputs[0].shape[0]`: invalid type: floating point",
        ),
        (&input(r#""shape": [2], "data": ["a", ["b"]]"#), "`inputs[0].data[1]`: `data` is nested unevenly"),
        (
            r#"{"inputs": [["text", [1], "BYTES", {}, ["a"]]]}"#,
            "`inputs[0]`: invalid type: sequence, expected an object with the keys `name`, `shape`, `datatype`",
        ),
        (
            r#"{"inputs": [], "outputs": [{"name": "label"}, ["label"]]}"#,
            "`outputs[1]`: invalid type: sequence, expected an object with the keys `name`, `parameters`",
        ),
        (&input(r#""shape": [1, 3], "data": ["a", "b", "c"]"#), "must be [n] for texts or [n, 2] for pairs"),
        (&input(r#""shape": [], "data": ["a"]"#), "must be [n] for texts"),
        (&input(r#""shape": [1], "data": ["a"], "parameters": {"binary_data_size": 1}"#), "it has both `data` and"),
        (&input(r#""shape": [1], "parameters": {"binary_data_size": -1}"#), "must be a number of bytes"),
        (
            &input(r#""shape": [1], "parameters": {"binary_data_size": 9}"#),
            "`binary_data_size` is 9, and the body has 0 more",
        ),
        (&deep, "`inputs[0].data[0][0][0][0][0]…`: recursion limit exceeded"),
    ] {
        let error = json(body).expect_err(body);
        assert!(error.contains(message), "{body}: {error}");
    }
}

#[test]
fn binary_data_that_do_not_fit_are_refused() {
    let sized =
        |size: usize, shape: &str| input(&format!(r#""shape": {shape}, "parameters": {{"binary_data_size": {size}}}"#));
    for (head, data, message) in [
        (sized(5, "[1]"), &b"\x01\0\0\0ab"[..], "the body has 1 bytes after its last tensor"),
        (sized(6, "[1]"), b"\x01\0\0\0a", "`binary_data_size` is 6, and the body has 5 more bytes"),
        (sized(5, "[1]"), b"\x09\0\0\0a", "element 0 is said to have 9 bytes, and 1 follow"),
        (sized(5, "[1]"), b"\x01\0\0\0\xff", "element 0 is not UTF-8"),
        (sized(5, "[2]"), b"\x01\0\0\0a", "its bytes are 1 elements, and `shape` is [2]"),
        (sized(5, "[18446744073709551615, 2]"), b"\x01\0\0\0a", "its bytes are 1 elements"),
    ] {
        let body = [head.as_bytes(), data].concat();
        let error = decode(&body, Some(&head.len().to_string())).expect_err(message);
        assert!(error.starts_with("input `text`: ") || error.starts_with("the body"), "{error}");
        assert!(error.contains(message), "{error}");
    }
    for length in ["3", "-1", "x", "", "99999999999999999999999"] {
        let error = decode(b"{}", Some(length)).expect_err(length);
        assert!(error.contains("inference-header-content-length") && error.contains("the body has 2 bytes"), "{error}");
    }
    assert!(decode(b"\xff", Some("0")).expect_err("not UTF-8").contains("not UTF-8"));
}
