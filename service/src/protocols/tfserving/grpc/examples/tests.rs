//! Examples with and without a context, and what is wrong with those that are none.

use super::*;
use crate::grpc::wire::tensorflow::serving::ExampleList;
use crate::grpc::wire::tensorflow::{BytesList, Features, FloatList, Int64List};
use prost::bytes::Bytes;

fn bytes(texts: &[&[u8]]) -> Values {
    Values::BytesList(BytesList { value: texts.iter().map(|text| Bytes::copy_from_slice(text)).collect() })
}

fn example(features: &[(&str, Values)]) -> Example {
    let feature = |(name, kind): &(&str, Values)| ((*name).to_owned(), Feature { kind: Some(kind.clone()) });
    Example { features: Some(Features { feature: features.iter().map(feature).collect() }) }
}

fn read(examples: Vec<Example>, context: Option<Example>) -> Result<Vec<Text>, String> {
    let kind = match context {
        None => Kind::ExampleList(ExampleList { examples }),
        context => Kind::ExampleListWithContext(ExampleListWithContext { examples, context }),
    };
    texts(Some(&Input { kind: Some(kind) }))
}

#[test]
fn texts_and_pairs_stand_in_examples_or_in_their_context() {
    let (text, pair) = (example(&[("text", bytes(&[b"ab"]))]), example(&[("text", bytes(&[b"ab", "手".as_bytes()]))]));
    let (one, two) = (Text::One("ab".to_owned()), Text::Pair("ab".to_owned(), "手".to_owned()));
    assert_eq!(read(vec![text.clone(), pair], None), Ok(vec![one.clone(), two]));
    let empty = [Example { features: None }, example(&[])];
    assert_eq!(read(empty.to_vec(), Some(text.clone())), Ok(vec![one.clone(), one.clone()]));
    assert_eq!(read(vec![text], Some(example(&[]))), Ok(vec![one]));
    assert_eq!(read(vec![], None), Ok(vec![]));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let text = || example(&[("text", bytes(&[b"ab"]))]);
    for (examples, context, message) in [
        (vec![text(), example(&[])], None, "`examples[1]` lacks `text`"),
        (vec![text()], Some(text()), "`examples[0]` has `text`, which `context` has, too"),
        (
            vec![example(&[("txt", bytes(&[]))])],
            None,
            "`examples[0]` has the inputs {`txt`}, and the model takes `text`",
        ),
        (vec![example(&[])], Some(example(&[("b", bytes(&[]))])), "`context` has the inputs {`b`}"),
        (
            vec![example(&[("text", bytes(&[]))])],
            None,
            "`examples[0]` has a list of 0, and the model takes a text or a pair",
        ),
        (vec![example(&[("text", bytes(&[b"a".as_slice(); 3]))])], None, "`examples[0]` has a list of 3"),
        (vec![example(&[("text", bytes(&[b"\xff"]))])], None, "`examples[0]` element 0 is not UTF-8"),
        (
            vec![example(&[("text", Values::FloatList(FloatList { value: vec![f32::NAN] }))])],
            None,
            "`examples[0]` has floats as `text`, where `bytes_list` must stand",
        ),
        (
            vec![example(&[("text", Values::Int64List(Int64List { value: vec![1] }))])],
            None,
            "`examples[0]` has integers as `text`",
        ),
    ] {
        let error = read(examples, context).expect_err(message);
        assert!(error.contains(message), "{message}: {error}");
    }
    assert_eq!(texts(None), Err("`input` has no examples".to_owned()));
    assert_eq!(texts(Some(&Input { kind: None })), Err("`input` has no examples".to_owned()));
}
