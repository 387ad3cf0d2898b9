//! Suites are read as they are meant, and everything that is wrong with one is said with its line.

use super::*;
use std::fs;

const SUITE: &str = "metrics = [\"ndcg@10\", \"mrr\"]\n[corpus]\nfile = \"docs.jsonl\"\ntext = \"{title}!\"\n\
                     [queries]\nfile = \"queries.jsonl\"\nwhere = { split = \"test\" }\n\
                     [judgments]\nfile = \"judged.tsv\"\n";
const DOCS: &str =
    "{\"id\": \"a\", \"title\": \"Pan\"}\n{\"id\": 7, \"title\": \"Pot\"}\n\n{\"id\": \"c\", \"title\": \"壶\"}\n";
const QUERIES: &str = "{\"id\": \"q1\", \"text\": \"pan\", \"split\": \"test\"}\n\
                       {\"id\": \"q2\", \"text\": \"tea\", \"split\": \"train\"}\n";
const JUDGED: &str = "q1\tc\t0\nq1\ta\t3\nq2\t7\t1\n";

/// Writes the files, with `text` in place of `file`'s own, and reads the suite.
fn read_with(file: &str, text: &str) -> Result<Suite, Vec<Diagnostic>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, usual) in
        [("suite.toml", SUITE), ("docs.jsonl", DOCS), ("queries.jsonl", QUERIES), ("judged.tsv", JUDGED)]
    {
        let text = if name == file { text } else { usual };
        fs::write(folder.path().join(name), text).expect("a file");
    }
    Suite::read(&folder.path().join("suite.toml"))
}

fn search(suite: &Suite) -> &Search {
    match &suite.kind {
        Kind::Search(search) => search,
        _ => panic!("a search suite"),
    }
}

#[test]
fn a_suite_is_read_with_all_that_it_names() {
    let suite = read_with("", "").expect("a suite");
    assert_eq!(suite.metrics, [Metric::Ndcg(10), Metric::Mrr(None)]);
    let search = search(&suite);
    let texts: Vec<_> = search.documents.iter().map(|it| (it.id.as_str(), it.text.as_str())).collect();
    assert_eq!(texts, [("a", "Pan!"), ("7", "Pot!"), ("c", "壶!")]);
    assert_eq!(search.queries, [Query { text: "pan".into(), judged: vec![(0, 3.0), (2, 0.0)] }]);
    assert_eq!((search.rank, search.relevant), (Rank::Judged, 1.0));
}

#[test]
fn without_a_file_of_queries_the_judgments_have_their_texts() {
    let suite = "[corpus]\nfile = \"docs.jsonl\"\ntext = \"title\"\n[judgments]\nfile = \"judged.tsv\"\n";
    let suite = read_with("suite.toml", suite).expect("a suite");
    let texts: Vec<_> = search(&suite).queries.iter().map(|query| query.text.as_str()).collect();
    assert_eq!(texts, ["q1", "q2"]);
}

#[test]
fn the_digest_follows_every_file() {
    let usual = read_with("", "").expect("a suite").digest;
    for (file, text) in [
        ("suite.toml", SUITE.to_owned() + "# more\n"),
        ("docs.jsonl", DOCS.replace("Pan", "Pen")),
        ("queries.jsonl", QUERIES.replace("pan", "pen")),
        ("judged.tsv", JUDGED.replace('3', "2")),
    ] {
        assert_ne!(read_with(file, &text).expect(file).digest, usual, "{file}");
    }
    assert_eq!(read_with("", "").expect("a suite").digest, usual);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (file, text, code, said) in [
        ("suite.toml", SUITE.replace("docs.jsonl", "dogs.jsonl"), "MD0603", "suite.toml:3:8"),
        ("suite.toml", SUITE.replace("text", "txet"), "MD0602", "no key `txet`"),
        ("suite.toml", SUITE.replace("ndcg@10", "ndgc@10"), "MD0609", "did you mean `ndcg@10`"),
        ("suite.toml", SUITE.replace("ndcg@10", "accuracy"), "MD0609", "suite of kind `search`"),
        ("suite.toml", SUITE.replace("\"ndcg@10\", \"mrr\"", ""), "MD0608", "measures nothing"),
        ("suite.toml", format!("kind = \"serch\"\n{SUITE}"), "MD0602", "did you mean `search`"),
        ("suite.toml", format!("rank = \"all\"\n{SUITE}"), "MD0602", "`rank` cannot be `all`"),
        ("suite.toml", SUITE.replace("{title}", "{title"), "MD0602", "no partner"),
        ("suite.toml", SUITE.replace("[corpus]", "[corpus"), "MD0602", "not TOML"),
        ("suite.toml", String::new(), "MD0602", "no `[corpus]`"),
        ("docs.jsonl", DOCS.replace("\"a\"", "7"), "MD0605", "docs.jsonl:2 and 1"),
        ("docs.jsonl", DOCS.replace("title\": \"Pot", "titel\": \"Pot"), "MD0604", "docs.jsonl:2"),
        ("docs.jsonl", DOCS.replace("}\n\n", "\n\n"), "MD0604", "docs.jsonl:2"),
        ("docs.jsonl", "[]\n".into(), "MD0604", "not a JSON object"),
        ("docs.jsonl", String::new(), "MD0608", "no documents"),
        ("queries.jsonl", QUERIES.replace("train", "test").replace("q2", "q1"), "MD0605", "queries.jsonl:2 and 1"),
        ("queries.jsonl", QUERIES.replace("test", "other"), "MD0608", "gives no queries"),
        ("queries.jsonl", QUERIES.replace("q1", "q9"), "MD0607", "query `q9` has no judgments"),
        ("judged.tsv", JUDGED.replace("\tc\t", "\tx\t"), "MD0606", "judged.tsv:1"),
        ("judged.tsv", JUDGED.replace("\ta\t", "\tc\t"), "MD0605", "judged.tsv:2 and 1"),
        ("judged.tsv", JUDGED.replace('3', "good"), "MD0604", "`good` is not a number"),
        ("judged.tsv", JUDGED.replace('3', "-1"), "MD0604", "`-1` is not a number from 0"),
        ("judged.tsv", JUDGED.replace('3', "NaN"), "MD0604", "`NaN` is not a number"),
        ("judged.tsv", JUDGED.replace("a\t3", "a"), "MD0604", "2 columns, not 3"),
        ("judged.tsv", String::new(), "MD0608", "no judgments"),
        ("judged.tsv", JUDGED.replace('3', "0"), "MD0608", "no judgment is over 0\n  --> "),
    ] {
        let errors = read_with(file, &text).expect_err(said);
        let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let found = shown.iter().any(|error| error.contains(code) && error.contains(said));
        assert!(found, "{file}: {code} `{said}` is not in\n{}", shown.join("\n"));
        assert!(errors.iter().all(|error| error.help.is_some() && error.place.is_some()), "{shown:?}");
    }
}

