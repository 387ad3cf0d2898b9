//! What a node of ONNX asks, as a question whose left child is of those for whom the test holds.

use super::super::Missing;
use super::super::tree::{Split, Test};

/// A node's test. NaN passes none but `NotEqual`, unless the node says that missing values go where those go that pass.
pub(super) enum Mode {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    NotEqual,
    /// One of these.
    Member(Vec<f64>),
}

/// The name of each mode as the operators before 5 write it; in the fifth a mode is its place here, and `BRANCH_MEMBER` the last.
pub(super) const NAMES: [&str; 6] = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"];

impl Mode {
    /// The mode of this place in [`NAMES`].
    pub(super) fn of(place: usize) -> Option<Mode> {
        Some(match place {
            0 => Mode::AtMost,
            1 => Mode::Below,
            2 => Mode::AtLeast,
            3 => Mode::Above,
            4 => Mode::Equal,
            5 => Mode::NotEqual,
            _ => return None,
        })
    }
}

/// The question of a node whose children for those that pass, and for those that do not, are `[yes, no]`.
pub(super) fn question(
    mode: Mode,
    value: f64,
    feature: i64,
    [yes, no]: [u32; 2],
    tracks: bool,
) -> Result<Split, String> {
    let feature = u32::try_from(feature).map_err(|_| format!("it asks for feature {feature}"))?;
    let (test, turned) = match mode {
        Mode::AtMost => (Test::AtMost(value), false),
        Mode::Below => (Test::Below(value), false),
        Mode::Above => (Test::AtMost(value), true),
        Mode::AtLeast => (Test::Below(value), true),
        Mode::Equal => (Test::among(vec![value]), false),
        Mode::NotEqual => (Test::among(vec![value]), true),
        Mode::Member(members) => (Test::among(members), false),
    };
    let passes = tracks || matches!((&test, turned), (Test::Among(_), true));
    let goes_left = passes != turned;
    let (left, right) = if turned { (no, yes) } else { (yes, no) };
    let missing = if goes_left { Missing::Left } else { Missing::Right };
    Ok(Split { feature, test, missing, left, right })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_go_where_their_node_sends_them() {
        let modes = || (0..6).filter_map(Mode::of).chain([Mode::Member(vec![1.0])]);
        for (at, mode) in modes().enumerate() {
            for tracks in [false, true] {
                let mode = match &mode {
                    Mode::Member(members) => Mode::Member(members.clone()),
                    _ => Mode::of(at).expect("a mode"),
                };
                let split = question(mode, 1.0, 0, [1, 2], tracks).expect("a question");
                let child = if split.missing == Missing::Left { split.left } else { split.right };
                // `NaN != 1` holds.
                assert_eq!(child, if tracks || at == 5 { 1 } else { 2 }, "mode {at}, {tracks}");
            }
        }
    }
}
