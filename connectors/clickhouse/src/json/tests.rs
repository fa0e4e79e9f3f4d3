//! The cursor accepts exactly what a full JSON parser accepts.
use proptest::prelude::*;

use super::*;

fn skips(text: &str) -> bool {
    let mut cursor = Cursor::new(text);
    cursor.skip().and_then(|()| cursor.end()).is_ok()
}

fn check(text: &str) {
    assert_eq!(skips(text), serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
}

#[test]
fn corner_cases_are_judged_as_a_full_parser_judges_them() {
    for text in [
        "",
        " ",
        "{}",
        "[]",
        "{",
        "[",
        "[,]",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "01",
        "-",
        "-0",
        "1.",
        ".5",
        "1e",
        "1e+5",
        "1E-5",
        "+1",
        "nul",
        "null",
        "nullx",
        "true false",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\ud83d\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ude00\"",
        "\"\\u12\"",
        "\"tab\there\"",
        "{\"a\":{\"b\":[1,{\"c\":[]}]}} ",
        "[[[]],{}]",
        "{\"a\":1}}",
        "[1 2]",
        "\u{feff}{}",
        "[}",
        "{]",
        "[1}",
        "NaN",
        "Infinity",
    ] {
        check(text);
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(skips(&nested(128)));
    assert!(!skips(&nested(129)));
    assert!(!skips(&"[{\"a\":".repeat(100_000)));
}

#[test]
fn escapes_become_characters() {
    let mut cursor = Cursor::new(r#" "a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z" "#);
    assert_eq!(cursor.string().unwrap(), "a\"\\/\u{8}\u{c}\n\r\té😀z");
    assert!(cursor.end().is_ok());
}

proptest! {
    #[test]
    fn any_text_is_judged_as_a_full_parser_judges_it(text in r#"[\[\]{}:,"\\a-f0-9.eEu+ \-tnrl\x00-\x1fé]{0,24}"#) {
        check(&text);
    }

    #[test]
    fn any_string_comes_back(text in ".*") {
        let json = serde_json::to_string(&text).unwrap();
        let mut cursor = Cursor::new(&json);
        prop_assert_eq!(cursor.string().unwrap(), text.as_str());
        prop_assert!(skips(&json));
    }
}
