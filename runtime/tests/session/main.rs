//! Sessions: what they compute is what the program says, and a text's result depends on the text alone, to the bit.

mod interpreter;
mod network;
#[path = "../packs/mod.rs"]
mod packs;
mod stages;
mod team;

use interpreter::interpret;
use modeldeploy::format::Artifact;
use modeldeploy::format::program::{Program, SlotId, Step};
use modeldeploy::isa::Isa;
use modeldeploy::session::{Batch, Capacity, RunError, Session, SessionError};
use packs::{Built, Head, MAX_TOKENS, Precision, Random, TYPES, VOCABULARY};

const CAPACITY: Capacity = Capacity::new(64, 12);

const MODELS: [(Precision, Head); 6] = [
    (Precision::F32, Head::Embed),
    (Precision::F32, Head::Classify),
    (Precision::Bf16, Head::Embed),
    (Precision::Bf16, Head::Classify),
    (Precision::Int8, Head::Embed),
    (Precision::Int8, Head::Classify),
];

/// The ids and types of a text.
type Text = (Vec<u32>, Vec<u32>);

/// Texts of every length that the model takes, short and long mixed.
fn texts(seed: u64, count: usize) -> Vec<Text> {
    let mut random = Random(seed);
    (0..count)
        .map(|_| {
            let len = 1 + random.below(MAX_TOKENS);
            (0..len).map(|_| (random.below(VOCABULARY), random.below(TYPES))).unzip()
        })
        .collect()
}

/// The outputs of each text, run in one batch.
fn run(session: &mut Session<'_>, texts: &[&Text]) -> Vec<Vec<u32>> {
    let ids: Vec<u32> = texts.iter().flat_map(|text| text.0.clone()).collect();
    let types: Vec<u32> = texts.iter().flat_map(|text| text.1.clone()).collect();
    let mut starts = vec![0];
    starts.extend(texts.iter().scan(0, |end, text| {
        *end += text.0.len() as u32;
        Some(*end)
    }));
    let outputs = session.signature().outputs as usize;
    let rows = session.run(&Batch { ids: &ids, types: &types, starts: &starts }).expect("a sound batch");
    assert_eq!(rows.len(), texts.len() * outputs);
    rows.chunks(outputs).map(|row| row.iter().map(|value| value.to_bits()).collect()).collect()
}

fn session<'a>(built: &'a Built, isa: Isa) -> Session<'a> {
    Session::with_isa(&Artifact::parse(&built.pack).expect("a pack"), CAPACITY, isa).expect("a session")
}

#[test]
fn a_session_computes_what_the_program_says() {
    for (precision, head) in MODELS {
        let built = packs::build(precision, head, vec![]);
        let mut session = session(&built, Isa::detect());
        // Rounding may fall to the other side where an 8-bit code is a close call.
        let bound = if precision == Precision::Int8 { 0.01 } else { 2e-6 };
        for text in texts(1, 40) {
            let got = run(&mut session, &[&text]).remove(0);
            for (got, expected) in
                got.iter().map(|&bits| f64::from(f32::from_bits(bits))).zip(interpret(&built, &text.0, &text.1))
            {
                assert!((got - expected).abs() <= bound, "{precision:?} {head:?}: {got} is not {expected}, {text:?}");
            }
        }
    }
}