#[test]
fn a_merge_that_git_left_open_is_named() {
    let text = "metrics = [\"mrr\"]\n<<<<<<< HEAD\nrelevant = 1\n=======\nrelevant = 2\n>>>>>>> other\n";
    let errors = read_with("suite.toml", text).expect_err("both sides");
    assert!(errors.len() == 1 && errors[0].message.contains("both sides of a merge"), "{errors:?}");
    assert!(errors[0].place.as_ref().is_some_and(|place| place.ends_with("suite.toml:2:1")), "{errors:?}");
}

#[test]
fn a_record_that_cannot_be_read_is_one_error_and_not_one_for_each_judgment_of_it() {
    for bad in [DOCS.replace("title\": \"Pan", "titel\": \"Pan"), DOCS.replacen("}\n", "\n", 1)] {
        let errors = read_with("docs.jsonl", &bad).expect_err("a bad record");
        assert!(errors.len() == 1 && errors[0].code == Code("MD0604"), "{errors:?}");
    }
}

#[test]
fn an_absent_suite_says_so() {
    let errors = Suite::read(Path::new("/nowhere/search.toml")).expect_err("absent");
    assert!(errors[0].to_string().contains("error[MD0601]: `/nowhere/search.toml` cannot be read"), "{}", errors[0]);
}

#[test]
fn a_classification_suite_has_examples() {
    let suite = "kind = \"classify\"\n[examples]\nfile = \"docs.jsonl\"\ntext = \"title\"\nlabel = \"id\"\n";
    let suite = read_with("suite.toml", suite).expect("a suite");
    assert_eq!(suite.metrics, [Metric::Accuracy]);
    let Kind::Classify(examples) = &suite.kind else { panic!("a classification suite") };
    assert_eq!(examples[1], Example { text: "Pot".into(), pair: None, label: "7".into() });
}

#[test]
fn chosen_documents_are_spread_over_the_corpus() {
    let suite = read_with("", "").expect("a suite");
    assert_eq!((suite.documents(100), suite.documents(2)), (vec!["Pan!", "Pot!", "壶!"], vec!["Pan!", "壶!"]));
}

#[test]
fn a_suite_of_requests_names_their_file_and_measures_rankers_alone() {
    let suite = "kind = \"requests\"\nmetrics = [\"auc\", \"hr@10\", \"ndcg@10\"]\nrelevant = 2\n[requests]\nfile = \"docs.jsonl\"\n";
    let read = read_with("suite.toml", suite).expect("a suite");
    let Kind::Requests(requests) = &read.kind else { panic!("a suite of requests") };
    assert_eq!((requests.relevant, requests.file.text.as_str()), (2.0, DOCS));
    assert_eq!(read.metrics, [Metric::Auc, Metric::HitRate(10), Metric::Ndcg(10)]);
    for (from, to, said) in [
        ("auc", "accuracy", "`accuracy` cannot be measured by a suite of kind `requests`"),
        ("auc", "cosine", "`cosine` cannot be measured"),
        ("[requests]", "[request]", "the suite has no `[requests]`"),
        ("requests\"", "request\"", "did you mean `requests`?"),
        ("docs.jsonl", "absent.jsonl", "there is no such file"),
    ] {
        let errors = read_with("suite.toml", &suite.replacen(from, to, 1)).expect_err(to);
        let errors = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(errors.contains(said), "{to}: {errors}");
    }
    let errors = read_with("suite.toml", &SUITE.replace("\"mrr\"", "\"auc\"")).expect_err("auc of a search");
    assert!(errors[0].to_string().contains("`auc` cannot be measured by a suite of kind `search`"), "{}", errors[0]);
}
