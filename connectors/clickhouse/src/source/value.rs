//! Writes the values of a row into the flat encoding.
use std::net::{Ipv4Addr, Ipv6Addr};

use penstock_sdk::flat::{ARRAY, MAP, STRUCT, Writer};

use super::program::{Exact, Field, Node};
use super::{cursor, measure, text};

/// A value that Connect's type cannot hold, in words that follow the column's name.
#[derive(Debug, PartialEq)]
pub struct Fault(pub String);

/// Writes a struct of these fields, whose values follow each other.
pub fn write_fields(fields: &[Field], rest: &mut &[u8], out: &mut Writer<'_>) -> Result<(), Fault> {
    let open = out.begin(STRUCT);
    for field in fields {
        out.name(&field.name);
        write(&field.node, rest, out)
            .map_err(|Fault(reason)| Fault(format!("column {}: {reason}", field.name)))?;
    }
    out.end(&open, fields.len() as u32);
    Ok(())
}

/// Writes the value at the start of `rest`, which was measured before.
pub fn write(node: &Node, rest: &mut &[u8], out: &mut Writer<'_>) -> Result<(), Fault> {
    match node {
        Node::Nullable(inner) => match fixed::<1>(rest)? {
            [0] => return write(inner, rest, out),
            _ => out.null(),
        },
        Node::Array(inner) => {
            let open = out.begin(ARRAY);
            let count = count(rest)?;
            for _ in 0..count {
                write(inner, rest, out)?;
            }
            out.end(&open, count);
        }
        Node::Map(key, value) => {
            let open = out.begin(MAP);
            let count = count(rest)?;
            for _ in 0..count {
                out.text(&key_text(key, rest)?);
                write(value, rest, out)?;
            }
            out.end(&open, count);
        }
        Node::Tuple(fields) => return write_fields(fields, rest, out),
        Node::Point => {
            let open = out.begin(ARRAY);
            out.float64(f64::from_le_bytes(fixed(rest)?));
            out.float64(f64::from_le_bytes(fixed(rest)?));
            out.end(&open, 2);
        }
        Node::Text => out.text(utf8(sized(rest)?)?),
        Node::Bytes => out.bytes(sized(rest)?),
        Node::FixedText(width) => out.text(fixed_text(take(rest, *width)?)?),
        Node::FixedBytes(width) => out.bytes(take(rest, *width)?),
        Node::Wide { .. } | Node::Decimal { .. } => exact(node, rest, out)?,
        Node::DateTime | Node::DateTime64(_) | Node::Date | Node::Date32 => time(node, rest, out)?,
        Node::Time | Node::Time64(_) | Node::Uuid | Node::Ipv4 | Node::Ipv6 | Node::Enum(_) => {
            out.text(&worded(node, rest)?);
        }
        _ => number(node, rest, out)?,
    }
    Ok(())
}

fn number(node: &Node, rest: &mut &[u8], out: &mut Writer<'_>) -> Result<(), Fault> {
    match node {
        Node::Boolean => out.boolean(fixed::<1>(rest)? != [0]),
        Node::Signed(1) => out.int8(i8::from_le_bytes(fixed(rest)?)),
        Node::Signed(2) => out.int16(i16::from_le_bytes(fixed(rest)?)),
        Node::Signed(4) => out.int32(i32::from_le_bytes(fixed(rest)?)),
        Node::Unsigned(1) => out.int16(u8::from_le_bytes(fixed(rest)?).into()),
        Node::Unsigned(2) => out.int32(u16::from_le_bytes(fixed(rest)?).into()),
        Node::Unsigned(_) => out.int64(u32::from_le_bytes(fixed(rest)?).into()),
        Node::BFloat16 => {
            let [low, high] = fixed(rest)?;
            out.float32(f32::from_le_bytes([0, 0, low, high]));
        }
        Node::Float32 => out.float32(f32::from_le_bytes(fixed(rest)?)),
        Node::Float64 => out.float64(f64::from_le_bytes(fixed(rest)?)),
        _ => out.int64(i64::from_le_bytes(fixed(rest)?)),
    }
    Ok(())
}

/// Numbers of more digits than a machine word.
fn exact(node: &Node, rest: &mut &[u8], out: &mut Writer<'_>) -> Result<(), Fault> {
    let (bytes, is_signed, scale, form) = match node {
        Node::Decimal { bytes, scale, form, .. } => (take(rest, *bytes)?, true, *scale, *form),
        Node::Wide { bytes, is_signed, form } => (take(rest, *bytes)?, *is_signed, 0, *form),
        _ => return Err(broken()),
    };
    match (form, node) {
        (Exact::Text, _) => out.text(&text::wide(bytes, is_signed, scale)),
        (Exact::Logical, _) => out.bytes(&big_endian(bytes, is_signed)),
        (Exact::Machine, Node::Decimal { .. }) => {
            let digits = text::wide(bytes, true, scale);
            out.float64(digits.parse().map_err(|_| broken())?);
        }
        (Exact::Machine, _) => {
            let digits = text::wide(bytes, is_signed, 0);
            let fits = digits.parse().map_err(|_| {
                Fault(format!("{digits} does not fit int64; set wideIntegers to string or decimal"))
            });
            out.int64(fits?);
        }
    }
    Ok(())
}

