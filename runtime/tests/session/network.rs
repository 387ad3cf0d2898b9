//! Rankers' networks: candidates are scored as the program says, and a score depends on its user and its candidate alone, to the bit.

use crate::interpreter::interpret_user;
use crate::packs::network::{IDS, MAX_ITEMS, NUMBERS, OUTPUTS, build};
use crate::packs::{Built, Head, Precision, Random};
use crate::{overlaps, packs};
use modeldeploy::format::Artifact;
use modeldeploy::format::pack::Aligned;
use modeldeploy::format::program::Rows;
use modeldeploy::isa::Isa;
use modeldeploy::session::{
    Batch, Capacity, Columns, Options, Request, RequestError, RunError, Session, SessionError, Threads,
};

const CAPACITY: Capacity = Capacity { tokens: 60, texts: 9, candidates: 300 };

const PRECISIONS: [Precision; 3] = [Precision::F32, Precision::Bf16, Precision::Int8];

/// What is known of one user: what is given with the rows of each kind.
#[derive(Clone)]
struct User {
    numbers: [Vec<f32>; 3],
    ids: [Vec<u32>; 3],
    rows: [usize; 3],
}

impl User {
    fn new(random: &mut Random, items: usize, candidates: usize) -> User {
        let rows = [items, 1, candidates];
        let numbers = [0, 1, 2].map(|of| (0..rows[of] * NUMBERS[of] as usize).map(|_| random.float(1.5)).collect());
        let ids = [0, 1, 2].map(|of| (0..rows[of]).flat_map(|_| IDS[of]).map(|&size| random.below(size)).collect());
        User { numbers, ids, rows }
    }

    /// The user with some of the candidates.
    fn with(&self, candidates: &[usize]) -> User {
        let mut user = self.clone();
        let pick = |each: usize| candidates.iter().flat_map(move |&at| at * each..(at + 1) * each);
        user.numbers[2] = pick(NUMBERS[2] as usize).map(|at| self.numbers[2][at]).collect();
        user.ids[2] = pick(IDS[2].len()).map(|at| self.ids[2][at]).collect();
        user.rows[2] = candidates.len();
        user
    }

    fn columns(&self) -> [Columns<'_>; 3] {
        [0, 1, 2].map(|of| Columns { numbers: &self.numbers[of], ids: &self.ids[of] })
    }
}

/// Users with sessions of every length, and some, many or no candidates.
fn users(seed: u64) -> Vec<User> {
    let mut random = Random(seed);
    let sizes = [(1, 3), (9, 1), (4, 0), (7, 40), (2, 130), (3, 2), (8, 17), (5, 16), (6, 33)];
    sizes.map(|(items, candidates)| User::new(&mut random, items, candidates)).into()
}

/// The scores of each user's candidates, in one request, as bits.
fn score(session: &mut Session<'_>, users: &[&User]) -> Vec<Vec<Vec<u32>>> {
    let numbers = [0, 1, 2].map(|of| users.iter().flat_map(|user| user.numbers[of].clone()).collect::<Vec<f32>>());
    let ids = [0, 1, 2].map(|of| users.iter().flat_map(|user| user.ids[of].clone()).collect::<Vec<u32>>());
    let starts = |of: usize| {
        let ends = users.iter().scan(0, |end, user| {
            *end += user.rows[of] as u32;
            Some(*end)
        });
        std::iter::once(0).chain(ends).collect::<Vec<u32>>()
    };
    let [session_columns, user, candidate] = [0, 1, 2].map(|of| Columns { numbers: &numbers[of], ids: &ids[of] });
    let (starts, candidates) = (starts(0), starts(2));
    let request = Request { session: session_columns, starts: &starts, user, candidate, candidates: &candidates };
    let outputs = OUTPUTS as usize;
    let scores = session.score(&request).expect("a sound request");
    assert_eq!(scores.len(), candidates[users.len()] as usize * outputs);
    let mut rows = scores.chunks(outputs).map(|row| row.iter().map(|value| value.to_bits()).collect());
    users.iter().map(|user| rows.by_ref().take(user.rows[2]).collect()).collect()
}

fn session<'a>(built: &'a Built, isa: Isa, threads: usize) -> Session<'a> {
    let options = Options { isa, threads: Threads::for_test(threads) };
    Session::with(&Artifact::parse(&built.pack).expect("a pack"), CAPACITY, options).expect("a session")
}

