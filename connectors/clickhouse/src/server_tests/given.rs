//! JSON that fits a type, made by chance.
use proptest::prelude::*;

use crate::types::Type;

/// JSON that the server accepts for a type, and that no rule of the sink refuses on purpose: every day exists
/// and every decimal has room for its digits.
pub fn json(ty: &Type) -> BoxedStrategy<String> {
    match ty {
        Type::Int(_)
        | Type::UInt(_)
        | Type::BFloat16
        | Type::Float32
        | Type::Float64
        | Type::Bool
        | Type::Decimal { .. } => number(ty),
        Type::Date | Type::Date32 | Type::DateTime(_) | Type::DateTime64(..) => time(ty),
        Type::Time => "\"-?[0-9]{1,3}:[0-5][0-9]:[0-5][0-9]\"".boxed(),
        Type::Time64(_) => "\"-?[0-9]{1,3}:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?\"".boxed(),
        Type::Geo(_, inner) | Type::LowCardinality(inner) => json(inner),
        Type::Nullable(_) | Type::Array(_) | Type::Map(..) | Type::Tuple(_) => nested(ty),
        Type::Variant(variant) => {
            let members = variant.members.iter().map(json);
            proptest::strategy::Union::new(members.chain([Just("null".to_owned()).boxed()]))
                .prop_filter("an empty text is 0 for the server alone", |json| json != "\"\"")
                .boxed()
        }
        Type::Dynamic(_) => dynamic(),
        _ => text(ty),
    }
}

fn number(ty: &Type) -> BoxedStrategy<String> {
    match ty {
        Type::Int(1) => printed(any::<i8>()),
        Type::Int(2) => printed(any::<i16>()),
        Type::Int(4) => printed(any::<i32>()),
        Type::Int(8) => printed(any::<i64>()),
        Type::Int(_) => printed(any::<i128>()),
        Type::UInt(1) => printed(any::<u8>()),
        Type::UInt(2) => printed(any::<u16>()),
        Type::UInt(4) => any::<u32>().prop_map(|value| format!("\"{value}\"")).boxed(),
        Type::UInt(8) => printed(any::<u64>()),
        Type::UInt(_) => printed(any::<u128>()),
        Type::BFloat16 | Type::Float32 => {
            printed(any::<f32>().prop_filter("JSON has no such number", |value| value.is_finite()))
        }
        Type::Float64 => {
            printed(any::<f64>().prop_filter("JSON has no such number", |value| value.is_finite()))
        }
        Type::Bool => printed(any::<bool>()),
        Type::Decimal { scale, .. } => {
            let fraction = prop::collection::vec(0..10_u8, 1..=*scale);
            (any::<i32>(), fraction)
                .prop_map(|(whole, digits)| {
                    let digits: String = digits.iter().map(ToString::to_string).collect();
                    format!("{whole}.{digits}")
                })
                .boxed()
        }
        _ => unreachable!("json calls this for numbers only"),
    }
}

/// No text that only looks like a time, and no objects of which two in an array disagree: those the server
/// reads in ways of its own, or refuses. Nor arrays three deep: how many levels of them have a type of their own is
/// then decided by the lengths of those whose elements are of several kinds, `[[[1,"a"],[2,"b"]],[[""]]]` otherwise than
/// `[[[1,"a"],[2,"b",3]],[[""]]]`.
fn dynamic() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        (-1000..1000).prop_map(|value| format!("{value}.5")),
        "[a-z]{0,6}".prop_map(|text| format!("\"{text}\"")),
        Just("\"2020-01-02 03:04:05\"".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            inner.prop_map(|value| format!("{{\"name\":{value}}}")),
        ]
    })
    .prop_filter("objects in an array may disagree", |json| !(json.contains('[') && json.contains('{')))
    .prop_filter("arrays are too deep", |json| arrays(json) < 3)
    .boxed()
}

