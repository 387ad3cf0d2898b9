//! From texts to answers: batches, pairs, prompts, threads, golden vectors.

#[path = "packs/mod.rs"]
mod packs;

use modeldeploy::format::Artifact;
use modeldeploy::format::golden::Golden;
use modeldeploy::isa::Isa;
use modeldeploy::model::{Engine, Error, Input};
use modeldeploy::session::{Batch, Capacity, Options, Session, Threads};
use packs::{Head, MAX_TOKENS, Precision, build, token_of};

fn bits(row: &[f32]) -> Vec<u32> {
    row.iter().map(|value| value.to_bits()).collect()
}

fn rows<'t>(engine: &Engine<'_>, inputs: impl IntoIterator<Item = Input<'t>>) -> Vec<Vec<u32>> {
    let mut rows = vec![];
    engine.run(inputs, |row| rows.push(bits(row))).expect("these texts can be run");
    rows
}

fn text(text: &str) -> Input<'_> {
    Input { text, ..Input::default() }
}

/// What a session says of tokens that were made by hand.
fn by_hand(pack: &[u8], tokens: &[(u32, u32)]) -> Vec<u32> {
    let (ids, types): (Vec<u32>, Vec<u32>) = tokens.iter().copied().unzip();
    let mut session = Session::new(&Artifact::parse(pack).expect("a pack"), Capacity::new(9, 1)).expect("a session");
    bits(session.run(&Batch { ids: &ids, types: &types, starts: &[0, ids.len() as u32] }).expect("a sound batch"))
}

fn tokens(text: &str, kind: u32) -> impl Iterator<Item = (u32, u32)> {
    text.bytes().map(move |byte| (token_of(byte), kind))
}

#[test]
fn a_text_is_tokenized_truncated_and_run() {
    let built = build(Precision::F32, Head::Embed, vec![]);
    let engine = Engine::new("a test", &built.pack).expect("an engine");
    for (input, kept) in [("", ""), ("abc", "abc"), ("a text of many tokens", "a text "), ("手机手机", "手机\u{e6}")]
    {
        let kept = if input == "手机手机" { &"手机手".as_bytes()[..7] } else { kept.as_bytes() };
        assert!(kept.len() + 2 <= MAX_TOKENS as usize);
        let expected: Vec<_> =
            [(0, 0)].into_iter().chain(kept.iter().map(|&byte| (token_of(byte), 0))).chain([(1, 0)]).collect();
        assert_eq!(rows(&engine, [text(input)]), [by_hand(&built.pack, &expected)], "{input:?}");
    }
}

#[test]
fn a_pair_and_a_prompt_are_run_together() {
    let built = build(Precision::Int8, Head::Score, vec![]);
    let engine = Engine::new("a test", &built.pack).expect("an engine");
    let expected: Vec<_> =
        [(0, 0)].into_iter().chain(tokens("abc", 0)).chain([(1, 0)]).chain(tokens("xyz", 1)).chain([(1, 1)]).collect();
    let pair = Input { prompt: "", text: "abc", pair: Some("xyz") };
    assert_eq!(rows(&engine, [pair]), [by_hand(&built.pack, &expected)]);
    let prompt = engine.prompt(Some("query")).expect("the prompt");
    let expected: Vec<_> = [(0, 0)].into_iter().chain(tokens("q: ab", 0)).chain([(1, 0)]).collect();
    assert_eq!(rows(&engine, [Input { prompt, text: "ab", pair: None }]), [by_hand(&built.pack, &expected)]);
    assert_eq!(engine.prompt(None).expect("none"), "");
    let unknown = engine.prompt(Some("passage")).expect_err("no such prompt").to_string();
    assert_eq!(unknown, "no prompt `passage`; there is `query`");
}

#[test]
fn a_batch_of_any_size_gives_each_text_its_own_bits_in_order() {
    let built = build(Precision::Int8, Head::Embed, vec![]);
    let engine = Engine::new("a test", &built.pack).expect("an engine");
    let texts: Vec<String> = (0..10_000).map(|i| "abcdefghij"[..i % 11].repeat(1 + i % 2) + &i.to_string()).collect();
    let together = rows(&engine, texts.iter().map(|it| text(it)));
    assert_eq!(together.len(), texts.len());
    for (it, row) in texts.iter().zip(&together).step_by(7) {
        assert_eq!(rows(&engine, [text(it)])[0], *row, "{it}");
    }
    assert!(rows(&engine, []).is_empty());
}