#[test]
fn a_session_scores_as_the_program_says() {
    for precision in PRECISIONS {
        let built = build(precision, false);
        let mut session = session(&built, Isa::detect(), 1);
        // Rounding may fall to the other side where an 8-bit code is a close call.
        let bound = if precision == Precision::Int8 { 0.02 } else { 3e-6 };
        let mut range = (f64::INFINITY, f64::NEG_INFINITY);
        for user in users(21) {
            let got = score(&mut session, &[&user]).remove(0);
            let expected = interpret_user(&built, user.columns(), user.rows[0], user.rows[2]);
            assert_eq!(got.len(), expected.len());
            for (got, &expected) in got.iter().flatten().zip(expected.iter().flatten()) {
                let got = f64::from(f32::from_bits(*got));
                range = (range.0.min(expected), range.1.max(expected));
                assert!((got - expected).abs() <= bound, "{precision:?}: {got} is not {expected}");
            }
        }
        // A bound is worth something where the scores differ by more.
        assert!(range.1 - range.0 > 0.15, "{precision:?}: {range:?}");
    }
}

#[test]
fn a_candidate_has_the_same_bits_in_any_request_on_any_isa_with_any_number_of_threads() {
    let users = users(22);
    for precision in PRECISIONS {
        let built = build(precision, false);
        let mut scalar = session(&built, Isa::SCALAR, 1);
        let alone: Vec<_> = users.iter().map(|user| score(&mut scalar, &[user]).remove(0)).collect();
        for (isa, threads) in Isa::available().flat_map(|isa| [1, 2, 3].map(|threads| (isa, threads))) {
            let mut session = session(&built, isa, threads);
            let case = format!("{precision:?} {isa}, {threads} threads");
            for size in [1, 2, 5, 9] {
                for turn in 0..users.len() {
                    let order: Vec<usize> = (0..size).map(|i| (turn + 2 * i) % users.len()).collect();
                    let got = score(&mut session, &order.iter().map(|&i| &users[i]).collect::<Vec<_>>());
                    for (got, &i) in got.iter().zip(&order) {
                        assert_eq!(*got, alone[i], "user {i} among {order:?}: {case}");
                    }
                }
            }
            // Some candidates in another order, one twice.
            let picked = [129, 3, 3, 70, 0, 15, 16, 64];
            let got = score(&mut session, &[&users[0], &users[4].with(&picked)]).remove(1);
            let expected: Vec<_> = picked.iter().map(|&at| alone[4][at].clone()).collect();
            assert_eq!(got, expected, "{case}");
            for at in [0, 77] {
                assert_eq!(score(&mut session, &[&users[4].with(&[at])])[0][0], alone[4][at], "{case}");
            }
        }
    }
}

#[test]
fn slots_that_share_memory_change_no_bit() {
    let users = users(23);
    let users: Vec<&User> = users.iter().collect();
    for precision in PRECISIONS {
        let (apart, shared) = (build(precision, false), build(precision, true));
        assert!(overlaps(&apart) == 0 && overlaps(&shared) >= 10, "{}", overlaps(&shared));
        for (isa, threads) in Isa::available().flat_map(|isa| [(isa, 1), (isa, 3)]) {
            let (mut apart, mut shared) = (session(&apart, isa, threads), session(&shared, isa, threads));
            assert!(shared.memory() < apart.memory());
            let expected = score(&mut apart, &users);
            assert_eq!(score(&mut shared, &users), expected, "{precision:?} {isa}");
            // What an earlier request left in the arena is never read.
            assert_eq!(score(&mut shared, &users[3..5]), expected[3..5], "{precision:?} {isa}");
            assert_eq!(score(&mut shared, &users), expected, "again: {precision:?} {isa}");
        }
    }
}

#[test]
fn a_score_allocates_nothing() {
    let mut random = Random(24);
    let user = User::new(&mut random, 9, 120);
    let [items, who, candidate] = user.columns();
    for (precision, threads) in PRECISIONS.into_iter().flat_map(|precision| [(precision, 1), (precision, 3)]) {
        let built = build(precision, true);
        for isa in Isa::available() {
            let mut session = session(&built, isa, threads);
            let request = Request { session: items, starts: &[0, 9], user: who, candidate, candidates: &[0, 120] };
            let counted = allocation_counter::measure(|| {
                assert!(session.score(&request).is_ok_and(|scores| scores.len() == 120 * OUTPUTS as usize));
                assert!(session.score(&Request { starts: &[0, 8], ..request }).is_err());
            });
            assert_eq!(counted.count_total, 0, "{precision:?} {isa} {threads}");
        }
    }
}