/// How deep arrays are inside each other.
fn arrays(json: &str) -> i32 {
    let open = json.bytes().scan(0, |open, byte| {
        *open += i32::from(byte == b'[') - i32::from(byte == b']');
        Some(*open)
    });
    open.max().unwrap_or_default()
}

fn printed<T: std::fmt::Display + std::fmt::Debug>(
    values: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<String> {
    values.prop_map(|value| value.to_string()).boxed()
}

fn time(ty: &Type) -> BoxedStrategy<String> {
    let day = (2000..2040, 1..=12, 1..=31)
        .prop_filter("the month has no such day", |(year, month, day)| *day <= days_of(*year, *month));
    let day = day.prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}"));
    let time = match ty {
        Type::Date => return printed(0..60_000_i32),
        Type::Date32 => "",
        Type::DateTime(_) => " [01][0-9]:[0-5][0-9]:[0-5][0-9]",
        _ => "T[01][0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{1,6}(Z|\\+0[0-9]:30|)",
    };
    (day, time).prop_map(|(day, time)| format!("\"{day}{time}\"")).boxed()
}

pub fn days_of(year: i32, month: i32) -> i32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn text(ty: &Type) -> BoxedStrategy<String> {
    let quoted = |text: String| serde_json::to_string(&text).unwrap();
    match ty {
        Type::FixedString(length) => prop::collection::vec("[a-z]", 0..=*length)
            .prop_map(move |letters| quoted(letters.concat()))
            .boxed(),
        Type::Uuid => any::<u128>()
            .prop_map(|value| {
                let hex = format!("{value:032x}");
                format!("\"{}-{}-{}-{}-{}\"", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
            })
            .boxed(),
        Type::Ipv4 => {
            any::<u32>().prop_map(|value| format!("\"{}\"", std::net::Ipv4Addr::from(value))).boxed()
        }
        Type::Ipv6 => {
            any::<u128>().prop_map(|value| format!("\"{}\"", std::net::Ipv6Addr::from(value))).boxed()
        }
        Type::Enum(names) => {
            let names: Vec<_> = names.entries.iter().map(|(name, _)| quoted(name.clone())).collect();
            prop::sample::select(names).boxed()
        }
        Type::Json(_) => "[a-z]{1,5}".prop_map(|name| format!("{{\"{name}\":{{\"x\":[1,\"y\"]}}}}")).boxed(),
        _ => prop_oneof![".{0,12}".prop_map(quoted), printed(any::<i32>()), Just("{\"a\": [1, 2]}".into())]
            .boxed(),
    }
}

fn nested(ty: &Type) -> BoxedStrategy<String> {
    match ty {
        Type::Nullable(inner) => prop_oneof![Just("null".to_owned()), json(inner)].boxed(),
        Type::Array(inner) => prop::collection::vec(json(inner), 0..4)
            .prop_map(|items| format!("[{}]", items.join(",")))
            .boxed(),
        Type::Map(_, value) => prop::collection::btree_map(KEY, json(value), 0..4)
            .prop_map(|map| {
                let fields: Vec<_> = map.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            })
            .boxed(),
        Type::Tuple(elements) => {
            let values: Vec<_> = elements.iter().map(|element| json(&element.ty)).collect();
            let names: Option<Vec<_>> = elements.iter().map(|element| element.name.clone()).collect();
            values.prop_map(move |values| tuple(names.as_deref(), &values)).boxed()
        }
        _ => unreachable!("json calls this for nested types only"),
    }
}

fn tuple(names: Option<&[String]>, values: &[String]) -> String {
    match names {
        None => format!("[{}]", values.join(",")),
        Some(names) => {
            let field = |(name, value): (&String, &String)| {
                format!("{}:{value}", serde_json::to_string(name).unwrap())
            };
            let fields: Vec<_> = names.iter().zip(values).map(field).collect();
            format!("{{{}}}", fields.join(","))
        }
    }
}

/// Fits every type of key that the tests use.
const KEY: &str = "[1-9]";
