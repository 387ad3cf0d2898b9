//! Sessions of several threads: the bits are those of one, and a run still allocates nothing.

use crate::packs::{self, Built, Head, Precision, Random, Size, TYPES, VOCABULARY};
use crate::{Text, run};
use modeldeploy::format::Artifact;
use modeldeploy::isa::Isa;
use modeldeploy::session::{Batch, Capacity, Options, Session, Threads};

/// Large enough that there is work to divide in one token, with panels and heads that no team divides evenly.
const SIZE: Size = Size { layers: 1, width: 196, hidden: 700, heads: 4, max_tokens: 64 };

const CAPACITY: Capacity = Capacity::new(300, 12);

/// Either side of each division: by columns and by rows, for one member and for several.
const LENGTHS: [u32; 10] = [1, 2, 15, 16, 17, 23, 24, 25, 33, 64];

fn texts() -> Vec<Text> {
    let mut random = Random(11);
    let mut token = || (random.below(VOCABULARY), random.below(TYPES));
    LENGTHS.iter().map(|&len| (0..len).map(|_| token()).unzip()).collect()
}

fn session<'a>(built: &'a Built, isa: Isa, threads: usize) -> Session<'a> {
    let options = Options { isa, threads: Threads::for_test(threads) };
    Session::with(&Artifact::parse(&built.pack).expect("a pack"), CAPACITY, options).expect("a session")
}

#[test]
fn any_number_of_threads_gives_the_bits_of_one() {
    let texts = texts();
    let all: Vec<&Text> = texts.iter().collect();
    for (precision, head) in [
        (Precision::F32, Head::Classify),
        (Precision::Bf16, Head::Embed),
        (Precision::Int8, Head::Embed),
        (Precision::Int8, Head::Classify),
    ] {
        let built = packs::build_sized(SIZE, precision, head);
        let expected = run(&mut session(&built, Isa::detect(), 1), &all);
        for isa in Isa::available() {
            for threads in [1, 2, 3, 5] {
                let mut session = session(&built, isa, threads);
                assert_eq!(session.threads(), threads);
                let case = format!("{precision:?} {head:?} {isa}, {threads} threads");
                for (text, expected) in texts.iter().zip(&expected) {
                    assert_eq!(run(&mut session, &[text])[0], *expected, "{} tokens: {case}", text.0.len());
                }
                assert_eq!(run(&mut session, &all), expected, "together: {case}");
                assert_eq!(run(&mut session, &all[3..6]), expected[3..6], "some: {case}");
            }
        }
    }
}

#[test]
fn a_run_of_several_threads_allocates_nothing() {
    for precision in [Precision::F32, Precision::Int8] {
        let built = packs::build_sized(SIZE, precision, Head::Embed);
        let mut session = session(&built, Isa::detect(), 3);
        let (ids, types) = (vec![1; 90], vec![0; 90]);
        let counted = allocation_counter::measure(|| {
            for starts in [&[0, 1][..], &[0, 20], &[0, 64], &[0, 40, 90]] {
                let tokens = starts[starts.len() - 1] as usize;
                let batch = Batch { ids: &ids[..tokens], types: &types[..tokens], starts };
                assert!(session.run(&batch).is_ok());
            }
        });
        assert_eq!(counted.count_total, 0, "{precision:?}");
    }
}

#[test]
fn each_thread_has_memory_of_its_own_for_its_share_of_the_rows_and_128_at_most() {
    let built = packs::build_sized(SIZE, Precision::Int8, Head::Embed);
    let artifact = Artifact::parse(&built.pack).expect("a pack");
    let memory = |tokens, threads| {
        let options = Options { isa: Isa::SCALAR, threads: Threads::for_test(threads) };
        Session::with(&artifact, Capacity::new(tokens, 12), options).expect("a session").memory()
    };
    let [one, two, three] = [1, 2, 3].map(|threads| memory(300, threads));
    assert!(one < two && two < three, "{one} {two} {three}");
    let added = |tokens| memory(tokens, 2) - memory(tokens, 1);
    assert!(added(128) < added(256));
    assert_eq!(added(256), added(4096), "what more rows than 128 a thread would take");
}

#[test]
fn more_threads_than_cores_are_an_error_that_says_how_many_there_can_be() {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let error = Threads::new(cores + 1).expect_err("too many").to_string();
    let asked = format!("a session of {} threads, where this process can use {cores} core", cores + 1);
    assert!(error.starts_with(&asked) && error.contains("MODELDEPLOY_THREADS can be 1"), "{error}");
    assert!(Threads::new(0).is_err());
}
