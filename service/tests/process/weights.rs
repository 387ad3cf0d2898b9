//! Shares of versions that are given at the start.

use crate::curl::post;
use crate::service::{self, Service};
use crate::{Test, tests};
use std::collections::BTreeMap;

pub(crate) const ALL: &[Test] =
    tests![shares_given_at_the_start_divide_the_requests, a_share_of_what_is_not_there_ends_it_at_the_start,];

/// How many of so many requests each version answered.
#[track_caller]
fn answered(flags: &[&str], requests: u32) -> BTreeMap<String, u32> {
    let service = Service::start(flags);
    let mut by_version = BTreeMap::new();
    for _ in 0..requests {
        let answer = post(&service.url, ("/predictions/divided", r#"{"data":"a"}"#), &[]);
        assert_eq!(answer.status, 200, "{answer:?}");
        let version = answer.header("x-model-version").expect("a version").to_owned();
        *by_version.entry(version).or_default() += 1;
    }
    by_version
}

fn shares_given_at_the_start_divide_the_requests() {
    let only = |version: &str| BTreeMap::from([(version.to_owned(), 20)]);
    assert_eq!(answered(&[], 20), only("1.0.0"), "as the code says");
    assert_eq!(answered(&["--weights", "divided/canary=100%"], 20), only("2.0.0"));
    let both = answered(&["--weights", "divided/canary=50%"], 200);
    // Were they drawn, fewer than 60 of 200 would come in one of a hundred million runs.
    assert!(both.len() == 2 && both.values().all(|number| *number >= 60), "{both:?}");
}

fn a_share_of_what_is_not_there_ends_it_at_the_start() {
    let error = service::fails(&["--weights", "divided/next=5%"]);
    for words in ["no version has the label `divided/next`", "`divided/canary`"] {
        assert!(error.contains(words), "{error}");
    }
    let error = service::fails(&["--weights", "divided/canary=50%,divided/stable=60%"]);
    assert!(error.contains("must be 100%"), "{error}");
}
