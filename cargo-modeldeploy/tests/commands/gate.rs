//! The gate and `eval`: what is measured, and what is refused.

use crate::shop::{CLASSIFY, SCORE, Shop};

#[test]
fn a_model_over_its_gate_is_locked_with_its_figures() {
    let shop = Shop::with_encoder("gate = { suite = \"eval/suite.toml\", metric = \"ndcg@10\", min-ratio = 0.5 }\n");
    shop.run(&["lock"]).code(0).says(&["ndcg@10", "recall@10", "mrr", "cosine to f32"]);
    let lock = shop.read("Model.lock");
    assert!(lock.contains("metric = \"ndcg@10\"") && lock.contains("cosine-min = "), "{lock}");

    let evaluated = shop.run(&["eval", "encoder", "--format", "json"]).code(0).json();
    assert_eq!((&evaluated["locked"], &evaluated["evaluation"]["measured"]), (&true.into(), &3.into()));
    let metrics = evaluated["evaluation"]["metrics"].as_array().expect("metrics");
    assert_eq!(metrics.len(), 3);
    // Each query's relevant documents are all among the few that were judged for it.
    assert_eq!((&metrics[1]["metric"], &metrics[1]["f32"]), (&"recall@10".into(), &1.0.into()));
    shop.run(&["eval", "encoder"]).code(0).says(&["encoder on", "the locked pack", "3 queries"]);

    // A query more: the suite is another one, and the lock is behind it.
    shop.append("eval/queries.tsv", "q4\ttea\n");
    shop.append("eval/judgments.tsv", "q4\tp4\t1\n");
    shop.run(&["lock", "--check"]).code(4).errs(&["the gate of `encoder`", "its suite"]);
    shop.run(&["lock"]).code(0).errs(&["Locked 1 model"]).says(&["4 queries"]);
}

#[test]
fn a_model_under_its_gate_is_refused_with_what_cost_most() {
    let shop = Shop::locked("");
    let lock = shop.read("Model.lock");
    shop.append("Cargo.toml", "gate = { suite = \"eval/suite.toml\", metric = \"ndcg@10\", min = 1.5 }\n");
    let said = shop.run(&["lock"]).code(3);
    said.errs(&["MD0610", "`ndcg@10` of the pack is", "under 1.5", "the layers that cost most", "dense"]);
    assert_eq!(shop.read("Model.lock"), lock);

    let said = shop.run(&["lock", "--format", "json"]).code(3);
    let error: serde_json::Value = serde_json::from_str(said.err.lines().last().expect("an error")).expect("JSON");
    assert_eq!(error["code"], "MD0610");
    assert_eq!(shop.read("Model.lock"), lock);
}

#[test]
fn what_the_gate_measures_does_not_decide_the_pack() {
    let gate = "gate = { suite = \"eval/suite.toml\", metric = \"ndcg@10\", min-cosine = 0.5 }\n";
    let pack = |shop: &Shop| {
        let lock = shop.read("Model.lock");
        lock.split_once("[[model.pack]]").and_then(|(_, rest)| rest.split_once("[[")).expect("a pack").0.to_owned()
    };
    let shop = Shop::with_usual_encoder(gate);
    shop.run(&["lock"]).code(0);
    let before = pack(&shop);
    shop.write("eval/queries.tsv", "q1\tsomething else altogether!\nq2\tglass\nq3\t手机 手机 手机\n");
    shop.run(&["lock"]).code(0).errs(&["Locked 1 model"]);
    assert_eq!(pack(&shop), before);
    // A pack is inside every binary, and what users asked is not.
    let bytes = std::fs::read(shop.stored("pack")).expect("the pack");
    assert!(!bytes.windows(14).any(|bytes| bytes == b"something else"));
}

#[test]
fn a_suite_that_names_absent_products_is_refused_by_line() {
    let shop = Shop::with_encoder("gate = { suite = \"eval/suite.toml\", metric = \"ndcg@10\", min-ratio = 0.5 }\n");
    shop.append("eval/judgments.tsv", "q1\tp77\t1\n");
    for command in [&["lock"][..], &["eval", "encoder"]] {
        shop.run(command).code(1).errs(&["MD0606", "p77", "judgments.tsv:7"]);
    }
    assert!(!shop.path("Model.lock").exists());
    shop.run(&["eval", "encoder", "--suite", "eval/absent.toml"]).code(1).errs(&["MD0601", "eval/absent.toml"]);
}

#[test]
fn a_suite_that_measures_nothing_is_not_a_loss_of_quantization() {
    let shop = Shop::with_encoder("gate = { suite = \"eval/suite.toml\", metric = \"mrr\", min-ratio = 0.5 }\n");
    shop.edit("eval/suite.toml", "[corpus]", "relevant = 9\n[corpus]");
    let said = shop.run(&["lock"]).code(1);
    let said = said.errs(&["MD0608", "the f32 reference scores 0 on `mrr`", "judgments.tsv"]);
    assert!(!said.err.contains("MD0610"), "{}", said.err);
    shop.write("eval/judgments.tsv", "q1\tp1\t0\nq2\tp2\t0\nq3\tp3\t0\n");
    shop.run(&["lock"]).code(1).errs(&["MD0608", "no judgment is over 0", "judgments.tsv"]);
}

#[test]
fn a_ranker_is_measured_on_pairs_and_a_classifier_on_labels() {
    let shop = Shop::empty();
    for (model, name, task) in [(SCORE, "ranker", "score"), (CLASSIFY, "mood", "classify")] {
        shop.has(model);
        shop.run(&["add", &format!("models/{model}"), "--name", name, "--task", task]).code(0);
    }
    let said = shop.run(&["eval", "ranker", "--suite", "eval/suite.toml"]).code(0);
    said.says(&["a pack made now: it is not locked", "ndcg@10", "largest difference to f32"]);

    let suite = "kind = \"classify\"\n[examples]\nfile = \"moods.jsonl\"\n";
    shop.write("eval/moods.toml", suite);
    shop.write(
        "eval/moods.jsonl",
        "{\"text\": \"good\", \"label\": \"positive\"}\n{\"text\": \"bad\", \"label\": \"negative\"}\n",
    );
    shop.run(&["eval", "mood", "--suite", "eval/moods.toml"]).code(0).says(&["accuracy", "2 queries or examples"]);
    shop.write("eval/moods.jsonl", "{\"text\": \"good\", \"label\": \"glad\"}\n");
    shop.run(&["eval", "mood", "--suite", "eval/moods.toml"]).code(1).errs(&["glad", "positive"]);
    shop.run(&["eval", "ranker"]).code(1).errs(&["`ranker` has no gate", "--suite"]);
}
