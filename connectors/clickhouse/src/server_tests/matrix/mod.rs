//! Every type in every format: what arrives is what the server makes of the same JSON, and what is refused is
//! told with field, value and column.
pub mod cases;
mod messages;
mod written;

use super::*;
pub use cases::CASES;
use cases::Case;

/// A way in which values reach the sink: one column of the matrix.
struct Format {
    name: &'static str,
    /// A sink that reads it.
    delivery: fn(&Lab) -> Delivery,
    /// A record of row `k` whose field, for a column of this type, has the value that this JSON says; `None` if
    /// the format cannot say it.
    record: fn(k: usize, field: &str, ty: &str, json: &str) -> Option<Vec<u8>>,
    /// Refusals show the value as JSON has it. A format with types refuses some by their type alone.
    shows_json: bool,
}

const FORMATS: &[Format] = &[
    Format {
        name: "JSON",
        delivery: |lab| lab.delivery(&[]),
        record: |k, field, _, json| Some(json_record(k, field, json).into_bytes()),
        shows_json: true,
    },
    Format {
        name: "Avro",
        delivery: |lab| registered::delivery(lab, formats::registry::Format::Avro),
        record: written::record,
        shows_json: false,
    },
    Format {
        name: "Protobuf",
        delivery: |lab| registered::delivery(lab, formats::registry::Format::Protobuf),
        record: messages::record,
        shows_json: false,
    },
];

fn json_record(k: usize, field: &str, json: &str) -> String {
    format!("{{\"k\":{k},\"{field}\":{json}}}")
}

/// A column in which a type stands alone or inside another one, and its values with it.
struct Place {
    column: &'static str,
    ty: String,
    wrap: fn(&str) -> String,
}

fn places(case: &Case) -> Vec<Place> {
    let ty = case.ty;
    let mut places = vec![
        Place { column: "v", ty: ty.to_owned(), wrap: str::to_owned },
        Place { column: "a", ty: format!("Array({ty})"), wrap: |json| format!("[{json}]") },
        Place { column: "m", ty: format!("Map(String, {ty})"), wrap: |json| format!("{{\"x\":{json}}}") },
        Place {
            column: "t",
            ty: format!("Tuple(x {ty}, y UInt8)"),
            wrap: |json| format!("{{\"x\":{json}}}"),
        },
        Place {
            column: "p",
            ty: format!("Tuple(Array({ty}), String)"),
            wrap: |json| format!("[[{json}],\"\"]"),
        },
    ];
    let plain = crate::types::parse(ty).is_ok_and(|ty| ty.can_be_nullable());
    if plain {
        let function = format!("SimpleAggregateFunction(anyLast, {ty})");
        places.push(Place { column: "n", ty: format!("Nullable({ty})"), wrap: str::to_owned });
        places.push(Place { column: "s", ty: function, wrap: str::to_owned });
    }
    if plain && !NEVER_LOW.iter().any(|start| ty.starts_with(start)) {
        let inner = format!("LowCardinality(Nullable({ty}))");
        places.push(Place { column: "l", ty: format!("LowCardinality({ty})"), wrap: str::to_owned });
        places.push(Place { column: "o", ty: inner, wrap: str::to_owned });
    }
    places
}

/// What the server makes no `LowCardinality` of.
const NEVER_LOW: &[&str] = &["Decimal", "Enum", "Bool", "DateTime64", "Time", "BFloat16"];

fn create(lab: &Lab, table: &str, places: &[Place]) {
    let columns: Vec<_> = places.iter().map(|place| format!("{} {}", place.column, place.ty)).collect();
    let sql = format!("CREATE OR REPLACE TABLE @.{table} (k UInt32, {}) ENGINE = Memory", columns.join(", "));
    lab.run(&sql);
}

