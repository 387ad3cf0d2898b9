//! Every form of a tensor of strings, and what is wrong with those that are none.

use super::*;

fn of(sizes: &[i64], texts: &[&str]) -> TensorProto {
    let dim = sizes.iter().map(|&size| Dim { size, name: String::new() }).collect();
    TensorProto {
        dtype: DataType::DtString.into(),
        tensor_shape: Some(TensorShapeProto { dim, unknown_rank: false }),
        string_val: texts.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect(),
        ..Default::default()
    }
}

fn packed(sizes: &[i64], content: &'static [u8]) -> TensorProto {
    TensorProto { tensor_content: Bytes::from_static(content), ..of(sizes, &[]) }
}

fn one(text: &str) -> Text {
    Text::One(text.to_owned())
}

#[test]
fn strings_come_in_both_forms() {
    let pair = Text::Pair("ab".to_owned(), "手".to_owned());
    for (tensor, expected) in [
        (of(&[2], &["ab", ""]), vec![one("ab"), one("")]),
        (of(&[1, 2], &["ab", "手"]), vec![pair.clone()]),
        // A list that ends early goes on with its last element.
        (of(&[3], &["a", "b"]), vec![one("a"), one("b"), one("b")]),
        (of(&[0], &[]), vec![]),
        (packed(&[2], b"\x02\0ab"), vec![one("ab"), one("")]),
        (packed(&[1, 2], b"\x02\x03ab\xe6\x89\x8b"), vec![pair]),
    ] {
        assert_eq!(texts(&tensor, 3), Ok(expected));
    }
    let long = "x".repeat(200);
    let content = [b"\xc8\x01", long.as_bytes()].concat();
    assert_eq!(texts(&TensorProto { tensor_content: content.into(), ..of(&[1], &[]) }, 1), Ok(vec![one(&long)]));
}

#[test]
fn what_is_wrong_is_named_with_its_field() {
    let typed = |dtype: i32| TensorProto { dtype, ..of(&[1], &["a"]) };
    let unknown = TensorShapeProto { dim: vec![], unknown_rank: true };
    for (tensor, message) in [
        (typed(DataType::DtFloat.into()), "`dtype` is DT_FLOAT, and must be DT_STRING"),
        (typed(0), "`dtype` is DT_INVALID, and must be DT_STRING"),
        (typed(-7), "`dtype` is -7, and must be DT_STRING"),
        (TensorProto { tensor_shape: None, ..typed(7) }, "it has no `tensor_shape`"),
        (TensorProto { tensor_shape: Some(unknown), ..typed(7) }, "`tensor_shape` has an unknown rank"),
        (of(&[-1], &["a"]), "`shape` is [-1], and no size"),
        (of(&[7], &["a"]), "`tensor_shape` is [7], and at most 3 texts are taken"),
        (of(&[i64::MAX], &["a"]), "`tensor_shape` is [9223372036854775807], and at most 3 texts are taken"),
        (of(&[i64::MAX, 3], &["a"]), "`tensor_shape` is [9223372036854775807, 3], and at most 3 texts are taken"),
        (of(&[1], &["a", "b"]), "`string_val` has 2 elements, and `tensor_shape` is [1]"),
        (of(&[1], &[]), "`string_val` has 0 elements, and `tensor_shape` is [1]"),
        (of(&[], &["a"]), "`shape` is [], and must be [n] for texts or [n, 2] for pairs"),
        (of(&[1, 3], &["a", "b", "c"]), "`shape` is [1, 3], and must be [n]"),
        (
            TensorProto { tensor_content: Bytes::from_static(b"\x01a"), ..of(&[1], &["a"]) },
            "it has both `tensor_content` and",
        ),
        (packed(&[2], b"\x01"), "`tensor_content` ends in the length of element 1"),
        (
            packed(&[1], b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            "`tensor_content` ends in the length of element 0",
        ),
        (packed(&[2], b"\x01\x02ab"), "`tensor_content` ends in element 1"),
        (packed(&[1], b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a"), "`tensor_content` ends in element 0"),
        (packed(&[1], b"\x01ab"), "`tensor_content` has 1 bytes after its last element"),
        (packed(&[1], b"\x01\xff"), "element 0 is not UTF-8"),
    ] {
        let error = texts(&tensor, 3).expect_err(message);
        assert!(error.contains(message), "{message}: {error}");
    }
}

#[test]
fn a_long_text_stands_for_few_elements_after_it() {
    let long = "x".repeat(MOST_REPEATED / 2);
    assert_eq!(texts(&of(&[3], &[&long]), 9).map(|texts| texts.len()), Ok(3));
    let error = texts(&of(&[4], &[&long]), 9).expect_err("half as many bytes more than are repeated");
    assert!(error.contains("would stand for 3 elements more"), "{error}");
    // Those that are sent count with the body.
    assert_eq!(texts(&of(&[4], &[long.as_str(); 4]), 9).map(|texts| texts.len()), Ok(4));
}

#[test]
fn numbers_are_of_their_type_and_a_session_is_as_long_as_what_is_sent() {
    let numbers = |dtype: DataType, int_val: Vec<i32>| TensorProto {
        dtype: dtype.into(),
        int_val,
        string_val: vec![],
        ..of(&[2], &[])
    };
    let read = |tensor: &TensorProto| values(tensor, &Kind::Number, 1.max(sent(tensor)), |_| Ok(()));
    assert_eq!(read(&numbers(DataType::DtInt8, vec![-128, 127])), Ok(Values::Numbers(vec![-128.0, 127.0])));
    for (dtype, beyond) in [(DataType::DtInt8, 128), (DataType::DtUint8, -1), (DataType::DtUint16, 65_536)] {
        let error = read(&numbers(dtype, vec![0, beyond])).expect_err("it is beyond the type");
        assert!(error.contains(&format!("`int_val` has {beyond}")), "{error}");
    }
    // One number does not stand for more than are taken.
    assert!(read(&numbers(DataType::DtInt8, vec![1])).is_err());
}
