//! The files of a search suite: corpus, queries, judgments.

use super::{ABSENT, EMPTY, Query, Rank, Search, UNJUDGED};
use crate::records::{self, LINE, Problems, TWICE, Template, TextFile};
use crate::section::{Section, Source, nearest};
use modeldeploy_format::Digest;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Ratings beyond this make a gain of 2^rating meaningless.
const HIGHEST_RATING: f64 = 30.0;

/// Ids (or texts) of queries in their order, with their texts.
type Queries = Vec<(String, String)>;

/// A query's ratings by the document's place in the corpus, each with its line.
type Judged = BTreeMap<usize, (f64, usize)>;

struct Judgment {
    line: usize,
    query: String,
    document: String,
    rating: f64,
}

/// The documents that could be read, and whether that is all of them.
struct Corpus<'d> {
    documents: &'d [records::Document],
    sound: bool,
}

pub(super) fn read(
    source: &Source<'_>,
    top: &Section<'_, '_>,
    folder: &Path,
    digests: &mut Vec<Digest>,
    problems: &mut Problems,
) -> Option<Search> {
    let rank = match top.string("rank").as_deref() {
        None | Some("judged") => Rank::Judged,
        Some("corpus") => Rank::Corpus,
        Some(other) => {
            let message = format!("`rank` cannot be `{other}`");
            source.fail(
                top.at("rank"),
                message,
                "write \"judged\" (each query's judged documents) or \"corpus\" (all)",
            );
            Rank::Judged
        }
    };
    let relevant = top.number("relevant").unwrap_or(1.0);
    let corpus = top.section("corpus");
    let queries = top.section("queries");
    let judgments = top.section("judgments");
    if corpus.is_none() {
        source.fail(0, "the suite has no `[corpus]`", "add it: [corpus] file = \"products.jsonl\", text = \"{title}\"");
    }
    if judgments.is_none() {
        source.fail(0, "the suite has no `[judgments]`", "add it: [judgments] file = \"judgments.tsv\"");
    }
    let (corpus, judgments) = (corpus?, judgments?);

    let document_prompt = corpus.string("prompt");
    let id = corpus.string("id").unwrap_or_else(|| "id".into());
    let template = template(source, &corpus);
    let file = open(source, &corpus, folder, digests, problems);
    corpus.finish();
    let (file, template) = (file?, template?);
    let before = problems.met();
    let documents = records::documents(&file, &id, &template, problems);
    let sound = problems.met() == before;
    if documents.is_empty() && problems.is_empty() {
        problems.add(EMPTY, "the corpus has no documents", file.place(1), "put one JSON object on each line");
    }

    let query_prompt = queries.as_ref().and_then(|section| section.string("prompt"));
    let (named, known) = match queries {
        Some(section) => (true, read_queries(source, section, folder, digests, problems)?),
        None => (false, vec![]),
    };
    let keys = ["query", "id", "rating"];
    let file = open(source, &judgments, folder, digests, problems);
    judgments.finish();
    let file = file?;
    let judged = read_judgments(&file, keys, problems);
    let corpus = Corpus { documents: &documents, sound };
    let queries = join(&file, corpus, known, named, judged, problems);
    let judgments = file.shown;
    Some(Search { rank, relevant, documents, document_prompt, queries, query_prompt, judgments })
}

/// Opens the file that a section names.
pub(super) fn open(
    source: &Source<'_>,
    section: &Section<'_, '_>,
    folder: &Path,
    digests: &mut Vec<Digest>,
    problems: &mut Problems,
) -> Option<TextFile> {
    let name = section.required("file", "name the file, relative to this one: file = \"…\"")?;
    match TextFile::read(&folder.join(name), &source.place(section.at("file"))) {
        Ok(file) => {
            digests.push(file.digest);
            Some(file)
        }
        Err(error) => {
            problems.push(error);
            None
        }
    }
}

fn template(source: &Source<'_>, section: &Section<'_, '_>) -> Option<Template> {
    let text = section.required("text", "say what a document's text is: text = \"{title}\"")?;
    match Template::parse(&text) {
        Ok(template) => Some(template),
        Err(why) => {
            source.fail(section.at("text"), why, "write keys in braces: \"{title}, {category}\"");
            None
        }
    }
}

