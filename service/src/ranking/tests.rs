//! Rows and columns that are requests, and some that are not; what protocols send is in `service/tests/protocols/rankers.rs`.

use super::*;
use modeldeploy::format::features::Kind;

fn facts() -> Vec<Fact> {
    let fact = |name: &str, kind, side| Fact { name: name.to_owned(), kind, side };
    vec![
        fact("seen", Kind::Text, Side::Session),
        fact("price", Kind::Number, Side::Candidate),
        fact("age", Kind::Number, Side::User),
    ]
}

fn row(seen: &[&str], price: Cell, age: Cell) -> Row {
    let seen = Cell::List(seen.iter().map(|text| Cell::Text((*text).to_owned())).collect());
    vec![("age".to_owned(), age), ("price".to_owned(), price), ("seen".to_owned(), seen)]
}

#[test]
fn rows_and_columns_of_the_same_values_ask_the_same() {
    let rows = [
        row(&["a", "b"], Cell::Number(1.5), Cell::Number(30.0)),
        row(&["a", "b"], Cell::List(vec![Cell::Number(2.5)]), Cell::Number(30.0)),
    ];
    let by_row = Asked::of_rows(&facts(), &rows, "rows", 2).expect("a request");
    let numbers = Cell::List(vec![Cell::Number(1.5), Cell::Number(2.5)]);
    let by_column = row(&["a", "b"], numbers, Cell::Number(30.0));
    assert_eq!(Asked::of_columns(&facts(), &by_column, 2), Ok(by_row.clone()));
    assert_eq!(by_row.candidates(), 2);
    for (most, is) in [(2, true), (1, false)] {
        let wrong = "there are 2 candidates, and at most 1 are taken";
        for asked in [Asked::of_rows(&facts(), &rows, "rows", most), Asked::of_columns(&facts(), &by_column, most)] {
            assert!(asked.map_or_else(|error| error == wrong, |_| is), "{most}");
        }
    }
}

#[test]
fn a_missing_value_of_the_user_is_the_same_in_all_rows() {
    let rows = [row(&[], Cell::Number(1.0), Cell::Missing), row(&[], Cell::Missing, Cell::Missing)];
    assert!(Asked::of_rows(&facts(), &rows, "rows", 9).is_ok());
    let rows = [row(&[], Cell::Number(1.0), Cell::Missing), row(&[], Cell::Missing, Cell::Number(1.0))];
    let error = Asked::of_rows(&facts(), &rows, "rows", 9).expect_err("two users");
    assert!(error.starts_with("`rows[1]`: the feature `age` is the user's and not what it is in `rows[0]`"), "{error}");
}

#[test]
fn a_feature_that_stands_twice_in_a_row_is_refused() {
    let mut twice = row(&[], Cell::Number(1.0), Cell::Missing);
    twice.push(("price".to_owned(), Cell::Number(2.0)));
    let error = Asked::of_rows(&facts(), &[twice.clone()], "rows", 9).expect_err("twice");
    assert_eq!(error, "`rows[0]`: the feature `price` is there twice");
    let error = Asked::of_columns(&facts(), &twice, 9).expect_err("twice");
    assert!(error.contains("`price`"), "{error}");
}

#[test]
fn a_ranker_of_thousands_of_features_is_asked_in_any_order() {
    let facts: Vec<Fact> =
        (0..3000).map(|at| Fact { name: format!("f{at}"), kind: Kind::Number, side: Side::Candidate }).collect();
    let row: Row = (0..3000).rev().map(|at| (format!("f{at}"), Cell::Number(f64::from(at)))).collect();
    assert_eq!(Asked::of_rows(&facts, &[row.clone(), row.clone()], "rows", 9).map(|asked| asked.candidates()), Ok(2));
    let mut other = row;
    other[7].0 = "g".to_owned();
    let error = Asked::of_rows(&facts, &[other], "rows", 9).expect_err("no such feature");
    assert!(error.starts_with("`rows[0]`: there is no feature `g`: the model takes `f0`, `f1`"), "{error}");
    assert!(error.ends_with("`f49` and 2950 more"), "{error}");
}