/// Highest byte first and no more bytes than the number and its sign need, as Connect's `Decimal` has it.
fn big_endian(bytes: &[u8], is_signed: bool) -> Vec<u8> {
    let mut big: Vec<u8> = bytes.iter().rev().copied().collect();
    if !is_signed {
        big.insert(0, 0);
    }
    let surplus =
        big.windows(2).take_while(|pair| matches!((pair[0], pair[1] & 0x80), (0, 0) | (0xff, 0x80)));
    let surplus = surplus.count();
    big.split_off(surplus)
}

fn time(node: &Node, rest: &mut &[u8], out: &mut Writer<'_>) -> Result<(), Fault> {
    match node {
        Node::Date => out.int32(u16::from_le_bytes(fixed(rest)?).into()),
        Node::Date32 => out.int32(i32::from_le_bytes(fixed(rest)?)),
        Node::DateTime => out.int64(i64::from(u32::from_le_bytes(fixed(rest)?)) * 1000),
        Node::DateTime64(scale) => {
            let ticks = i64::from_le_bytes(fixed(rest)?);
            let unit = match scale {
                0..=3 => 3,
                4..=6 => 6,
                _ => 9,
            };
            let factor = 10_i64.pow(unit - *scale);
            let fits = ticks.checked_mul(factor).ok_or_else(|| {
                let told = text::instant(ticks, *scale);
                Fault(format!("{told} has no number of nanoseconds in int64; read it as text by query"))
            });
            out.int64(fits?);
        }
        _ => return Err(broken()),
    }
    Ok(())
}

/// A value whose text is its value.
fn worded(node: &Node, rest: &mut &[u8]) -> Result<String, Fault> {
    Ok(match node {
        Node::Time => text::span(i32::from_le_bytes(fixed(rest)?).into(), 0),
        Node::Time64(scale) => text::span(i64::from_le_bytes(fixed(rest)?), *scale),
        Node::Uuid => {
            let (high, low) = (u64::from_le_bytes(fixed(rest)?), u64::from_le_bytes(fixed(rest)?));
            let hex = format!("{high:016x}{low:016x}");
            let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
            parts.join("-")
        }
        Node::Ipv4 => Ipv4Addr::from(u32::from_le_bytes(fixed(rest)?)).to_string(),
        Node::Ipv6 => Ipv6Addr::from(fixed::<16>(rest)?).to_string(),
        Node::Enum(names) => {
            let number = cursor::signed(take(rest, names.width)?);
            let name = names.entries.iter().find(|(_, value)| i128::from(*value) == number);
            name.map(|(name, _)| name.clone()).ok_or_else(|| Fault(format!("{number} has no name")))?
        }
        _ => return Err(broken()),
    })
}

/// Keys of maps are text, whatever their type: JSON and Avro have no others.
fn key_text(node: &Node, rest: &mut &[u8]) -> Result<String, Fault> {
    Ok(match node {
        Node::Text => utf8(sized(rest)?)?.to_owned(),
        Node::FixedText(width) => fixed_text(take(rest, *width)?)?.to_owned(),
        Node::Boolean => (fixed::<1>(rest)? != [0]).to_string(),
        Node::Signed(bytes) => text::wide(take(rest, *bytes)?, true, 0),
        Node::Unsigned(bytes) => text::wide(take(rest, *bytes)?, false, 0),
        Node::Wide { bytes, is_signed, .. } => text::wide(take(rest, *bytes)?, *is_signed, 0),
        Node::Decimal { bytes, scale, .. } => text::wide(take(rest, *bytes)?, true, *scale),
        Node::Float32 => f32::from_le_bytes(fixed(rest)?).to_string(),
        Node::Float64 => f64::from_le_bytes(fixed(rest)?).to_string(),
        Node::Date => text::date(u16::from_le_bytes(fixed(rest)?).into()),
        Node::Date32 => text::date(i32::from_le_bytes(fixed(rest)?).into()),
        Node::DateTime => text::instant(u32::from_le_bytes(fixed(rest)?).into(), 0),
        Node::DateTime64(scale) => text::instant(i64::from_le_bytes(fixed(rest)?), *scale),
        Node::Nullable(inner) => match fixed::<1>(rest)? {
            [0] => key_text(inner, rest)?,
            _ => "null".to_owned(),
        },
        Node::Time | Node::Time64(_) | Node::Uuid | Node::Ipv4 | Node::Ipv6 | Node::Enum(_) => {
            worded(node, rest)?
        }
        _ => return Err(Fault("keys of this type have no text".to_owned())),
    })
}

