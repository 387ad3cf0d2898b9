//! The shadows, over something that answers with a text's length, and can be held up or made to panic.

use super::worker::Score;
use super::*;
use crate::inference::{Overlong, Text};
use crate::ranking::Asked;
use modeldeploy::format::Task;
use std::sync::mpsc;
use std::time::Duration;

const FAR: Duration = Duration::from_secs(60);

/// What the shadows score with, and the test's hands on it.
struct Held {
    shadows: Shadows,
    /// Says that a text is held.
    holds: mpsc::Receiver<()>,
    /// Lets one go on.
    go: mpsc::Sender<()>,
}

struct Fake {
    held: mpsc::Sender<()>,
    go: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Score for Fake {
    fn rows(&mut self, shadow: usize, _: usize, asked: &Texts, wait: &mut dyn FnMut()) -> Result<Vec<f32>, String> {
        wait();
        let mut rows = vec![];
        for text in &asked.texts {
            let Text::One(text) = text else { return Err("no such text".to_owned()) };
            match text.as_str() {
                "hold" => {
                    self.held.send(()).expect("the test listens");
                    self.go.lock().expect("no panic").recv().expect("the test lets go");
                }
                "panic" => panic!("a panic that a test asked for"),
                "nan" => return Ok(vec![f32::NAN; asked.rows.len()]),
                "short" => return Ok(vec![]),
                _ => {}
            }
            rows.push(text.len() as f32 + shadow as f32);
        }
        Ok(rows)
    }

    fn scores(&mut self, _: usize, _: &Asked, _: &mut dyn FnMut()) -> Result<Vec<f64>, String> {
        Err("these shadows score texts alone".to_owned())
    }
}

fn card(name: &'static str, version: &'static str) -> ModelCard {
    ModelCard { name, version, digest: "sha256:00", space: "" }
}

fn held(idle: impl Fn() + Send + 'static) -> Held {
    let facts = Facts {
        task: Task::Score,
        max_tokens: 8,
        outputs: 1,
        normalized: false,
        labels: &[],
        prompts: &[],
        gate: None,
    };
    let shadow = |name, version| Shadow { card: card(name, version), label: Some("shadow"), facts };
    let ((held, holds), (go, gone)) = (mpsc::channel(), mpsc::channel());
    let gone = Arc::new(Mutex::new(gone));
    let make = Box::new(move || Box::new(Fake { held: held.clone(), go: gone.clone() }) as Box<dyn Score>);
    let versions = vec![card("a", "2"), card("a", "1"), card("b", "1")];
    let shadows = Shadows::with(vec![shadow("a", "3"), shadow("a", "4")], versions, make, idle);
    Held { shadows: shadows.expect("a thread"), holds, go }
}

impl Held {
    fn offer(&self, model: usize, texts: &[&str], values: &[f32]) {
        let texts = texts.iter().map(|&text| Text::One(text.to_owned())).collect();
        let texts = Texts { prompt: None, texts, overlong: Overlong::Cut, rows: values.to_vec() };
        drop(self.shadows.afterwards(Answered { model, exchange: Exchange::Texts(texts) }));
    }

    fn counts(&self, shadow: usize) -> [u64; 3] {
        [0, 1, 2].map(|outcome| self.shadows.shared.outcomes[shadow][outcome].load(Relaxed))
    }

    /// Waits until so many requests have come to an end with the last shadow, which is the last to have them.
    fn until(&self, requests: u64) {
        while self.counts(1).iter().sum::<u64>() < requests {
            std::thread::yield_now();
        }
    }
}

#[test]
fn each_shadow_of_a_name_is_compared_with_who_answered() {
    let held = held(|| {});
    assert!(held.shadows.follow(0) && held.shadows.follow(1) && !held.shadows.follow(2));
    held.offer(0, &["x", "xxx"], &[1.0, 2.0]);
    held.offer(1, &["xx"], &[2.0]);
    held.until(2);
    let reports = serde_json::to_value(held.shadows.reports("a")).expect("JSON");
    let against = |shadow: usize, at: usize| &reports[shadow]["against"][at];
    assert_eq!(reports[0]["version"], "3");
    // The first says 1 and 3, the second 2 and 4.
    for (shadow, mean, max) in [(0, 0.5, 1.0), (1, 1.5, 2.0)] {
        let found = against(shadow, 1);
        assert_eq!((&found["version"], &found["texts"]), (&"2".into(), &2.into()), "{found}");
        assert_eq!((&found["distance"]["mean"], &found["distance"]["max"]), (&mean.into(), &max.into()), "{found}");
        assert_eq!(found["rank_correlation"]["mean"], 1.0, "{found}");
    }
    assert_eq!((&against(0, 0)["version"], &against(0, 0)["distance"]["max"]), (&"1".into(), &0.0.into()));
    assert!(held.shadows.reports("b").is_empty());
}

#[test]
fn what_a_shadow_cannot_score_is_counted_and_harms_no_other() {
    let held = held(|| {});
    for text in ["panic", "nan", "short", "x"] {
        held.offer(0, &[text], &[1.0]);
    }
    held.until(4);
    assert_eq!((held.counts(0), held.counts(1)), ([1, 0, 3], [1, 0, 3]));
}

#[test]
fn a_slow_shadow_fills_its_line_and_holds_nobody() {
    let held = held(|| {});
    held.offer(0, &["hold"], &[1.0]);
    held.holds.recv_timeout(FAR).expect("held");
    // It is held until long after all of these are refused or wait.
    (0..2000).for_each(|_| held.offer(0, &["x"], &[1.0]));
    let [compared, dropped, failed] = held.counts(0);
    assert_eq!((compared, failed), (0, 0));
    assert!((1..2000).contains(&dropped), "{dropped}");
    // The other shadow holds at the same text.
    (0..2).for_each(|_| held.go.send(()).expect("it waits"));
    held.until(2001);
    assert_eq!(held.counts(0), [2001 - dropped, dropped, 0]);
}

#[test]
fn nothing_is_scored_before_there_is_time() {
    let (open, opened) = mpsc::channel::<()>();
    let (asks, asked) = mpsc::channel::<()>();
    let opened = Mutex::new(opened);
    let held = held(move || {
        asks.send(()).expect("the test listens");
        opened.lock().expect("no panic").recv().expect("the test opens");
    });
    held.offer(0, &["x"], &[1.0]);
    asked.recv_timeout(FAR).expect("it asks for time");
    assert_eq!(held.counts(0), [0, 0, 0]);
    (0..2).for_each(|_| open.send(()).expect("it waits"));
    held.until(1);
    assert_eq!(held.counts(0), [1, 0, 0]);
}
