//! Values in rows, one for each candidate, and in columns, one for each feature: what stands in JSON and in tables.

use super::asked::{Asked, Gathered, NONE, Names};
use super::cell::{Cell, Values};
use modeldeploy::format::features::{Fact, Side};

/// A row: the values of all features of one candidate, and of the user and the session, which are the same in all rows.
pub(crate) type Row = Vec<(String, Cell)>;

impl Asked {
    /// What rows say, at most so many. `field` is what they stand in, as `instances`.
    ///
    /// # Errors
    ///
    /// Which row lacks what, has what no model takes, or says another thing of the user than the first one.
    pub(crate) fn of_rows(features: &[Fact], rows: &[Row], field: &str, most: usize) -> Result<Asked, String> {
        // What nobody can answer is not read.
        if rows.is_empty() {
            return Err(NONE.to_owned());
        }
        if rows.len() > most {
            return Err(format!("there are {} candidates, and at most {most} are taken", rows.len()));
        }
        let names = Names::new(features);
        let mut found: Vec<Vec<&Cell>> = features.iter().map(|_| Vec::with_capacity(rows.len())).collect();
        for (at, row) in rows.iter().enumerate() {
            let wrong = |error: String| format!("`{field}[{at}]`: {error}");
            for (hint, (name, cell)) in row.iter().enumerate() {
                // Rows have their keys in one order, mostly the model's.
                let known = features.get(hint).is_some_and(|fact| fact.name == *name).then_some(hint);
                let feature = known.map_or_else(|| names.place(name), Ok).map_err(wrong)?;
                if found[feature].len() > at {
                    return Err(wrong(format!("the feature `{name}` is there twice")));
                }
                found[feature].push(cell);
            }
            if let Some(lacking) = found.iter().position(|cells| cells.len() <= at) {
                return Err(wrong(format!("the feature `{}` is missing", features[lacking].name)));
            }
        }
        let mut gathered = Gathered::new(features);
        for (feature, (fact, cells)) in features.iter().zip(found).enumerate() {
            let Fact { name, kind, side } = fact;
            let wrong = |(at, error): (usize, String)| format!("`{field}[{at}]`: the feature `{name}` is {error}");
            let values = match (side, cells.first()) {
                (Side::Candidate, _) | (_, None) => Values::of(kind, cells.into_iter()).map_err(wrong)?,
                (_, Some(first)) => {
                    if let Some(at) = cells.iter().position(|cell| cell != first) {
                        let whose = side.name();
                        return Err(format!(
                            "`{field}[{at}]`: the feature `{name}` is the {whose}'s and not what it is in `{field}[0]`: \
                             all rows are of one {whose}"
                        ));
                    }
                    whole(fact, first).map_err(|error| format!("`{field}[0]`: {error}"))?
                }
            };
            gathered.set(feature, values);
        }
        gathered.finish(most)
    }

    /// What columns say: for each feature a list of its values, or the one value of the user's.
    ///
    /// # Errors
    ///
    /// As [`Gathered`], and which column has what no feature of its kind is.
    pub(crate) fn of_columns(features: &[Fact], columns: &[(String, Cell)], most: usize) -> Result<Asked, String> {
        let mut gathered = Gathered::new(features);
        for (name, cell) in columns {
            let (at, fact) = gathered.feature(name)?;
            let values = match (fact.side, cell) {
                (Side::Candidate, Cell::List(cells)) => Values::of(&fact.kind, cells.iter())
                    .map_err(|(at, error)| format!("the feature `{name}`: its value {at} is {error}"))?,
                (Side::Candidate, other) => {
                    let kind = other.kind();
                    return Err(format!(
                        "the feature `{name}` is {kind}, and must be a list: a value for each candidate"
                    ));
                }
                _ => whole(fact, cell)?,
            };
            gathered.set(at, values);
        }
        gathered.finish(most)
    }
}

/// The values of a feature of the user or the session.
fn whole(fact: &Fact, cell: &Cell) -> Result<Values, String> {
    let Fact { name, kind, side } = fact;
    if *side == Side::User {
        let one = Values::of(kind, std::iter::once(cell));
        return one.map_err(|(_, error)| format!("the feature `{name}` is {error}"));
    }
    // A batch of one session is a session.
    let list = match cell {
        Cell::List(cells) => match &cells[..] {
            [Cell::List(inner)] => inner,
            _ => cells,
        },
        other => {
            return Err(format!("the feature `{name}` is {}, and must be a list: the session's items", other.kind()));
        }
    };
    let list = Values::of(kind, list.iter());
    list.map_err(|(at, error)| format!("the feature `{name}`: its item {at} is {error}"))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