fn utf8(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes)
        .map_err(|_| Fault("the text is not UTF-8; name the column in binaryColumns".to_owned()))
}

/// The server fills short values up with zero bytes.
fn fixed_text(bytes: &[u8]) -> Result<&str, Fault> {
    Ok(utf8(bytes)?.trim_end_matches('\0'))
}

fn count(rest: &mut &[u8]) -> Result<u32, Fault> {
    let count = measure::length(rest).map_err(|_| broken())?;
    u32::try_from(count).map_err(|_| Fault(format!("{count} elements are more than a value can have")))
}

fn sized<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Fault> {
    let length = measure::length(rest).map_err(|_| broken())?;
    take(rest, length)
}

fn take<'a>(rest: &mut &'a [u8], width: usize) -> Result<&'a [u8], Fault> {
    let (head, tail) = rest.split_at_checked(width).ok_or_else(broken)?;
    *rest = tail;
    Ok(head)
}

fn fixed<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Fault> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or_else(broken)?;
    *rest = tail;
    Ok(*head)
}

/// What was measured is there; this answers all the same, as nothing from outside may panic.
fn broken() -> Fault {
    Fault("the value is cut off".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::program::{Forms, compile};
    use crate::types::parse;
    use penstock_sdk::flat::Value;

    fn check(ty: &str, forms: Forms, bytes: &[u8], expected: Result<&str, &str>) {
        let node = compile(&parse(ty).unwrap(), forms);
        let (mut rest, mut out) = (bytes, Vec::new());
        let written = write(&node, &mut rest, &mut Writer::new(&mut out));
        let shown = written.map(|()| Value::parse(&out).unwrap().to_string()).map_err(|Fault(reason)| reason);
        assert_eq!(shown.as_deref().map_err(String::as_str), expected, "{ty} {bytes:?}");
        assert!(expected.is_err() || rest.is_empty(), "{ty}: {rest:?} is left");
    }

    #[test]
    fn values_arrive_as_documented() {
        let text = |ty: &str, bytes: &[u8], expected: &str| check(ty, Forms::default(), bytes, Ok(expected));
        text("UInt8", &[255], "255");
        text("UInt64", &[0xff; 8], "18446744073709551615");
        text("Decimal(9, 2)", &(-5_i32).to_le_bytes(), "-0.05");
        text("BFloat16", &[0xc0, 0x3f], "1.5");
        text("FixedString(3)", b"ab\0", "ab");
        text("DateTime64(1)", &15_i64.to_le_bytes(), "1500");
        text("DateTime64(4)", &15_i64.to_le_bytes(), "1500");
        text("DateTime64(8)", &15_i64.to_le_bytes(), "150");
        text("Time64(1)", &(-5_i64).to_le_bytes(), "-00:00:00.5");
        text("IPv4", &[4, 3, 2, 1], "1.2.3.4");
        text("Enum8('a' = -1)", &[0xff], "a");
        text("Map(UInt8, UInt8)", &[1, 7, 8], "{7=8}");
        text("Tuple(UInt8, b String)", &[1, 1, b'x'], "Struct{_1=1,b=x}");
        text("Ring", &[1, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0x40], "[[1.0, 2.0]]");
        text("Array(Nullable(UInt8))", &[2, 1, 0, 9], "[null, 9]");
    }

    #[test]
    fn a_value_that_connect_cannot_hold_is_named() {
        let machine = Forms { integers: Exact::Machine, ..Forms::default() };
        check("UInt64", machine, &7_u64.to_le_bytes(), Ok("7"));
        check(
            "UInt64",
            machine,
            &[0xff; 8],
            Err("18446744073709551615 does not fit int64; set wideIntegers to string or decimal"),
        );
        let told = "the text is not UTF-8; name the column in binaryColumns";
        check("String", machine, &[1, 0xff], Err(told));
        check("Enum8('a' = 1)", machine, &[2], Err("2 has no name"));
    }

    #[test]
    fn decimals_of_connect_are_big_endian_and_short() {
        assert_eq!(big_endian(&0_i32.to_le_bytes(), true), [0]);
        assert_eq!(big_endian(&(-1_i32).to_le_bytes(), true), [0xff]);
        assert_eq!(big_endian(&128_i32.to_le_bytes(), true), [0, 0x80]);
        assert_eq!(big_endian(&(-128_i32).to_le_bytes(), true), [0x80]);
        assert_eq!(big_endian(&[0xff; 8], false), [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    }
}