fn read_queries(
    source: &Source<'_>,
    section: Section<'_, '_>,
    folder: &Path,
    digests: &mut Vec<Digest>,
    problems: &mut Problems,
) -> Option<Queries> {
    let id_key = section.string("id").unwrap_or_else(|| "id".into());
    let text_key = section.string("text").unwrap_or_else(|| "text".into());
    let filter = section.text_or_table("where", "").unwrap_or_default();
    let file = open(source, &section, folder, digests, problems);
    let (filter_at, at) = (section.at("where"), section.at);
    section.finish();
    let file = file?;
    let mut rows: Vec<(usize, String, String)> = vec![];
    if file.is_json_lines() {
        for (line, object) in file.objects(problems) {
            let kept = filter
                .iter()
                .all(|(key, value, _)| file.field(line, &object, key, problems).is_none_or(|found| found == *value));
            if !kept {
                continue;
            }
            let id = file.field(line, &object, &id_key, problems);
            let text = file.field(line, &object, &text_key, problems);
            rows.extend(id.zip(text).map(|(id, text)| (line, id, text)));
        }
    } else {
        if !filter.is_empty() {
            source.fail(filter_at, "`where` needs keys, and a table of columns has none", "give the queries as .jsonl");
        }
        let columns = file.columns(["the query's id", "its text"], problems);
        rows.extend(columns.into_iter().map(|(line, [id, text])| (line, id.to_owned(), text.to_owned())));
    }
    let mut lines = HashMap::new();
    let mut queries = vec![];
    for (line, id, text) in rows {
        if let Some(first) = lines.insert(id.clone(), line) {
            let place = format!("{} and {first}", file.place(line));
            problems.add(TWICE, format!("query `{id}` stands twice"), place, "remove one of the lines");
        } else {
            queries.push((id, text));
        }
    }
    if queries.is_empty() && problems.is_empty() {
        let help = if filter.is_empty() { "put a query on each line" } else { "no line has the values in `where`" };
        problems.add(EMPTY, format!("`{}` gives no queries", file.shown), source.place(at), help);
    }
    Some(queries)
}

fn read_judgments(file: &TextFile, keys: [&str; 3], problems: &mut Problems) -> Vec<Judgment> {
    let mut rows = vec![];
    if file.is_json_lines() {
        for (line, object) in file.objects(problems) {
            let [query, id, rating] = keys.map(|key| file.field(line, &object, key, problems));
            if let (Some(query), Some(id), Some(rating)) = (query, id, rating) {
                rows.push((line, query, id, rating));
            }
        }
    } else {
        let columns = file.columns(["the query", "the document's id", "the rating"], problems);
        rows.extend(columns.into_iter().map(|(line, row)| {
            let [query, id, rating] = row.map(str::to_owned);
            (line, query, id, rating)
        }));
    }
    let mut judgments = vec![];
    for (line, query, document, rating) in rows {
        match rating.trim().parse::<f64>() {
            Ok(rating) if (0.0..=HIGHEST_RATING).contains(&rating) => {
                judgments.push(Judgment { line, query, document, rating });
            }
            _ => problems.add(
                LINE,
                format!("the rating `{}` is not a number from 0 to {HIGHEST_RATING}", rating.trim()),
                file.place(line),
                "ratings are numbers: 0 is irrelevant, higher is better",
            ),
        }
    }
    judgments
}

/// Puts the judgments to their queries.
fn join(
    file: &TextFile,
    Corpus { documents, sound }: Corpus<'_>,
    known: Queries,
    named: bool,
    judgments: Vec<Judgment>,
    problems: &mut Problems,
) -> Vec<Query> {
    let places: HashMap<&str, usize> = documents.iter().enumerate().map(|(at, it)| (it.id.as_str(), at)).collect();
    let mut at_of: HashMap<String, usize> = known.iter().enumerate().map(|(at, (id, _))| (id.clone(), at)).collect();
    let mut queries: Vec<(String, String, Judged)> =
        known.into_iter().map(|(id, text)| (id, text, BTreeMap::new())).collect();
    if judgments.is_empty() && problems.is_empty() {
        problems.add(
            EMPTY,
            "there are no judgments",
            file.place(1),
            "write query, document id and rating on each line",
        );
    }
    for Judgment { line, query, document, rating } in judgments {
        let at = match at_of.get(&query) {
            Some(&at) => at,
            None if named => {
                // Judgments of other splits may stand in the same file; what matters is that each query has its own.
                continue;
            }
            None => {
                at_of.insert(query.clone(), queries.len());
                queries.push((query.clone(), query.clone(), BTreeMap::new()));
                queries.len() - 1
            }
        };
        let Some(&place) = places.get(document.as_str()) else {
            if !sound {
                continue;
            }
            let help = match nearest(&document, places.keys().copied()) {
                Some(near) if documents.len() < 1000 => format!("did you mean `{near}`?"),
                _ => "remove the line, or add the document to the corpus".into(),
            };
            problems.add(ABSENT, format!("the corpus has no document `{document}`"), file.place(line), help);
            continue;
        };
        if let Some((_, first)) = queries[at].2.insert(place, (rating, line)) {
            let message = format!("`{document}` is judged twice for `{query}`");
            problems.add(TWICE, message, format!("{} and {first}", file.place(line)), "remove one of the lines");
        }
    }
    let whole = problems.is_empty();
    let mut ratings = queries.iter().flat_map(|(_, _, judged)| judged.values()).peekable();
    if whole && ratings.peek().is_some() && ratings.all(|(rating, _)| *rating == 0.0) {
        let help = "rate what is relevant with 1 or more: without it every ranking is as good as any other";
        problems.add(EMPTY, "no judgment is over 0", file.shown.clone(), help);
    }
    let mut joined = vec![];
    for (id, text, judged) in queries {
        if judged.is_empty() && whole {
            let help = "judge at least one document for it, or remove it";
            problems.add(UNJUDGED, format!("query `{id}` has no judgments"), file.shown.clone(), help);
        }
        joined.push(Query { text, judged: judged.into_iter().map(|(at, (rating, _))| (at, rating)).collect() });
    }
    joined
}