#[test]
fn a_request_that_cannot_be_scored_is_an_error_and_harms_nothing() {
    let built = build(Precision::F32, false);
    let mut session = session(&built, Isa::detect(), 1);
    let mut random = Random(25);
    let user = User::new(&mut random, 2, 2);
    let before = score(&mut session, &[&user]);
    let [items, who, candidate] = user.columns();
    let sound = Request { session: items, starts: &[0, 2], user: who, candidate, candidates: &[0, 2] };
    let (mut bad_item, mut bad_user, mut bad_candidate) =
        (user.ids[0].clone(), user.ids[1].clone(), user.ids[2].clone());
    (bad_item[3], bad_user[0], bad_candidate[6]) = (5, u32::MAX, 7);
    let many: Vec<u32> = (0..12).collect();
    let cases: Vec<(Request<'_>, RequestError, &str)> = vec![
        (Request { starts: &[], ..sound }, RequestError::NoUsers, "no user"),
        (Request { starts: &[0], candidates: &[0], ..sound }, RequestError::NoUsers, "no user"),
        (Request { candidates: &[0, 1, 2], ..sound }, RequestError::Users { starts: 2, candidates: 3 }, "2 places"),
        (Request { starts: &[1, 2], ..sound }, RequestError::Starts { of: Rows::Tokens }, "`starts` must"),
        (Request { candidates: &[1, 2], ..sound }, RequestError::Starts { of: Rows::Candidates }, "`candidates` must"),
        (
            Request { starts: &[0, 2, 1], candidates: &[0, 1, 2], ..sound },
            RequestError::Starts { of: Rows::Tokens },
            "ascend",
        ),
        (
            Request { starts: &[0, 61], ..sound },
            RequestError::Capacity { of: Rows::Tokens, rows: 61, limit: 60 },
            "`Capacity::tokens`",
        ),
        (
            Request { starts: &many, candidates: &many, ..sound },
            RequestError::Capacity { of: Rows::Texts, rows: 11, limit: 9 },
            "`Capacity::texts`",
        ),
        (
            Request { candidates: &[0, u32::MAX], ..sound },
            RequestError::Capacity { of: Rows::Candidates, rows: u32::MAX as usize, limit: 300 },
            "`Capacity::candidates`",
        ),
        (
            Request { starts: &[0, 2, 2], candidates: &[0, 1, 2], ..sound },
            RequestError::EmptySession { user: 1 },
            "user 1 has no item",
        ),
        (
            Request { starts: &[0, 10], ..sound },
            RequestError::LongSession { user: 0, items: 10, limit: MAX_ITEMS as usize },
            "give the last 9",
        ),
        (
            Request { starts: &[0, 1], ..sound },
            RequestError::Numbers { of: Rows::Tokens, got: 2, rows: 1, each: 1 },
            "`session.numbers` has 2 values where 1 items of 1 need 1",
        ),
        (
            Request { user: Columns { ids: &[1], ..who }, ..sound },
            RequestError::Ids { of: Rows::Texts, got: 1, rows: 1, each: 2 },
            "`user.ids` has 1 values",
        ),
        (
            Request { candidates: &[0, 1], ..sound },
            RequestError::Numbers { of: Rows::Candidates, got: 6, rows: 1, each: 3 },
            "`candidate.numbers`",
        ),
        (
            Request { session: Columns { ids: &bad_item, ..items }, ..sound },
            RequestError::Id { of: Rows::Tokens, row: 1, column: 1, id: 5, limit: 5 },
            "id 1 of item 1 is 5, the model's table ends at 5",
        ),
        (
            Request { user: Columns { ids: &bad_user, ..who }, ..sound },
            RequestError::Id { of: Rows::Texts, row: 0, column: 0, id: u32::MAX, limit: 4 },
            "of user 0",
        ),
        (
            Request { candidate: Columns { ids: &bad_candidate, ..candidate }, ..sound },
            RequestError::Id { of: Rows::Candidates, row: 1, column: 2, id: 7, limit: 5 },
            "of candidate 1",
        ),
    ];
    for (request, error, words) in cases {
        let got = session.score(&request).map(<[f32]>::to_vec);
        assert_eq!(got, Err(RunError::Request(error)), "{words}");
        let said = got.expect_err("an error").to_string();
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(score(&mut session, &[&user]), before);
}

#[test]
fn a_user_without_candidates_has_no_score() {
    let built = build(Precision::Int8, true);
    let mut session = session(&built, Isa::detect(), 2);
    let user = User::new(&mut Random(26), 3, 0);
    assert_eq!(score(&mut session, &[&user, &user]), vec![Vec::<Vec<u32>>::new(); 2]);
}

#[test]
fn texts_are_run_and_candidates_are_scored() {
    let network = build(Precision::F32, false);
    let mut ranks = session(&network, Isa::detect(), 1);
    let batch = Batch { ids: &[1], types: &[0], starts: &[0, 1] };
    let error = ranks.run(&batch).map(<[f32]>::to_vec).expect_err("a network reads no text");
    assert_eq!(error, RunError::Network);
    assert!(error.to_string().contains("call `Session::score`"), "{error}");
    let encoder = packs::build(Precision::F32, Head::Embed, vec![]);
    let mut embeds = session(&encoder, Isa::detect(), 1);
    let error = embeds.score(&Request::default()).map(<[f32]>::to_vec).expect_err("an encoder ranks nothing");
    assert_eq!(error, RunError::NoNetwork);
    assert!(error.to_string().contains("call `Session::run`"), "{error}");
}

#[test]
fn a_networks_memory_is_known_before_it_is_made_and_grows_with_each_capacity() {
    let built = build(Precision::Int8, true);
    let artifact = Artifact::parse(&built.pack).expect("a pack");
    let memory = |tokens, texts, candidates| {
        let capacity = Capacity { tokens, texts, candidates };
        let session = Session::new(&artifact, capacity)?;
        assert_eq!(Session::memory_for(&artifact, capacity), Ok(session.memory()), "{capacity:?}");
        Ok(session.memory())
    };
    let least = memory(16, 16, 16).expect("a session");
    for (tokens, texts, candidates) in [(32, 16, 16), (16, 32, 16), (16, 16, 32)] {
        assert!(memory(tokens, texts, candidates).expect("a session") > least);
    }
    for (tokens, texts, candidates) in [(0, 1, 1), (1, 0, 1), (1, 1, 0)] {
        assert_eq!(memory(tokens, texts, candidates), Err(SessionError::NoCapacity));
    }
    assert!(matches!(memory(1, 1, usize::MAX), Err(SessionError::Memory { .. })));
}

#[test]
fn any_byte_of_a_pack_may_be_wrong() {
    let built = build(Precision::Int8, true);
    let artifact = Artifact::parse(&built.pack).expect("a pack");
    // Any weight is one; all else says what is done with them.
    let weights = artifact.tensors().iter().map(|tensor| tensor.offset as usize).min().expect("tensors");
    let last = artifact.tensors().iter().map(|tensor| (tensor.offset + tensor.bytes().expect("a size")) as usize).max();
    let after = last.expect("tensors");
    let mut random = Random(27);
    let user = User::new(&mut random, 3, 5);
    let [items, who, candidate] = user.columns();
    let request = Request { session: items, starts: &[0, 3], user: who, candidate, candidates: &[0, 5] };
    let mut scored = 0;
    for at in (0..weights).chain(after..built.pack.len()) {
        for flip in [1, 2, 0x10, 0x80, 0xff] {
            let mut wrong = built.pack.to_vec();
            wrong[at] ^= flip;
            let wrong = Aligned::copy(&wrong);
            let Ok(artifact) = Artifact::parse(&wrong) else { continue };
            let capacity = Capacity { tokens: 3, texts: 1, candidates: 5 };
            if Session::memory_for(&artifact, capacity).is_ok_and(|bytes| bytes < 1 << 26) {
                let mut session = Session::new(&artifact, capacity).expect("little memory");
                scored += usize::from(session.score(&request).is_ok());
            }
        }
    }
    assert!(scored > 100, "{scored}");
}