#[test]
fn threads_share_a_model() {
    let built = build(Precision::Bf16, Head::Classify, vec![]);
    let engine = Engine::new("a test", &built.pack).expect("an engine");
    let texts: Vec<String> = (0..40).map(|i| i.to_string()).collect();
    let expected = rows(&engine, texts.iter().map(|it| text(it)));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert_eq!(rows(&engine, texts.iter().map(|it| text(it))), expected);
                }
            });
        }
    });
}

#[test]
fn threads_that_work_together_can_be_asked_for_at_any_time() {
    let built = build(Precision::Int8, Head::Embed, vec![]);
    let engine = Engine::with_isa("a test", &built.pack, Isa::detect()).expect("an engine");
    let texts: Vec<String> = (0..40).map(|i| i.to_string()).collect();
    let run = || rows(&engine, texts.iter().map(|it| text(it)));
    let expected = run();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..20).for_each(|_| assert_eq!(run(), expected)));
        }
        for count in [3, 1, 2, 5] {
            engine.set_threads(Threads::for_test(count));
            assert_eq!(engine.options(), Options { isa: Isa::detect(), threads: Threads::for_test(count) });
            assert_eq!(run(), expected);
        }
    });
}

#[test]
fn nothing_is_allocated_once_texts_as_long_have_been_run() {
    let built = build(Precision::Int8, Head::Embed, vec![]);
    let engine = Engine::new("a test", &built.pack).expect("an engine");
    let inputs = [text("wireless headphones"), Input { prompt: "query: ", text: "手机", pair: None }, text("")];
    let run = || {
        let mut sum = 0.0;
        engine.run(inputs, |row| sum += row[0]).map(|()| sum)
    };
    let warm = run().expect("the first run");
    let counted = allocation_counter::measure(|| assert_eq!(run().expect("the second run").to_bits(), warm.to_bits()));
    assert_eq!(counted.count_total, 0);
}

#[test]
fn the_memory_of_a_long_text_is_given_back() {
    let built = build(Precision::Int8, Head::Embed, vec![]);
    let engine = Engine::new("a test", &built.pack).expect("an engine");
    let long = "a long text ".repeat(1 << 17);
    let inputs = || [text("short"), Input { prompt: "query: ", text: &long, pair: Some(&long) }, text("")];
    let short = rows(&engine, [text("short")]);
    let mut first = vec![];
    let counted = allocation_counter::measure(|| first = rows(&engine, inputs()));
    assert!(counted.bytes_max > long.len() as u64, "{counted:?}");
    assert!(counted.bytes_current < 4096, "{counted:?}");
    assert_eq!(first[0], short[0]);
    assert_eq!(rows(&engine, inputs()), first);
}

#[test]
fn golden_vectors_come_back_to_the_bit_on_every_isa_or_not_at_all() {
    let pack = build(Precision::Int8, Head::Embed, vec![]).pack;
    let engine = Engine::with_isa("a test", &pack, Isa::SCALAR).expect("an engine");
    let mut got = vec![];
    engine.run([text("a"), text("bc")], |row| got.push(row.to_vec())).expect("these texts can be run");
    let golden =
        |text: &str, got: &[f32]| Golden { text: text.into(), pair: None, reference: got.to_vec(), got: got.to_vec() };
    let mut goldens = vec![golden("a", &got[0]), golden("bc", &got[1])];
    goldens[1].reference[3] += 0.5;
    let pack = build(Precision::Int8, Head::Embed, goldens.clone()).pack;
    for isa in Isa::available() {
        let found = Engine::with_isa("a test", &pack, isa).expect("an engine").self_test().expect("the same bits");
        assert_eq!((found.vectors, found.distance), (2, 0.5), "{isa}");
        // Unit vectors, one of them moved by 0.5 along an axis.
        let [x, moved] = [goldens[1].got[3], goldens[1].reference[3]].map(f64::from);
        let length = (1.0 - x * x + moved * moved).sqrt();
        assert!((f64::from(found.cosine) - (1.0 + 0.5 * x) / length).abs() < 1e-6, "{isa}: {found:?}");
    }
    goldens[1].got[7] = f32::from_bits(goldens[1].got[7].to_bits() ^ 1);
    let pack = build(Precision::Int8, Head::Embed, goldens).pack;
    let error = Engine::new("a test", &pack).expect("an engine").self_test().expect_err("another bit");
    assert!(matches!(error, Error::SelfTest { vector: 1, value: 7, .. }), "{error}");
}

#[test]
fn bytes_that_are_no_pack_are_an_error_that_names_the_model() {
    let error = Engine::new("model `m`", b"no pack").expect_err("no pack").to_string();
    assert!(error.starts_with("model `m`: not a modeldeploy pack"), "{error}");
}
