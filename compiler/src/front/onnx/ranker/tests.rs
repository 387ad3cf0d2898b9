//! What each rule makes of small graphs, and what is refused by name.

use super::{Network, Role, Sessions, free_batch, network};
use crate::features::sides;
use crate::onnx::tests::{Node, ids_port, int, integers, ints, node, of_inputs, port, tensor, with};
use modeldeploy_format::features::{Side, Takes};

/// Numbers that are all different.
fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|at| (at as f32 * 0.7).sin()).collect()
}

/// A network of one batch: `c` three numbers and `i` two ids of candidates, `u` two numbers of the user, `s` ids of a session; tables `t` and
/// `w`, and what nodes make of them as `y`.
fn made(opset: i64, nodes: Vec<Node>) -> Result<Network, Vec<String>> {
    let tensors = vec![
        tensor("t", &[9, 4], &numbers(36)),
        tensor("w", &[3, 4], &numbers(12)),
        tensor("square", &[4, 4], &numbers(16)),
        tensor("v", &[4], &numbers(4)),
        integers("offsets", &[2], &[0, 5]),
        integers("below", &[2], &[0, -1]),
        integers("first", &[], &[0]),
        integers("last", &[], &[-1]),
        integers("second", &[], &[1]),
        integers("one", &[1], &[1]),
        integers("zero", &[1], &[0]),
        integers("three", &[], &[3]),
        integers("last_axis", &[1], &[-1]),
        tensor("half", &[], &[0.5]),
        tensor("zero_f", &[], &[0.0]),
    ];
    let inputs = vec![
        port("c", &["batch", "3"]),
        ids_port("i", &["batch", "2"]),
        port("u", &["batch", "2"]),
        ids_port("s", &["1", "items"]),
    ];
    let model = of_inputs(opset, nodes, tensors, inputs, &["y"])?;
    let role = |input: &str, side| Role { input: input.to_owned(), side };
    let roles =
        [role("c", Side::Candidate), role("i", Side::Candidate), role("u", Side::User), role("s", Side::Session)];
    network(&model, "model.onnx", &roles, Sessions::up_to(8))
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn refused(nodes: Vec<Node>, parts: &[&str]) {
    let errors = made(17, nodes).expect_err(parts[0]);
    assert_eq!(errors.len(), parts.len(), "{errors:#?}");
    for (error, part) in errors.iter().zip(parts) {
        assert!(error.starts_with("error[MD0116]") && error.contains(part), "{error}");
    }
}

fn right(opset: i64, nodes: Vec<Node>) -> Network {
    made(opset, nodes).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

/// `[candidates, 4]` of ids, flattened to a score by its sum.
fn sum(x: &str) -> Node {
    node("ReduceSum", &[x, "one"], &["y"])
}

#[test]
fn columns_are_what_is_read_of_them() {
    let nodes = vec![
        node("Add", &["i", "offsets"], &["shared"]),
        node("Gather", &["t", "shared"], &["rows"]),
        node("Flatten", &["rows"], &["flat"]),
        node("Concat", &["flat", "u"], &["y"]),
    ];
    let nodes = nodes.into_iter().map(|it| if it.output == ["y"] { with(it, int("axis", 1)) } else { it }).collect();
    let columns = right(17, nodes).columns;
    let facts: Vec<_> = columns.iter().map(|it| (it.name.as_str(), it.side, it.takes, it.rows)).collect();
    let (candidate, user) = (Side::Candidate, Side::User);
    assert_eq!(
        facts,
        [
            ("c[0]", candidate, Takes::Number, None),
            ("c[1]", candidate, Takes::Number, None),
            ("c[2]", candidate, Takes::Number, None),
            // The first field has the rows before the second's.
            ("i[0]", candidate, Takes::Id, Some(5)),
            ("i[1]", candidate, Takes::Id, Some(4)),
            ("u[0]", user, Takes::Number, None),
            ("u[1]", user, Takes::Number, None),
            ("s", Side::Session, Takes::Number, None),
        ]
    );
}

#[test]
fn a_column_is_a_number_or_an_id() {
    let nodes = vec![
        with(node("Cast", &["i"], &["f"]), int("to", 1)),
        node("Gather", &["t", "i"], &["rows"]),
        with(node("ReduceSum", &["rows", "one"], &["a"]), int("keepdims", 0)),
        with(node("ReduceSum", &["f", "one"], &["b"]), int("keepdims", 1)),
        node("Mul", &["a", "b"], &["y"]),
    ];
    refused(nodes, &["operator `ReduceSum` of opset 17: column `i[0]` of the inputs is both a number and an id"]);
}

#[test]
fn offsets_that_take_from_ids_are_refused() {
    let nodes = vec![
        node("Add", &["i", "below"], &["shared"]),
        node("Gather", &["t", "shared"], &["rows"]),
        with(node("ReduceSum", &["rows", "one"], &["y"]), int("keepdims", 0)),
    ];
    refused(nodes, &["operator `Add` of opset 17: it takes from ids"]);
}

#[test]
fn all_that_does_not_fit_is_told_in_one_run() {
    let nodes = vec![
        node("Sin", &["c"], &["a"]),
        node("Elu", &["u"], &["b"]),
        with(node("ReduceSum", &["a", "one"], &["d"]), int("keepdims", 1)),
        with(node("ReduceSum", &["b", "one"], &["e"]), int("keepdims", 1)),
        node("Add", &["d", "e"], &["y"]),
    ];
    refused(
        nodes,
        &[
            "operator `Sin` of opset 17: it is computed by the interpreter only",
            "operator `Elu` of opset 17: it is computed by the interpreter only",
        ],
    );
}

#[test]
fn candidates_are_scored_each_by_itself() {
    let batch =
        vec![with(node("ReduceSum", &["c", "zero"], &["a"]), int("keepdims", 1)), node("Sub", &["c", "a"], &["y"])];
    refused(batch, &["operator `ReduceSum` of opset 17: it goes over the batch"]);
    let turned = vec![node("Transpose", &["c"], &["t_c"]), node("MatMul", &["c", "t_c"], &["y"])];
    refused(turned, &["operator `MatMul` of opset 17: it puts candidates beside candidates"]);
    let softmax = vec![node("ReduceSum", &["c", "one"], &["a"]), with(node("Softmax", &["a"], &["y"]), int("axis", 0))];
    refused(softmax, &["operator `Softmax` of opset 17: it goes over another axis"]);
}

#[test]
fn items_beside_candidates_are_refused() {
    let nodes = vec![
        node("Gather", &["t", "s"], &["items"]),
        node("MatMul", &["c", "w"], &["q"]),
        with(node("Transpose", &["items"], &["keys"]), crate::onnx::tests::ints("perm", &[0, 2, 1])),
        node("MatMul", &["q", "keys"], &["y"]),
    ];
    refused(nodes, &["operator `MatMul` of opset 17: it puts each candidate beside the items of the session"]);
}

#[test]
fn other_items_than_the_first_and_the_last_are_refused() {
    let of = |index: &str| {
        vec![
            node("Gather", &["t", "s"], &["items"]),
            with(node("Gather", &["items", index], &["user"]), int("axis", 1)),
            node("MatMul", &["c", "w"], &["q"]),
            node("Mul", &["q", "user"], &["y"]),
        ]
    };
    for (index, pooling) in [("first", "pool{pooling=cls}"), ("last", "pool{pooling=last}")] {
        let graph = right(17, of(index)).graph.to_string();
        assert!(graph.contains(pooling), "{graph}");
    }
    refused(of("second"), &["operator `Gather` of opset 17: it takes out another item than the first and the last"]);
}

/// Items times what `mask` makes of the session's ids, summed up, against a candidate.
fn masked(mask: Vec<Node>) -> Vec<Node> {
    let after = vec![
        node("Gather", &["t", "s"], &["items"]),
        node("Unsqueeze", &["mask", "last_axis"], &["column"]),
        node("Mul", &["items", "column"], &["shown"]),
        with(node("ReduceSum", &["shown", "one"], &["user"]), int("keepdims", 0)),
        node("MatMul", &["c", "w"], &["q"]),
        node("Mul", &["q", "user"], &["y"]),
    ];
    mask.into_iter().chain(after).collect()
}

#[test]
fn masks_of_padding_are_one_of_two_numbers_by_an_id() {
    let float = |from: &str| with(node("Cast", &[from], &["mask"]), int("to", 1));
    for (nodes, mask) in [
        // What is not the padding's id.
        (
            vec![node("Equal", &["s", "first"], &["is"]), node("Not", &["is"], &["not"]), float("not")],
            "equal=0.0, other=1.0",
        ),
        (vec![node("Greater", &["s", "first"], &["is"]), float("is")], "equal=0.0, other=1.0"),
        (vec![node("Less", &["first", "s"], &["is"]), float("is")], "equal=0.0, other=1.0"),
        (vec![node("GreaterOrEqual", &["s", "second"], &["is"]), float("is")], "equal=0.0, other=1.0"),
        (vec![node("LessOrEqual", &["s", "first"], &["is"]), float("is")], "equal=1.0, other=0.0"),
        (vec![with(node("Cast", &["s"], &["is"]), int("to", 9)), float("is")], "equal=0.0, other=1.0"),
        // What is computed with it.
        (
            vec![
                node("Equal", &["s", "first"], &["is"]),
                with(node("Cast", &["is"], &["f"]), int("to", 1)),
                node("Mul", &["f", "half"], &["h"]),
                node("Sub", &["half", "h"], &["g"]),
                node("Add", &["g", "h"], &["a"]),
                node("Add", &["a", "g"], &["mask"]),
            ],
            "equal=0.5, other=1.0",
        ),
        (
            vec![
                node("Equal", &["s", "first"], &["is"]),
                node("Not", &["is"], &["not"]),
                node("Or", &["is", "not"], &["always"]),
                node("And", &["always", "not"], &["kept"]),
                node("Where", &["kept", "half", "zero_f"], &["mask"]),
            ],
            "equal=0.0, other=0.5",
        ),
    ] {
        let graph = right(17, masked(nodes)).graph.to_string();
        assert!(graph.contains(&format!("id_mask{{id=0, {mask}}}")), "{mask}: {graph}");
    }
}

#[test]
fn rows_that_are_filled_with_zeros_are_masked() {
    let nodes = vec![
        node("Gather", &["t", "s"], &["items"]),
        node("Equal", &["s", "second"], &["is"]),
        node("Unsqueeze", &["is", "last_axis"], &["column"]),
        node("Where", &["column", "zero_f", "items"], &["shown"]),
        with(node("ReduceSum", &["shown", "one"], &["user"]), int("keepdims", 0)),
        node("MatMul", &["c", "w"], &["q"]),
        node("Mul", &["q", "user"], &["y"]),
    ];
    let graph = right(17, nodes).graph.to_string();
    assert!(graph.contains("id_mask{id=1, equal=0.0, other=1.0}"), "{graph}");
}

#[test]
fn masks_that_tell_more_than_one_id_from_others_are_refused() {
    let float = |from: &str| with(node("Cast", &[from], &["mask"]), int("to", 1));
    for (nodes, said) in [
        (
            vec![node("Less", &["s", "three"], &["is"]), float("is")],
            "it tells ids apart in another way than by one of them",
        ),
        (
            vec![node("Equal", &["s", "last"], &["is"]), float("is")],
            "it tells ids apart in another way than by one of them",
        ),
    ] {
        let errors = made(17, masked(nodes)).expect_err(said);
        assert!(errors.len() == 1 && errors[0].contains(said), "{errors:#?}");
    }
    let computed = vec![
        node("Gather", &["t", "s"], &["rows"]),
        with(node("ReduceSum", &["rows", "last_axis"], &["sum"]), int("keepdims", 0)),
        node("Greater", &["sum", "zero_f"], &["is"]),
        float("is"),
    ];
    refused(
        masked(computed),
        &["operator `Greater` of opset 17: it compares what was computed, and only ids are compared"],
    );
}

#[test]
fn the_greatest_of_fields_is_a_row() {
    let nodes = vec![
        node("Gather", &["t", "i"], &["rows"]),
        with(with(node("ReduceMax", &["rows"], &["most"]), crate::onnx::tests::ints("axes", &[1])), int("keepdims", 0)),
        node("MatMul", &["c", "w"], &["q"]),
        node("Mul", &["q", "most"], &["y"]),
    ];
    let graph = right(17, nodes).graph.to_string();
    assert!(graph.contains("reduce_max{axis=1}"), "{graph}");
}

#[test]
fn a_mean_over_items_and_fields_is_of_what_it_says() {
    let nodes = vec![
        node("Gather", &["t", "s"], &["items"]),
        with(
            with(node("ReduceMean", &["items"], &["user"]), crate::onnx::tests::ints("axes", &[1])),
            int("keepdims", 0),
        ),
        node("Gather", &["t", "i"], &["rows"]),
        with(
            with(node("ReduceMean", &["rows"], &["mean"]), crate::onnx::tests::ints("axes", &[1])),
            int("keepdims", 0),
        ),
        node("Mul", &["user", "mean"], &["y"]),
    ];
    let text = right(17, nodes).graph.to_string();
    assert!(text.contains("pool{pooling=mean}") && text.contains("reduce_mean{axis=1}"), "{text}");
}

#[test]
fn products_of_fields_and_users_are_right() {
    // Weights before a column, a matrix of the user against candidates, powers and slopes: each is held against the interpreter.
    let nodes = vec![
        node("MatMul", &["c", "w"], &["q"]),
        node("Unsqueeze", &["q", "one"], &["row"]),
        with(node("Transpose", &["row"], &["column"]), crate::onnx::tests::ints("perm", &[0, 2, 1])),
        node("MatMul", &["square", "column"], &["mixed"]),
        node("LeakyRelu", &["mixed"], &["leaky"]),
        node("PRelu", &["row", "v"], &["sloped"]),
        node("MatMul", &["sloped", "leaky"], &["dot"]),
        node("Gather", &["t", "i"], &["rows"]),
        node("MatMul", &["rows", "leaky"], &["fields"]),
        node("Add", &["fields", "dot"], &["both"]),
        node("Flatten", &["both"], &["y"]),
    ];
    right(17, nodes);
}

#[test]
fn a_file_that_gives_something_else_is_no_network() {
    let constant = vec![node("ReduceSum", &["u", "one"], &["y"])];
    refused(constant, &["the output `y` is no score"]);
    let fields = vec![node("Gather", &["t", "i"], &["y"])];
    refused(fields, &["the output `y` is no score"]);
}

#[test]
fn a_batch_of_a_fixed_size_is_that_of_the_candidates_where_it_is_said() {
    let read = |first: &str, batch: usize| {
        let ports = vec![port("c", &[first, "3"]), port("u", &[first, "3"])];
        let nodes = vec![node("Mul", &["c", "u"], &["both"]), sum("both")];
        let mut model = of_inputs(17, nodes, vec![integers("one", &[1], &[1])], ports, &["y"]).expect("a model");
        let said: String = (0..3).map(|at| format!("[feature.u{at}]\nof = \"user\"\ncolumn = \"u[{at}]\"\n")).collect();
        free_batch(&mut model, batch, &sides(&said));
        let role = |input: &str, side| Role { input: input.to_owned(), side };
        let roles = [role("c", Side::Candidate), role("u", Side::User)];
        let made = network(&model, "model.onnx", &roles, Sessions::up_to(8));
        made.map_err(|errors| errors.iter().map(ToString::to_string).collect::<String>())
    };
    let graph = read("32", 32).expect("a network").graph.to_string();
    assert_eq!(graph, read("batch", 7).expect("a network").graph.to_string());
    assert!(graph.contains("with=user"), "{graph}");
    for (first, batch) in [("32", 1), ("32", 31), ("3", 2)] {
        let error = read(first, batch).expect_err("no axis of candidates");
        assert!(error.contains(&format!("it has {first} rows, and no axis of candidates")), "{error}");
        assert!(error.contains(&format!("say `max-batch = {first}`")), "{error}");
    }
    let error = read("5000", 1).expect_err("no axis of candidates");
    assert!(error.contains("export it with a dynamic axis"), "{error}");
}

#[test]
fn whose_an_input_is_says_whether_it_begins_with_the_batch() {
    // Of the candidates, the user and a session, how each begins where the batch is of 4; a session's items are a dynamic axis.
    let first = |shapes: [&[&str]; 3], said: &str| {
        let [c, u, s] = shapes;
        let ports = vec![port("c", c), port("u", u), ids_port("s", s)];
        let mut model =
            of_inputs(17, vec![sum("c")], vec![integers("one", &[1], &[1])], ports, &["y"]).expect("a model");
        free_batch(&mut model, 4, &sides(said));
        let begins = |port: &crate::onnx::Port| port.shape.as_ref().expect("a shape")[0].to_string() == "max-batch = 4";
        <[bool; 3]>::try_from(model.inputs().iter().map(begins).collect::<Vec<_>>()).expect("three inputs")
    };
    let column = |input: &str, of: &str, at: usize| {
        format!("[feature.{input}{at}]\nof = \"{of}\"\ncolumn = \"{input}[{at}]\"\n")
    };
    let columns = |count: usize| (0..count).map(|at| column("u", "user", at)).collect::<String>();
    let session = "[feature.s]\nof = \"session\"\n";
    let said = |user: &str| format!("[feature.c0]\ncolumn = \"c[0]\"\n{session}{user}");
    let (c, items): (&[&str], &[&str]) = (&["4", "2"], &["1", "items"]);
    let embedding = "[feature.u]\nof = \"user\"\ntype = \"embedding\"\nmodel = \"e\"\n";
    for (shapes, user, expected) in [
        ([c, &["4", "3"], items], columns(3), [true, true, false]),
        // Twelve columns of one user are no batch, nor is a user of as many columns as candidates.
        ([c, &["4", "3"], items], columns(12), [true, false, false]),
        ([c, &["4"], items], columns(4), [true, false, false]),
        ([c, &["4"], items], "[feature.u]\nof = \"user\"\n".to_owned(), [true, true, false]),
        ([c, &["1", "4"], &["4", "items"]], columns(4), [true, false, true]),
        ([c, &["4", "3"], &["items"]], embedding.to_owned(), [true, true, false]),
        ([c, &["4"], items], embedding.to_owned(), [true, false, false]),
        ([c, &["4", "3"], items], embedding.replace("model", "column = \"u[0..3]\"\nmodel"), [true, true, false]),
        ([c, &["4", "3"], items], embedding.replace("model", "column = \"u[0..12]\"\nmodel"), [true, false, false]),
        // An axis of the candidates that is dynamic is theirs.
        ([&["n", "2"][..], &["4", "3"], items], columns(3), [false, false, false]),
        ([&["5", "2"][..], &["1", "3"], items], columns(3), [false, false, false]),
    ] {
        assert_eq!(first(shapes, &said(&user)), expected, "{shapes:?} {user}");
    }
    // Of what nothing is said is the candidates'; columns of both are repeated.
    assert_eq!(first([c, &["4", "3"], items], session), [true, true, false]);
    let both = format!("{session}{}{}", column("u", "user", 0), column("u", "candidate", 1));
    assert_eq!(first([c, &["4", "3"], items], &both), [true, true, false]);
    assert_eq!(first([c, &["4", "3"], items], "nonsense ="), [false, false, false], "its items are dynamic");
}

#[test]
fn a_fixed_batch_beside_a_session_is_read_as_a_dynamic_one() {
    let read = |batch: &str, session: &[&str]| {
        let ports = vec![port("c", &[batch, "4"]), ids_port("s", session)];
        let nodes = vec![
            node("Gather", &["t", "s"], &["rows"]),
            with(node("ReduceMean", &["rows"], &["seen"]), ints("axes", &[1])),
            node("Squeeze", &["seen", "one"], &["mean"]),
            node("Mul", &["c", "mean"], &["both"]),
            sum("both"),
        ];
        let tensors = vec![tensor("t", &[9, 4], &numbers(36)), integers("one", &[1], &[1])];
        let mut model = of_inputs(17, nodes, tensors, ports, &["y"]).expect("a model");
        free_batch(&mut model, 32, &sides("[feature.s]\nof = \"session\"\n[feature.c]\ncolumn = \"c[0]\"\n"));
        let role = |input: &str, side| Role { input: input.to_owned(), side };
        let made =
            network(&model, "model.onnx", &[role("c", Side::Candidate), role("s", Side::Session)], Sessions::up_to(8));
        made.map_err(|errors| errors.iter().map(ToString::to_string).collect::<String>())
    };
    let dynamic = read("batch", &["1", "items"]).expect("a network").graph.to_string();
    assert_eq!(read("32", &["1", "items"]).expect("a network").graph.to_string(), dynamic);
    assert_eq!(read("32", &["32", "items"]).expect("a network").graph.to_string(), dynamic);
    let error = read("16", &["1", "items"]).expect_err("another batch");
    assert!(
        error.contains("the input `c`: it has 16 rows, and no axis of candidates; say `max-batch = 16`"),
        "{error}"
    );
}

#[test]
fn roles_are_those_of_the_inputs() {
    let model = of_inputs(17, vec![sum("c")], vec![integers("one", &[1], &[1])], vec![port("c", &["n", "3"])], &["y"]);
    let model = model.expect("a model");
    let of = |roles: &[(&str, Side)]| {
        let roles: Vec<Role> =
            roles.iter().map(|(name, side)| Role { input: (*name).to_owned(), side: *side }).collect();
        let made = network(&model, "model.onnx", &roles, Sessions::up_to(8));
        made.map_err(|errors| errors.iter().map(ToString::to_string).collect::<String>()).err().unwrap_or_default()
    };
    assert_eq!(of(&[("c", Side::Candidate)]), "");
    assert!(of(&[]).contains("of what the input `c` is known is not said"));
    assert!(of(&[("c", Side::Candidate), ("d", Side::User)]).contains("there is no input `d`"));
    assert!(of(&[("c", Side::User)]).contains("no input is the candidates'"));
    assert!(of(&[("c", Side::Session)]).contains("the number of a session's items is fixed"));
}
