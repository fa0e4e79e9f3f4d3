//! Values become references again wherever they stand, and nothing else changes.
use super::{Scrubber, Secret};
use crate::task::failure;
use proptest::prelude::*;
use serde_json::json;

fn scrubber(secrets: &[(&str, &str)]) -> Scrubber {
    let secret = |(name, value): &(&str, &str)| Secret {
        reference: format!("${{env:{name}}}"),
        value: (*value).to_owned(),
    };
    Scrubber::new(secrets.iter().map(secret).collect())
}

fn check(secrets: &[(&str, &str)], text: &str, expected: &str) {
    assert_eq!(scrubber(secrets).text(text), expected, "{text:?}");
}

#[test]
fn a_value_is_replaced_by_its_reference() {
    check(&[("A", "canary")], "the canary of a canary", "the ${env:A} of a ${env:A}");
    check(&[("A", "canary")], "nothing", "nothing");
    check(&[("A", "ab"), ("B", "")], "ab and ab", "ab and ab");
    check(&[("A", "abc")], "xabcx", "x${env:A}x");
}

#[test]
fn the_longest_of_overlapping_values_counts_and_no_part_stays() {
    check(&[("A", "abc"), ("B", "abcdef")], "abcdef abc", "${env:B} ${env:A}");
    check(&[("A", "abc"), ("B", "bcdefg")], "-abcdefg-", "-${env:B}-");
    check(&[("A", "aba")], "ababa", "${env:A}");
    check(&[("A", "env")], "env", "${env:A}");
    check(&[("A", "ééé")], "éééé", "${env:A}");
}

#[test]
fn encoded_values_are_found_too() {
    let secrets = [("A", "p w/\"12345")];
    for text in
        ["p w/\\\"12345", "p%20w%2F%2212345", "p+w%2f%2212345", "cCB3LyIxMjM0NQ==", "7020772f223132333435"]
    {
        let scrubbed = scrubber(&secrets).text(text).into_owned();
        assert!(scrubbed.starts_with("${env:A}") && scrubbed.len() <= 10, "{text} became {scrubbed}");
    }
}

#[test]
fn what_a_plugin_trimmed_or_cut_is_found_too() {
    check(&[("A", "canary\n")], "bad canary here", "bad ${env:A} here");
    check(&[("A", "canary-and-more")], "bad canary-an…", "bad ${env:A}…");
    check(&[("A", "canary-and-more")], "bad ca…", "bad ca…");
}

#[test]
fn answers_keep_their_names_and_records_do_not() {
    let scrubber = scrubber(&[("A", "a\"canary")]);
    let found = json!({ "a\"canary": ["a\"canary", { "n": 1, "text": "an a\"canary" }] });
    let texts = json!(["${env:A}", { "n": 1, "text": "an ${env:A}" }]);
    let (mut answer, mut record) = (found.clone(), found);
    scrubber.answer(&mut answer);
    assert_eq!(answer, json!({ "a\"canary": texts }));
    scrubber.record(&mut record);
    assert_eq!(record, json!({ "${env:A}": texts }));
}

#[test]
fn failures_and_errors_of_records_are_clean() {
    let scrubber = scrubber(&[("A", "canary")]);
    let failed = scrubber.failure(failure("ConnectException", "no canary", true));
    assert_eq!(failed.trace, "penstock.ConnectException: no ${env:A}");
    let kind = host::Kind::Records(vec![(3, "bad canary".to_owned())]);
    let error = scrubber.error(host::Error { kind, message: "canary".to_owned() });
    assert_eq!(error.message, "${env:A}");
    assert_eq!(error.kind, host::Kind::Records(vec![(3, "bad ${env:A}".to_owned())]));
}

#[test]
fn a_line_of_the_log_is_masked_without_hurting_its_structure() {
    let scrubber = scrubber(&[("A", "level"), ("B", "canary-1234")]);
    let line = scrubber.line(r#"{"level":"INFO","message":"canary-1234"}"#).into_owned();
    assert_eq!(line, r#"{"level":"INFO","message":"***"}"#);
}

#[test]
fn a_setting_goes_back_only_when_it_comes_out_the_same() {
    let scrubber = scrubber(&[("A", "canary-1234")]);
    let check = |value: &str, expected: Option<&str>| {
        assert_eq!(scrubber.put_back(value).as_deref(), expected, "{value:?}");
    };
    check("canary-1234", Some("${env:A}"));
    check("a canary-1234!", Some("a ${env:A}!"));
    check("other", Some("other"));
    check("${nope:a:b}", Some("${nope:a:b}"));
    // The brace before it would swallow the reference.
    check("${x canary-1234", None);
    // A task would get the plain value where the plugin meant another form.
    check("Y2FuYXJ5LTEyMzQ=", None);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_no_value_stays(
        values in prop::collection::vec("[ab]{3,6}|[a-c:${}é]{3,10}", 1..4), text in "[ab:${}é]{0,40}", free in any::<String>()
    ) {
        let secrets = values.iter().enumerate().map(|(n, value)| Secret {
            reference: format!("<{n}>"), value: value.clone(),
        });
        let scrubber = Scrubber::new(secrets.collect());
        for text in [&text, &free] {
            let scrubbed = scrubber.text(text);
            for value in &values {
                prop_assert!(!scrubbed.contains(value.as_str()), "{value:?} in {scrubbed:?} of {text:?}");
            }
            let _ = scrubber.put_back(text);
            let _ = scrubber.line(text);
        }
    }

    #[test]
    fn what_goes_back_resolves_to_the_same(value in "[ab]{3,6}", before in "[ab${:}]{0,9}", after in "[ab${:}]{0,9}") {
        let scrubber = scrubber(&[("A", &value)]);
        let planned = format!("{before}{value}{after}");
        if let Some(back) = scrubber.put_back(&planned) {
            prop_assert!(!back.contains(&value), "{}", back);
            prop_assert_eq!(back.replace("${env:A}", &value), planned);
        }
    }
}
