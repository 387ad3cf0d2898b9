//! The queue by a clock that stands where the test puts it; a token costs a millisecond and nothing else costs anything.

use super::super::ragged::Ragged;
use super::super::request::Rows;
use super::*;
use tokio::sync::oneshot;

/// As the queue has it: for how long what waits may hold up who comes.
const HELD: u64 = HELD_UP as u64;

type Answer = oneshot::Receiver<Result<Rows, Failure>>;

struct Bench {
    queue: Queue,
    start: Instant,
}

impl Bench {
    fn new(workers: usize) -> Bench {
        let cost = Cost::measured(512, |texts, tokens| ms((texts * tokens) as u64));
        Bench { queue: Queue::new(vec![cost, cost], workers), start: Instant::now() }
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + ms(millis)
    }

    /// A request that comes at `arrived`, of texts of so many tokens, to be answered by `deadline`.
    fn ask(&mut self, model: usize, arrived: u64, texts: &[usize], deadline: u64) -> Result<Answer, Failure> {
        let mut ragged = Ragged::new();
        texts.iter().for_each(|&tokens| ragged.push(vec![arrived as u32; tokens], vec![0; tokens]));
        let (reply, answer) = oneshot::channel();
        let request = Request::new(model, ragged, (self.at(arrived), self.at(deadline)), reply);
        self.queue.admit(Arc::new(request), self.at(arrived)).map(|()| answer)
    }

    /// As [`ask`](Bench::ask), of the first model, with all the time there is.
    fn comes(&mut self, arrived: u64, texts: &[usize]) -> Answer {
        self.ask(0, arrived, texts, 1_000_000).expect("admitted")
    }