#[test]
fn every_value_of_every_type_arrives_as_by_the_servers_parser() {
    let lab = Lab::new();
    for format in FORMATS {
        let mut delivery = (format.delivery)(&lab);
        for (number, case) in CASES.iter().enumerate() {
            let (ours, places) = (format!("t{number}"), places(case));
            create(&lab, &ours, &places);
            create(&lab, "theirs", &places);
            // Of null the server makes the number 0, which an enum need not have; the sink takes the lowest one.
            let null: &[_] = if case.ty.starts_with("Enum") { &[] } else { &["null"] };
            let values = [case.typical, case.limits, null].concat();
            let cells = places.iter().flat_map(|place| values.iter().map(move |value| (place, value)));
            let both = |(k, (place, value)): (usize, (&Place, &&str))| {
                let json = (place.wrap)(value);
                let record = (format.record)(k, place.column, &place.ty, &json)?;
                Some((record, json_record(k, place.column, &json)))
            };
            let (records, theirs): (Vec<_>, Vec<_>) = cells.enumerate().filter_map(both).unzip();
            accept(&mut delivery, &ours, &records);
            lab.run(&format!("INSERT INTO @.theirs FORMAT JSONEachRow\n{}", theirs.join("\n")));
            let (ours, read) = (
                cells_of(&lab, &ours, &places, values.len()),
                cells_of(&lab, "theirs", &places, values.len()),
            );
            assert_eq!((ours.len(), read.len()), (records.len(), records.len()), "{}", case.ty);
            for (at, (ours, expected)) in ours.iter().zip(&read).enumerate() {
                assert_eq!(ours, expected, "{} {} {}", format.name, case.ty, theirs[at]);
            }
        }
    }
}

/// What each row has in the column that its record was about: columns that it lacks are another test's matter.
fn cells_of(lab: &Lab, table: &str, places: &[Place], rows: usize) -> Vec<String> {
    let of = |(at, place): (usize, &Place)| {
        let (start, end, column) = (at * rows, (at + 1) * rows, place.column);
        format!(
            "SELECT k, formatRow('JSONEachRow', {column}) AS cell FROM @.{table} WHERE k >= {start} AND k < {end}"
        )
    };
    let parts: Vec<_> = places.iter().enumerate().map(of).collect();
    lab.run(&format!("SELECT cell FROM ({}) ORDER BY k", parts.join(" UNION ALL "))).concat()
}

#[test]
fn every_refusal_names_field_value_and_column() {
    let lab = Lab::new();
    for format in FORMATS {
        let mut delivery = (format.delivery)(&lab);
        for (number, case) in CASES.iter().enumerate() {
            let (table, places) = (format!("t{number}"), places(case));
            create(&lab, &table, &places);
            let types = lab.run(&format!(
                "SELECT name, type FROM system.columns WHERE database = '@' AND table = '{table}'"
            ));
            let values = [case.malformed, case.beyond].concat();
            let cells = places.iter().flat_map(|place| values.iter().map(move |value| (place, value)));
            let both = |(place, value): (&'_ Place, &&'static str)| {
                let record = (format.record)(0, place.column, &place.ty, &(place.wrap)(value))?;
                Some(((place.column, place.ty.clone(), place.wrap, *value), record))
            };
            let (cells, records): (Vec<_>, Vec<_>) = cells.filter_map(both).unzip();
            let outcome = write(&mut delivery, &table, &records).unwrap();
            let told: Vec<_> = outcome.rejected.iter().map(|(_, told)| told.sentence.as_str()).collect();
            for ((at, (name, declared, wrap, value)), told) in cells.iter().enumerate().zip(&told) {
                let field = format!("{table}-0@{at}: field {name}");
                let ty = types.iter().find(|row| row[0] == *name).map_or("", |row| &row[1]);
                let column = format!(" does not fit column {name} {ty}");
                let rest = told.strip_prefix(&field).and_then(|rest| rest.strip_suffix(&column));
                // A kind and a value; of a value with parts it is the part that does not fit.
                let rest = rest.and_then(|rest| rest.split_once(": "));
                let shown = rest.and_then(|(_, rest)| rest.split_once(' '));
                let shown = shown.map(|(_, shown)| shown.trim_end_matches('…'));
                let all = shown.is_some_and(|shown| {
                    !shown.is_empty() && (!format.shows_json || wrap(value).contains(shown))
                });
                assert!(all, "{} {declared} {value}: {told}", format.name);
            }
            assert_eq!(told.len(), cells.len(), "{} {}: {told:#?}", format.name, case.ty);
        }
    }
}

/// No refusal loses what the server would have kept: it refuses as well, or makes something else of the value.
#[test]
fn nothing_is_refused_that_the_server_would_keep() {
    let lab = Lab::new();
    for case in CASES {
        for value in [case.malformed, case.beyond].concat() {
            let (ty, record) = (case.ty, json_record(0, "v", value));
            let sql =
                format!("SELECT toString(v) FROM format(JSONEachRow, $ty$v {ty}$ty$, $json${record}$json$)");
            if let Ok(rows) = lab.server.query(&sql, &[]) {
                assert_ne!(rows[0][0], value.trim_matches('"'), "{ty}");
            }
        }
    }
}
