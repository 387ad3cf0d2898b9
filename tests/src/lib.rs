//! What the tests of all packages keep to, and what several of them test with: a browser, a shop, schemas. The house rules themselves
//! stand in `tidy.rs`.

pub mod browser;
pub mod client;
pub mod schema;
pub mod shop;

/// The variable that allows no test to be left out: `MODELDEPLOY_TEST_ALL=1`.
const ALL: &str = "MODELDEPLOY_TEST_ALL";

/// Says on stderr that a test, or a part of one, is left out and why: the data or the program that it needs is not here.
///
/// # Panics
///
/// Where `MODELDEPLOY_TEST_ALL=1` asks for all tests.
pub fn skipped(why: &str) {
    say(why, std::env::var_os(ALL).is_some_and(|asked| asked == "1"));
}

fn say(why: &str, all: bool) {
    assert!(!all, "{ALL}=1 leaves no test out, and this one needs what is not here: {why}");
    eprintln!("skipped: {why}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_left_out_fails_only_where_all_is_asked_for() {
        super::say("no data", false);
        let failed = std::panic::catch_unwind(|| super::say("no data", true)).expect_err("a failure");
        let said = failed.downcast_ref::<String>().expect("a message");
        assert!(said.contains("MODELDEPLOY_TEST_ALL=1") && said.ends_with("no data"), "{said}");
    }
}
