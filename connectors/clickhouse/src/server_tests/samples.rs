//! Samples made by chance: whatever JSON comes first, the table that is made of it takes all of it.
use proptest::prelude::*;

use super::*;

/// Numbers, texts and names of the kinds that have rules of their own.
fn leaf() -> BoxedStrategy<String> {
    const TEXTS: &[&str] = &[
        "a",
        "",
        "2024-05-06",
        "1950-05-06",
        "2024-05-06T07:08:09Z",
        "2024-05-06 07:08:09.123456",
        "2299-12-30T23:59:59.999999999",
        "2262-04-11 23:00:00.123456789",
        "10.0.0.1",
        "::1",
        "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
        "é\\u0041\\n",
        "20240506",
        "12:00",
        "1e5",
    ];
    const NUMBERS: &[&str] = &[
        "0",
        "-0",
        "1",
        "-1",
        "255",
        "9223372036854775808",
        "18446744073709551616",
        "-170141183460469231731687303715884105728",
        "123456789012345678901234567890123456789012345678901234567890",
        "1.5",
        "7.0",
        "1e3",
        "1e-400",
        "1e500",
        "0.1e-5",
    ];
    prop_oneof![
        prop::sample::select(TEXTS).prop_map(|text| format!("\"{text}\"")),
        prop::sample::select(NUMBERS).prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("JSON has it", |number| number.is_finite())
            .prop_map(|number| number.to_string()),
        any::<bool>().prop_map(|value| value.to_string()),
        Just("null".to_owned()),
    ]
    .boxed()
}

fn object(value: BoxedStrategy<String>) -> BoxedStrategy<String> {
    const NAMES: &[&str] =
        &["a", "b", "size0", "null", "a b", "x.y", "x", "é", "1", "keys", "", "_topic", "A", "a_b"];
    prop::collection::vec((prop::sample::select(NAMES), value), 0..5)
        .prop_map(|fields| {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            format!("{{{}}}", fields.join(","))
        })
        .boxed()
}

/// Values of one kind, so that a column is more than text.
fn column() -> BoxedStrategy<Vec<String>> {
    let value = leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            object(inner.boxed()),
        ]
    });
    let alike = (prop::collection::vec("[a-z]{1,3}", 1..4), prop::collection::vec(leaf(), 4..5)).prop_map(
        |(names, values)| {
            let fields: Vec<_> =
                names.iter().zip(&values).map(|(name, value)| format!("\"{name}\":{value}")).collect();
            format!("{{{}}}", fields.join(","))
        },
    );
    let any_value = value.boxed();
    prop_oneof![
        prop::collection::vec(any_value.clone(), 1..6),
        any_value.prop_map(|value| vec![value]),
        alike.prop_map(|value| vec![value.clone(), value]),
        leaf().prop_map(|value| vec![value.clone(), format!("{value}"), "null".to_owned()]),
    ]
    .boxed()
}

#[test]
fn a_table_made_of_a_sample_takes_all_of_it() {
    let lab = Lab::new();
    let names = prop::sample::subsequence(
        &["a", "b", "x", "x.y", "a_b", "é `'\\\\", "_offset", "Z z", "size0"][..],
        1..6,
    );
    let settings = prop::sample::select(SETTINGS);
    let next = AtomicU32::new(0);
    let sample = (names, prop::collection::vec(column(), 5..6), settings);
    seeded(150)
        .run(&sample, |(names, columns, settings)| {
            let rows = columns.iter().map(Vec::len).max().unwrap();
            let values: Vec<_> = (0..rows)
                .map(|row| {
                    let field = |(name, column): (&&str, &Vec<String>)| {
                        column.get(row).map(|value| format!("\"{name}\":{value}"))
                    };
                    let fields: Vec<_> = names.iter().zip(&columns).filter_map(field).collect();
                    let id = if fields.is_empty() { "" } else { "," };
                    format!("{{\"_id\":{row}{id}{}}}", fields.join(","))
                })
                .collect();
            let mut delivery = lab.delivery(&[settings, &[("tableCreation", "create")]].concat());
            // One of its own, so that what is left of a failed case does not fail the simpler ones.
            let table = format!("t{}", next.fetch_add(1, Ordering::Relaxed));
            let outcome = write(&mut delivery, &table, &values);
            let notices = delivery.take_notices();
            let outcome = outcome.map_err(|error| TestCaseError::fail(format!("{error}\n{values:#?}")))?;
            prop_assert_eq!(&outcome.rejected, &[], "{:#?} {:#?}", values, notices);
            prop_assert_eq!(outcome.rows, values.len() as u64);
            let stored = lab.run(&format!("SELECT count() FROM @.{table}"));
            prop_assert_eq!(&stored[0][0], &values.len().to_string());
            lab.run(&format!("DROP TABLE @.{table} SYNC"));
            Ok(())
        })
        .unwrap();
}

const SETTINGS: &[&[(&str, &str)]] = &[
    &[],
    &[("flattenSeparator", "_")],
    &[("flattenSeparator", ".")],
    &[("auto.evolve.struct.to.json", "true")],
    &[("field2ColumnMap", "a.a=mapped,_key=b")],
    &[("tableEngine", "AggregatingMergeTree"), ("tableOrderBy", "_id")],
    &[("precisionLoss", "refuse")],
    &[("schemaEvolution", "overflow")],
];
