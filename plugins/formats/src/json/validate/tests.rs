//! Known schemas and values, what their errors say, and schemas that are made to hold somebody up.

use super::Validator;
use crate::registry::Reference;

fn open(schema: &str) -> Validator {
    Validator::new(schema, &[]).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

/// Values with a part of the error that they meet; none for those that fit.
#[track_caller]
fn check(schema: &str, cases: &[(&str, &str)]) {
    let validator = open(schema);
    for (text, part) in cases {
        match validator.check(text.as_bytes()) {
            Ok(()) => assert_eq!(*part, "", "{text}"),
            Err(error) => assert!(!part.is_empty() && error.message().contains(part), "{text}: {error}"),
        }
    }
}

#[test]
fn a_value_that_does_not_fit_is_said_where_and_why() {
    check(
        r#"{"type":"object","properties":{
            "a":{"type":"string","minLength":1,"maxLength":3,"pattern":"^[a-z]+$"},
            "b":{"type":"array","items":{"minimum":5},"maxItems":2,"uniqueItems":true},
            "c":{"enum":["x",1,null]},"d":{"type":["integer","null"],"multipleOf":0.01},"~/":{"const":{"k":[1]}}},
            "required":["a"],"additionalProperties":false}"#,
        &[
            (r#"{"a":"abc","b":[5,6.5],"c":1.0,"d":2.0,"~/":{"k":[1.0]}}"#, ""),
            ("[]", "json: the value: expected object, by json.fail.invalid.schema and #"),
            (
                r#"{"a":"abcd"}"#,
                "json: /a: expected at most 3 characters, by json.fail.invalid.schema and #/properties/a",
            ),
            (r#"{"a":""}"#, "/a: expected at least 1 characters"),
            (r#"{"a":"A"}"#, "/a: expected a match of ^[a-z]+$"),
            (
                r#"{"a":"a","b":[5,4]}"#,
                "/b/1: expected at least 5, by json.fail.invalid.schema and #/properties/b/items",
            ),
            (r#"{"a":"a","b":[5,6,7]}"#, "/b: expected at most 2 items"),
            (r#"{"a":"a","b":[5,5.0]}"#, "/b: expected items that differ"),
            (r#"{"a":"a","c":"1"}"#, r#"/c: expected one of "x", 1, null"#),
            (r#"{"a":"a","d":1.5}"#, "/d: expected integer or null"),
            (r#"{"a":"a","~/":{"k":[2]}}"#, r#"/~/: expected {"k":[1]}"#),
            ("{}", "expected the property a"),
            (r#"{"a":"a","e":1}"#, "the value: expected no property e"),
            ("{", "json: EOF"),
        ],
    );
}

#[test]
fn choices_conditions_and_dependencies_are_followed() {
    check(
        r#"{"oneOf":[{"type":"integer"},{"type":"number","minimum":10}]}"#,
        &[("5", ""), ("10.5", ""), ("10", "exactly one of 2 schemas, and it is of 2"), ("1.5", "it is of 0")],
    );
    check(
        r#"{"anyOf":[{"type":"null"},{"minLength":2}]}"#,
        &[("null", ""), ("7", ""), (r#""a""#, "one of 2 schemas")],
    );
    check(
        r#"{"if":{"properties":{"t":{"const":"a"}},"required":["t"]},"then":{"required":["a"]},"else":{"required":["b"]}}"#,
        &[(r#"{"t":"a","a":1}"#, ""), (r#"{"t":"a"}"#, "the property a"), (r#"{"t":"b"}"#, "the property b")],
    );
    check(
        r#"{"dependencies":{"a":["b"],"c":{"minProperties":2}},"not":{"required":["z"]},"propertyNames":{"maxLength":1}}"#,
        &[
            (r#"{"a":1,"b":1}"#, ""),
            (r#"{"a":1}"#, "the property b"),
            (r#"{"c":1}"#, "at least 2 properties"),
            (r#"{"z":1}"#, "what does not fit the schema of not"),
            (r#"{"long":1}"#, "no property of the name long"),
        ],
    );
    check(
        r#"{"items":[{"type":"string"}],"additionalItems":{"type":"integer"},"contains":{"const":2},"minItems":1}"#,
        &[
            (r#"["a",2]"#, ""),
            (r#"["a",2,"b"]"#, "/2: expected integer"),
            (r#"["a",3]"#, "items that fit contains"),
        ],
    );
}

#[test]
fn editions_differ_in_what_counts() {
    let old = r#"{"$schema":"http://json-schema.org/draft-04/schema#","minimum":5,"exclusiveMinimum":true}"#;
    check(old, &[("6", ""), ("5", "more than 5")]);
    check(
        r#"{"exclusiveMinimum":5,"format":"date"}"#,
        &[("6", ""), ("5", "more than 5"), (r#""x""#, "of format date")],
    );
    let beside = r##""$ref":"#/$defs/a","maximum":5,"format":"date","$defs":{"a":{"minimum":1}}"##;
    check(&format!("{{{beside}}}"), &[("6", ""), ("0", "at least 1")]);
    let new = format!(r#"{{"$schema":"https://json-schema.org/draft/2020-12/schema",{beside}}}"#);
    check(&new, &[("6", "at most 5"), ("0", "at least 1"), (r#""x""#, "")]);
    check(
        r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","prefixItems":[{"const":1}],"items":false,"contains":{"type":"null"},"minContains":0,"dependentRequired":{"a":["b"]},"dependentSchemas":{"c":false}}"#,
        &[
            ("[1]", ""),
            ("[1,2]", "/1: expected nothing"),
            (r#"{"a":1}"#, "the property b"),
            (r#"{"c":1}"#, "nothing"),
        ],
    );
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    for (schema, part) in [
        ("7", "JSON schema: #: a schema is an object"),
        (
            r#"{"properties":{"a":{"type":"text"}}}"#,
            "JSON schema: #/properties/a: type: expected names of types",
        ),
        (r#"{"pattern":"("}"#, "the pattern \"(\" cannot be read"),
        (r#"{"pattern":"^((a{1000}){1000}){1000}$"}"#, "or is too large"),
        (r#"{"minLength":-1}"#, "minLength: expected a whole number"),
        (r#"{"$ref":"http://127.0.0.1:1/other.json"}"#, "leads nowhere"),
        (r#"{"properties":{"a":{"$ref":"file:///etc/passwd"}}}"#, "leads nowhere"),
        (
            r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","unevaluatedProperties":false}"#,
            "unevaluatedProperties is not supported with json.fail.invalid.schema=true",
        ),
    ] {
        let error = Validator::new(schema, &[]).unwrap_err();
        assert!(error.message().contains(part), "{schema}: {error}");
    }
}

#[test]
fn patterns_are_made_once_and_not_without_number() {
    let schema = |count: usize, distinct: usize| {
        let all = (0..count).map(|n| format!(r#"{{"pattern":"^a{{{}}}"}}"#, n % distinct));
        format!(r#"{{"allOf":[{}]}}"#, all.collect::<Vec<_>>().join(","))
    };
    open(&schema(3000, 10)).check(b"1").unwrap();
    let error = Validator::new(&schema(1001, 1001), &[]).unwrap_err();
    assert!(error.message().contains("more than 1000 patterns"), "{error}");
}

#[test]
fn references_lead_to_other_subjects_and_back() {
    let reference = |name: &str, text: &str| Reference { name: name.to_owned(), text: text.to_owned() };
    let references = [
        reference(
            "a/item.json",
            r##"{"properties":{"size":{"$ref":"#/definitions/size"},"in":{"$ref":"root.json"}},"definitions":{"size":{"maximum":9}}}"##,
        ),
        reference("root.json", r#"{"items":{"$ref":"a/item.json"}}"#),
    ];
    let validator = Validator::new(r#"{"additionalProperties":{"$ref":"root.json"}}"#, &references).unwrap();
    validator.check(br#"{"x":[{"size":9,"in":[{"size":1}]}]}"#).unwrap();
    let error = validator.check(br#"{"x":[{"in":[{"size":10}]}]}"#).unwrap_err();
    assert!(error.message().contains("/x/0/in/0/size: expected at most 9"), "{error}");
}

#[test]
fn schemas_that_would_be_followed_without_end_are_given_up() {
    let nested = |levels: usize| format!("{}7{}", "{\"n\":".repeat(levels), "}".repeat(levels));
    let choices = r##"{"anyOf":[{"type":"object","properties":{"n":{"$ref":"#"}}},{"properties":{"n":{"$ref":"#"}},"type":"object"},{"type":"string"}]}"##;
    check(choices, &[(&nested(5), "one of 3 schemas")]);
    let levels = |count: usize, one: fn(&str) -> String, root: &str| {
        let all = (1..count).map(|level| {
            let below = format!(r##"{{"$ref":"#/definitions/a{}"}}"##, level - 1);
            format!(r#","a{level}":{}"#, one(&below))
        });
        let all: String = all.collect();
        format!(r#"{{"definitions":{{"a0":{{"type":"string"}}{all}}},{root}}}"#)
    };
    let twice: fn(&str) -> String = |below| format!(r#"{{"anyOf":[{below},{below}]}}"#);
    let tree = levels(60, twice, r##""$ref":"#/definitions/a59""##);
    let chain = levels(20_000, ToOwned::to_owned, r##""allOf":[{"$ref":"#/definitions/a19999"}]"##);
    for (schema, value, part) in [
        (r##"{"$ref":"#"}"##, "1", "nest deeper than"),
        (r##"{"not":{"$ref":"#"}}"##, "1", "nest deeper than"),
        (choices, &nested(120), "too many choices in choices"),
        (&tree, "1", "too many choices in choices"),
        (&chain, "1", "nest deeper than"),
        (r#"{"pattern":"^(?=(a|aa)+c)(a+)+\\1$"}"#, &format!("\"{}b\"", "a".repeat(40)), "takes too long"),
        (r#"{"pattern":"^(a+)+$"}"#, &format!("\"{}b\"", "a".repeat(10_000)), "expected a match of"),
    ] {
        check(schema, &[(value, part)]);
    }
    let distinct: Vec<String> = (0..20_000).map(|n| format!("[{n}]")).collect();
    check(r#"{"uniqueItems":true}"#, &[(&format!("[{}]", distinct.join(",")), "")]);
}

#[test]
fn formats_are_those_of_the_standards() {
    for (format, yes, no) in [
        (
            "date",
            &["2024-02-29", "1999-12-31"][..],
            &["2023-02-29", "2024-13-01", "2024-1-1", "2024/01/01", "٢٠٢٤-٠١"][..],
        ),
        (
            "time",
            &["12:00:00Z", "23:59:60Z", "01:29:60+01:30", "12:00:00.5-08:00"],
            &["12:00:00", "24:00:00Z", "12:00:60Z", "12:00:00.Z", "1:00:00Z"],
        ),
        (
            "date-time",
            &["2024-01-01T00:00:00Z", "2024-01-01t00:00:00.123+01:00"],
            &["2024-01-01", "2024-01-01T00:00:00", "2024-01-32T00:00:00Z"],
        ),
        ("email", &["a@b", "a.b+c@d.example"], &["a", "@b", "a@", "a b@c", ".a@b", "a..b@c"]),
        ("hostname", &["a", "a-b.example", "1.2"], &["", "-a", "a-", "a..b", "a_b", "a b"]),
        ("ipv4", &["127.0.0.1"], &["127.0.0", "256.0.0.1", "01.0.0.1"]),
        ("ipv6", &["::1", "fe80::1", "::ffff:1.2.3.4"], &["::g", "1::2::3", "fe80::1%eth0"]),
        (
            "uri",
            &["http://a/b?c#d", "urn:x:1", "mailto:a@b"],
            &["a/b", "//a", "http://a b", "1:a", "http://a/%zz"],
        ),
        (
            "uuid",
            &["2EB8AA08-AA98-11EA-B4AA-73B441D16380"],
            &["2eb8aa08-aa98-11ea-b4aa-73b441d1638", "2eb8aa08aa9811eab4aa73b441d16380"],
        ),
        ("regex", &["^a+$"], &["("]),
        ("json-pointer", &["", "/a/~0~1"], &["a", "/~2"]),
        ("unknown", &["anything"], &[]),
    ] {
        let validator = open(&format!(r#"{{"format":"{format}"}}"#));
        let keeps = |text: &&str| validator.check(serde_json::to_string(text).unwrap().as_bytes()).is_ok();
        assert!(yes.iter().all(keeps), "{format}: {:?}", yes.iter().find(|text| !keeps(text)));
        assert!(!no.iter().any(keeps), "{format}: {:?}", no.iter().find(|text| keeps(text)));
    }
}
