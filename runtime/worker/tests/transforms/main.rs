//! Transforms against Java's own classes: a table of cases and generated ones, record by record. Needs a JDK.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this crate is test code")]

mod generated;
mod java;
mod ours;
mod table;

use serde_json::{Value, json};

/// A class, its settings, and the record that it is given.
#[derive(Debug, Clone)]
struct Case {
    class: String,
    settings: Value,
    record: Value,
}

impl Case {
    fn json(&self) -> Value {
        json!({"class": self.class, "settings": self.settings, "record": self.record})
    }
}

fn compare(cases: &[Case]) -> usize {
    let theirs = java::answers(cases);
    assert_eq!(theirs.len(), cases.len());
    let mut failures = Vec::new();
    for (case, theirs) in cases.iter().zip(&theirs) {
        let ours = ours::answer(case);
        // Which sentence an error has is each one's own affair.
        let is_same = match (ours.get("error"), theirs.get("error")) {
            (None, None) => is_same(&ours, theirs),
            (ours, theirs) => ours.is_some() == theirs.is_some(),
        };
        if !is_same && !table::is_meant(case, &ours, theirs) {
            failures.push(format!("{}\n  ours {ours}\n  java {theirs}", case.json()));
        }
    }
    let shown: Vec<_> = failures.iter().take(25).map(String::as_str).collect();
    assert!(failures.is_empty(), "{} of {} differ:\n{}", failures.len(), cases.len(), shown.join("\n"));
    theirs.iter().filter(|answer| answer.get("error").is_none()).count()
}

/// Java before 19 writes floating point numbers with more digits than it takes to tell them apart.
fn is_same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || a.is_f64() && b.is_f64() && a.as_f64().map(|a| a as f32) == b.as_f64().map(|b| b as f32)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| is_same(a, b)))
        }
        _ => ours == theirs,
    }
}

#[test]
fn a_table_of_cases_comes_out_as_in_java() {
    let cases = table::cases();
    let worked = compare(&cases);
    println!("{} cases, {worked} of them without an error in Java", cases.len());
    assert!(worked * 2 > cases.len(), "too many cases are errors");
}

#[test]
fn generated_records_come_out_as_in_java() {
    let seed = std::env::var("PENSTOCK_TEST_SEED")
        .map_or_else(|_| fastrand::u64(..), |seed| seed.parse().expect("PENSTOCK_TEST_SEED: a number"));
    println!("PENSTOCK_TEST_SEED={seed}");
    let cases = generated::cases(seed, 4000);
    let worked = compare(&cases);
    println!("{} cases, {worked} of them without an error in Java", cases.len());
    assert!(worked * 3 > cases.len(), "too many cases are errors");
}