#[test]
fn a_text_gives_the_same_bits_alone_in_any_batch_and_on_any_isa() {
    for (precision, head) in MODELS {
        let built = packs::build(precision, head, vec![]);
        let texts = texts(7, 10);
        let mut scalar = session(&built, Isa::SCALAR);
        let alone: Vec<_> = texts.iter().map(|text| run(&mut scalar, &[text]).remove(0)).collect();
        for isa in Isa::available() {
            let mut session = session(&built, isa);
            let case = format!("{precision:?} {head:?} {isa}");
            for (text, alone) in texts.iter().zip(&alone) {
                assert_eq!(run(&mut session, &[text]).remove(0), *alone, "alone: {case}");
            }
            // Every rotation of the order, in batches of every size.
            for size in 1..=7 {
                for turn in 0..texts.len() {
                    let order: Vec<usize> = (0..size).map(|i| (turn + 3 * i) % texts.len()).collect();
                    let got = run(&mut session, &order.iter().map(|&i| &texts[i]).collect::<Vec<_>>());
                    for (got, &i) in got.iter().zip(&order) {
                        assert_eq!(*got, alone[i], "text {i} among {order:?}: {case}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_greater_capacity_changes_no_bit() {
    let built = packs::build(Precision::Int8, Head::Embed, vec![]);
    let artifact = Artifact::parse(&built.pack).expect("a pack");
    let texts = texts(3, 3);
    let texts: Vec<&Text> = texts.iter().collect();
    let mut small = Session::new(&artifact, Capacity::new(27, 3)).expect("a session");
    let mut large = Session::new(&artifact, Capacity::new(5000, 700)).expect("a session");
    assert_eq!(run(&mut small, &texts), run(&mut large, &texts));
    assert!(small.memory() < large.memory());
}

#[test]
fn a_sessions_memory_is_known_before_it_is_made() {
    for (precision, head) in MODELS {
        let built = packs::build(precision, head, vec![]);
        let artifact = Artifact::parse(&built.pack).expect("a pack");
        for (tokens, texts) in [(1, 1), (9, 1), (64, 12), (1000, 3)] {
            let capacity = Capacity::new(tokens, texts);
            let session = Session::new(&artifact, capacity).expect("a session");
            assert_eq!(
                Session::memory_for(&artifact, capacity),
                Ok(session.memory()),
                "{precision:?} {head:?} {capacity:?}"
            );
        }
        assert_eq!(Session::memory_for(&artifact, Capacity::new(0, 1)), Err(SessionError::NoCapacity));
    }
}

#[test]
fn slots_that_share_memory_change_no_bit_in_place_or_at_different_times() {
    let texts = texts(5, 7);
    let texts: Vec<&Text> = texts.iter().collect();
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        for (head, ends) in [(Head::Embed, 1), (Head::Classify, 2), (Head::Score, 0)] {
            let apart = packs::build(precision, head, vec![]);
            let [shared, in_place] = [false, true].map(|it| packs::build_overlapping(precision, head, it));
            // Both residuals and norms, what bends and what is added last; then what stands in the head.
            for (built, least, steps) in [(&apart, 0, 0), (&shared, 6, 0), (&in_place, 6, 6 + ends)] {
                let case = format!("{precision:?} {head:?}, {least} slots over others and {steps} steps in place");
                assert_eq!(in_place_steps(built), steps, "{case}");
                assert!(overlaps(built) >= least, "{case}: {}", overlaps(built));
                for isa in Isa::available() {
                    let (mut apart, mut session) = (session(&apart, isa), session(built, isa));
                    assert!(least == 0 || session.memory() < apart.memory(), "{case} {isa}");
                    let expected = run(&mut apart, &texts);
                    assert_eq!(run(&mut session, &texts), expected, "{case} {isa}");
                    // What an earlier batch left in the arena is never read.
                    assert_eq!(run(&mut session, &texts[3..4]), expected[3..4], "{case} {isa}");
                    assert_eq!(run(&mut session, &texts), expected, "again: {case} {isa}");
                }
            }
        }
    }
}

/// How many pairs of slots lie over one another.
fn overlaps(built: &Built) -> usize {
    let artifact = Artifact::parse(&built.pack).expect("a pack");
    let slots = &artifact.program().slots;
    let over = |i: usize| slots[i + 1..].iter().filter(|other| slots[i].overlaps(other)).count();
    (0..slots.len()).map(over).sum()
}

/// How many steps write over what they read.
fn in_place_steps(built: &Built) -> usize {
    let artifact = Artifact::parse(&built.pack).expect("a pack");
    let program = artifact.program();
    let over = |step: &&Step| step.outputs().any(|out| program.inputs(step).any(|input| overlap(program, out, input)));
    program.steps.iter().filter(over).count()
}

fn overlap(program: &Program, a: SlotId, b: SlotId) -> bool {
    program.slot(a).overlaps(program.slot(b))
}

#[test]
fn a_batch_that_cannot_be_run_is_an_error_and_harms_nothing() {
    let built = packs::build(Precision::F32, Head::Embed, vec![]);
    let mut session = session(&built, Isa::detect());
    let text = (vec![1, 2, 3], vec![0, 0, 1]);
    let before = run(&mut session, &[&text]);
    let long = vec![1; 65];
    let many: Vec<u32> = (0..14).collect();
    type Case<'a> = (&'a [u32], &'a [u32], &'a [u32], RunError, &'a str);
    let cases: [Case<'_>; 14] = [
        (&[], &[], &[], RunError::NoTexts, "no text"),
        (&[], &[], &[0], RunError::NoTexts, "no text"),
        (&[1], &[], &[0, 1], RunError::Lengths { ids: 1, types: 0 }, "1 ids but 0 types"),
        (&[1], &[0], &[0, 2], RunError::Starts, "`starts`"),
        (&[1], &[0], &[1, 1], RunError::Starts, "`starts`"),
        (&[1, 1], &[0, 0], &[0, 2, 1, 2], RunError::Starts, "`starts`"),
        (&[1], &[0], &[0, 1, 1], RunError::EmptyText { text: 1 }, "text 1 has no token"),
        (&[1; 10], &[0; 10], &[0, 10], RunError::LongText { text: 0, tokens: 10, limit: 9 }, "`max-tokens`"),
        (&long, &[0; 65], &[0, 65], RunError::Tokens { tokens: 65, limit: 64 }, "`Capacity::tokens`"),
        (&[1; 13], &[0; 13], &many, RunError::Texts { texts: 13, limit: 12 }, "`Capacity::texts`"),
        (&[1, 13], &[0, 0], &[0, 2], RunError::TokenId { token: 1, id: 13, limit: 13 }, "the id 13"),
        (&[u32::MAX], &[0], &[0, 1], RunError::TokenId { token: 0, id: u32::MAX, limit: 13 }, "vocabulary"),
        (&[1], &[2], &[0, 1], RunError::TokenType { token: 0, id: 2, limit: 2 }, "of type 2"),
        (
            &[1; 2],
            &[0; 2],
            &[0, u32::MAX, 2],
            RunError::LongText { text: 0, tokens: u32::MAX as usize, limit: 9 },
            "takes 9",
        ),
    ];
    for (ids, types, starts, error, words) in cases {
        let got = session.run(&Batch { ids, types, starts }).map(<[f32]>::to_vec);
        assert_eq!(got, Err(error), "{words}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(run(&mut session, &[&text]), before);
}

#[test]
fn a_capacity_that_cannot_be_had_is_an_error() {
    let built = packs::build(Precision::F32, Head::Embed, vec![]);
    let artifact = Artifact::parse(&built.pack).expect("a pack");
    let error = |tokens, texts| Session::new(&artifact, Capacity::new(tokens, texts)).expect_err("no session");
    assert_eq!(error(0, 1), SessionError::NoCapacity);
    assert_eq!(error(1, 0), SessionError::NoCapacity);
    assert_eq!(error(1, usize::MAX), SessionError::Memory { bytes: usize::MAX });
    assert!(matches!(error(1 << 31, usize::MAX >> 8), SessionError::Memory { .. }));
}

#[test]
fn a_run_allocates_nothing() {
    let plans = MODELS.map(|(precision, head)| {
        let in_place = packs::build_overlapping(precision, head, true);
        (precision, head, [packs::build(precision, head, vec![]), in_place])
    });
    for (precision, head, built) in &plans {
        for (isa, built) in Isa::available().flat_map(|isa| built.iter().map(move |built| (isa, built))) {
            let mut session = session(built, isa);
            let (ids, types) = (vec![1; 18], vec![0; 18]);
            let runs = [vec![0, 9], vec![0, 9, 18], vec![0, 1, 2, 9, 10, 18]];
            let counted = allocation_counter::measure(|| {
                for starts in &runs {
                    let tokens = starts[starts.len() - 1] as usize;
                    let batch = Batch { ids: &ids[..tokens], types: &types[..tokens], starts };
                    assert!(session.run(&batch).is_ok_and(|rows| !rows.is_empty()));
                }
                assert!(session.run(&Batch { ids: &ids, types: &types, starts: &[0, 18] }).is_err());
            });
            assert_eq!(counted.count_total, 0, "{precision:?} {head:?} {isa}");
        }
    }
}

#[test]
fn the_counter_counts() {
    assert!(allocation_counter::measure(|| drop(std::hint::black_box(vec![1u8; 3]))).count_total > 0);
}
