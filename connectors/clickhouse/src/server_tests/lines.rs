//! Lines that the server itself writes come back as they were.
use super::{Lab, accept};

/// Every type without parts, and arrays that are the same in JSON. Columns are named by their places.
const TYPES: &[&str] = &[
    "UInt64",
    "Int8",
    "UInt16",
    "Int128",
    "UInt256",
    "Float32",
    "Nullable(Float64)",
    "Decimal(9, 3)",
    "Decimal(60, 20)",
    "Bool",
    "String",
    "LowCardinality(Nullable(String))",
    "FixedString(5)",
    "Date",
    "Date32",
    "DateTime('UTC')",
    "DateTime64(6, 'UTC')",
    "UUID",
    "IPv4",
    "Nullable(IPv6)",
    "Enum8('a' = 1, 'b, c' = 2, '3' = -3)",
    "Array(Int32)",
    "Array(Array(UInt8))",
];

fn structure() -> String {
    let column = |(at, ty): (usize, &&str)| if at == 0 { format!("k {ty}") } else { format!("c{at} {ty}") };
    TYPES.iter().enumerate().map(column).collect::<Vec<_>>().join(", ")
}

/// Text with everything that a format has to write otherwise.
const AWKWARD: &str = r#"concat(hex(c10), '"\t\r\n\\\',;', char(1), 'ä', if(k % 2 = 0, ' ', '"'))"#;

#[test]
fn lines_that_the_server_writes_come_back_as_they_were() {
    let lab = Lab::new();
    let table = |name: &str| {
        lab.run(&format!("CREATE TABLE @.{name} ({}) ENGINE = MergeTree ORDER BY k", structure()));
    };
    ["given", "csv", "tsv"].into_iter().for_each(table);
    // Strings of random bytes are no text; these are.
    lab.run(&format!(
        "INSERT INTO @.given SELECT * REPLACE ({AWKWARD} AS c10, hex(c11) AS c11, 'a,b' AS c12) \
         FROM generateRandom('{}', 7, 9, 3) LIMIT 500",
        structure().replace('\'', "\\'")
    ));
    for (format, setting) in [("CSV", "csv"), ("TSV", "tsv")] {
        let lines: Vec<String> = lab
            .run(&format!("SELECT formatRow('{format}', *) FROM @.given ORDER BY k"))
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(lines.len(), 500);
        accept(&mut lab.delivery(&[("insertFormat", setting)]), setting, &lines);
        assert_eq!(lab.rows(setting), lab.rows("given"), "{format}");
    }
}