    /// What a worker takes: when each piece came, and which of its texts.
    fn take(&mut self, worker: usize, millis: u64) -> Vec<(u64, Range<usize>)> {
        let start = self.start;
        let batch = self.queue.take(worker, self.at(millis));
        let pieces = batch.map(|batch| batch.pieces).unwrap_or_default();
        let came = |piece: &Piece| piece.request.arrived.duration_since(start).as_millis() as u64;
        pieces.iter().map(|piece| (came(piece), piece.texts.clone())).collect()
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_lone_request_is_taken_at_once_and_whole() {
    let mut bench = Bench::new(1);
    let _answer = bench.comes(7, &[3, 5]);
    assert_eq!(bench.take(0, 7), [(7, 0..2)]);
    assert_eq!(bench.take(0, 8), []);
    assert_eq!(bench.queue.waiting(), 0);
}

#[test]
fn light_requests_are_taken_in_order_up_to_a_batch() {
    let mut bench = Bench::new(1);
    let _answers: Vec<Answer> = (0..5).map(|came| bench.comes(came, &[20, 20])).collect();
    assert_eq!(bench.take(0, 5), [(0, 0..2), (1, 0..2), (2, 0..2)]);
    assert_eq!(bench.take(0, 6), [(3, 0..2), (4, 0..2)]);
    let _answers: Vec<Answer> = (0..200).map(|came| bench.comes(10 + came, &[0])).collect();
    assert_eq!(bench.take(0, 300).len(), BATCH_TEXTS);
}

#[test]
fn workers_that_are_free_share_what_waits() {
    let mut bench = Bench::new(2);
    let _answer = bench.comes(0, &[10, 10, 10, 10]);
    assert_eq!(bench.take(0, 0), [(0, 0..2)]);
    // Nobody else is free for the rest.
    assert_eq!(bench.take(1, 0), [(0, 2..4)]);
    let _answer = bench.comes(1, &[100]);
    assert_eq!(bench.take(1, 30), [(1, 0..1)]);
}

#[test]
fn each_batch_is_of_one_model_and_the_models_go_by_arrival() {
    let mut bench = Bench::new(1);
    let mut ask = |model, came| bench.ask(model, came, &[5], 1_000_000).expect("admitted");
    let _answers = [ask(1, 0), ask(0, 1), ask(1, 2)];
    assert_eq!(bench.take(0, 3), [(0, 0..1), (2, 0..1)]);
    assert_eq!(bench.take(0, 4), [(1, 0..1)]);
}

#[test]
fn heavy_requests_are_taken_in_the_order_in_which_they_would_be_done_alone() {
    let mut bench = Bench::new(1);
    let _answers = [bench.comes(0, &[100; 3]), bench.comes(1, &[64; 4]), bench.comes(2, &[300])];
    let order: Vec<_> = (3..6).flat_map(|now| bench.take(0, now)).collect();
    assert_eq!(order, [(1, 0..2), (1, 2..4), (0, 0..1)]);
    // Between its batches one is overtaken, but not by what would be done after it.
    let _more = [bench.comes(50, &[200]), bench.comes(160, &[140])];
    let order: Vec<_> = (300..304).flat_map(|now| bench.take(0, now)).collect();
    assert_eq!(order, [(50, 0..1), (0, 1..2), (0, 2..3), (160, 0..1)]);
    assert_eq!(bench.take(0, 310), [(2, 0..1)]);
}

#[test]
fn what_is_admitted_is_done_in_time_whatever_comes_after() {
    // Every 5 ms comes a request of 200 ms, to be answered within a second: forty times what one worker can do.
    let mut bench = Bench::new(1);
    let (mut now, mut arrivals, mut admitted, mut refused) = (0, (0..2_000).step_by(5).peekable(), vec![], 0);
    while arrivals.peek().is_some() || bench.queue.waiting() > 0 {
        while let Some(came) = arrivals.next_if(|&came| came <= now) {
            match bench.ask(0, came, &[100, 100], came + 1_000) {
                Ok(answer) => admitted.push(answer),
                Err(_) => refused += 1,
            }
        }
        let Some(batch) = bench.queue.take(0, bench.at(now)) else {
            now += 1;
            continue;
        };
        now += batch.tokens as u64;
        for piece in &batch.pieces {
            piece.request.fill(piece.texts.clone(), &vec![0.0; piece.texts.len()], bench.at(now));
        }
        bench.queue.finish(0, &batch, ms(batch.tokens as u64));
    }
    // As many as there is time for, and none of them in vain.
    assert!((11..=14).contains(&admitted.len()) && refused == 400 - admitted.len(), "{} {refused}", admitted.len());
    for answer in &mut admitted {
        assert!(answer.try_recv().expect("answered").is_ok());
    }
}

#[test]
fn a_light_request_waits_for_what_runs_for_one_heavy_batch_and_for_twice_the_light_work_before_it() {
    // A hundred long texts wait, and one runs.
    let mut bench = Bench::new(1);
    let _heavy: Vec<Answer> = (0..100).map(|came| bench.comes(came, &[500])).collect();
    assert_eq!(bench.take(0, 100), [(0, 0..1)]);
    // Ten light requests of 100 ms each come, while heavy ones keep coming too.
    let _light: Vec<Answer> = (0..10).map(|came| bench.comes(101 + came, &[100])).collect();
    let _heavy: Vec<Answer> = (0..100).map(|came| bench.comes(200 + came, &[500])).collect();
    let mut now = 600;
    for light in 0..10 {
        let came = 101 + light;
        loop {
            let taken = bench.take(0, now);
            let [(arrived, _)] = taken[..] else { panic!("{taken:?}") };
            if arrived == came {
                break;
            }
            now += 500;
        }
        // One batch of 500 ms ran when it came, and `light` requests of 100 ms stood before it.
        assert!(now <= came + 500 + 500 + 2 * 100 * light, "request {light} begins at {now}");
        now += 100;
    }
}

#[test]
fn a_heavy_request_has_half_of_the_time_however_many_light_ones_come() {
    let mut bench = Bench::new(1);
    let _heavy = [bench.comes(0, &[200, 200, 200, 200])];
    let (mut now, mut light, mut heavy_time, mut answers) = (1, 0, 0, vec![]);
    while heavy_time < 800 {
        answers.extend([bench.comes(now, &[100]), bench.comes(now, &[100])]);
        for (came, texts) in bench.take(0, now) {
            let took = if came == 0 { 200 } else { 100 };
            assert_eq!(texts.len(), 1);
            heavy_time += if came == 0 { took } else { 0 };
            light += if came == 0 { 0 } else { took };
            now += took;
        }
    }
    assert_eq!(light, 800);
}

#[test]
fn a_request_whose_client_has_gone_costs_nothing() {
    let mut bench = Bench::new(1);
    let mut answers: Vec<Answer> = (0..6).map(|came| bench.comes(came, &[20])).collect();
    let _stay = [answers.remove(5), answers.remove(2)];
    drop(answers);
    assert_eq!(bench.take(0, 9), [(2, 0..1), (5, 0..1)]);
    assert_eq!(bench.queue.waiting(), 0);
    // Nor does it count at admission.
    for came in 10..20 {
        drop(bench.ask(0, came, &[90], 30_000).expect("admitted"));
    }
    // The batch that runs ends at 49, in 29 ms.
    assert!(bench.ask(0, 20, &[90], 20 + HELD * 29 + 90).is_ok());
}

#[test]
fn a_request_that_would_be_late_is_refused_with_the_time_to_try_again() {
    let mut bench = Bench::new(2);
    let _first = bench.ask(0, 0, &[100], 100).expect("admitted");
    let refused = bench.ask(0, 0, &[100], 99).expect_err("late");
    // Of what waits, 100 ms, each of two workers does half, which may take longer than expected.
    assert_eq!(refused, Failure::Overloaded { after: ms(HELD * 50 + 1) });
    let _second = bench.ask(0, 0, &[100], HELD * 50 + 100).expect("admitted");
    // What runs counts as long as it is expected to run.
    assert_eq!(bench.take(0, 0).len(), 1);
    assert_eq!(bench.take(1, 0).len(), 1);
    assert!(bench.ask(0, 0, &[100], HELD * 100 + 99).is_err());
    assert!(bench.ask(0, 60, &[100], 60 + HELD * 40 + 100).is_ok());
    // One that can never be in time is refused, too.
    assert!(matches!(bench.ask(0, 500, &[400], 700), Err(Failure::Overloaded { .. })));
}

#[test]
fn heavy_work_does_not_make_light_requests_be_refused() {
    let mut bench = Bench::new(1);
    let _heavy: Vec<Answer> = (0..50).map(|came| bench.comes(came, &[500])).collect();
    assert!(bench.ask(0, 50, &[10], 60).is_ok());
    assert!(bench.ask(0, 50, &[500], 5_000).is_err());
}

#[test]
fn a_batch_grows_only_while_it_meets_every_deadline_and_late_requests_are_told() {
    let mut bench = Bench::new(1);
    let _first = bench.ask(0, 0, &[10], 1_000).expect("admitted");
    let _tight = bench.ask(0, 0, &[20], HELD * 10 + 20).expect("admitted");
    let _third = bench.ask(0, 0, &[40], 1_000).expect("admitted");
    let mut late = bench.ask(0, 0, &[5], HELD * 70 + 5).expect("admitted");
    assert_eq!(bench.take(0, 0), [(0, 0..1), (0, 0..1)]);
    assert_eq!(bench.take(0, HELD * 70 + 5), [(0, 0..1)]);
    assert_eq!(late.try_recv().expect("told"), Err(Failure::Late));
}

#[test]
fn who_is_late_is_told_once_wherever_it_is_and_the_next_deadline_is_known() {
    let mut bench = Bench::new(1);
    let mut ask = |came, deadline| bench.ask(0, came, &[100], deadline).expect("admitted");
    let mut answers = [ask(0, 1_000), ask(1, 2_000), ask(2, 1_500)];
    // The first one is run.
    assert_eq!(bench.take(0, 3), [(0, 0..1)]);
    let mut told = |bench: &mut Bench, millis| {
        let next = bench.queue.tell_late(bench.at(millis)).map(|next| next.duration_since(bench.start).as_millis());
        let late = answers.each_mut().map(|answer| matches!(answer.try_recv(), Ok(Err(Failure::Late))));
        (next, late, bench.queue.waiting())
    };
    assert_eq!(told(&mut bench, 999), (Some(1_000), [false; 3], 2));
    assert_eq!(told(&mut bench, 1_000), (Some(1_500), [true, false, false], 2));
    assert_eq!(told(&mut bench, 1_500), (Some(2_000), [false, false, true], 1));
    assert_eq!(told(&mut bench, 2_000), (None, [false, true, false], 0));
    assert_eq!(bench.take(0, 2_000), []);
}

#[test]
fn the_soonest_end_is_that_of_a_token_of_the_dearest_model_and_only_nears() {
    let mut bench = Bench::new(1);
    assert_eq!(bench.queue.soonest(bench.start), ms(1));
    let _answers = [bench.comes(0, &[10]), bench.comes(0, &[20])];
    assert_eq!(bench.queue.soonest(bench.start), ms(HELD * 30 + 1));
    assert_eq!(bench.take(0, 0), [(0, 0..1), (0, 0..1)]);
    for (millis, expected) in [(0, HELD * 30 + 1), (20, HELD * 10 + 1), (40, 1)] {
        let now = bench.at(millis);
        assert_eq!(bench.queue.soonest(now), ms(expected), "after {millis} ms");
        assert_eq!(bench.queue.expected(1, Size { texts: 1, tokens: 1 }, now, now), ms(expected));
    }
}
