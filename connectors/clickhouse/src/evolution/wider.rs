//! Says which type holds all of another type and a value that it does not hold.
use crate::proposal::Facts;
use crate::types::Type;

/// The narrowest such type by the rules of the connector's page, which lose nothing. `None` if there is none.
pub fn wider(ty: &Type, facts: &Facts) -> Option<Type> {
    if facts.is_vast || facts.kinds() > 1 {
        return None;
    }
    let numbers = facts.numbers.as_deref();
    let texts = facts.texts.as_deref();
    match ty {
        Type::Nullable(inner) => wider(inner, facts).map(|inner| Type::Nullable(Box::new(inner))),
        Type::Array(inner) => wider(inner, facts.items.as_deref()?).map(|inner| Type::Array(Box::new(inner))),
        Type::Map(key, value) => map(key, value, facts),
        Type::Int(width) | Type::UInt(width) => {
            let numbers = numbers?;
            if numbers.has_fraction {
                // A Float64 holds each integer of up to 53 bits.
                return (*width <= 4 && !numbers.is_infinite).then_some(Type::Float64);
            }
            integer(ty, *width, numbers)
        }
        Type::BFloat16 | Type::Float32 => {
            numbers.filter(|numbers| !numbers.is_infinite).map(|_| Type::Float64)
        }
        Type::Decimal { precision, scale } => numbers?.decimal(*precision, *scale),
        Type::FixedString(_) | Type::Enum(_) => texts.map(|_| Type::String),
        Type::Date | Type::Date32 => texts?.time_type().filter(|found| found != ty && *found != Type::Date),
        Type::DateTime(zone) => match texts?.time_type()? {
            Type::DateTime64(scale, _) => Some(Type::DateTime64(scale, zone.clone())),
            _ => None,
        },
        Type::DateTime64(scale, zone) => match texts?.time_type()? {
            // With nanoseconds, years after 2262 would be lost that are there already.
            Type::DateTime64(finer, _) if finer > *scale && finer < 9 => {
                Some(Type::DateTime64(finer, zone.clone()))
            }
            _ => None,
        },
        _ => None,
    }
}

fn integer(ty: &Type, width: usize, numbers: &crate::proposal::Numbers) -> Option<Type> {
    // Without a sign first where there is none; a signed type needs room for what is there.
    let wider = [1, 2, 4, 8, 16, 32].into_iter().filter(|other| *other > width);
    let unsigned = wider.clone().map(Type::UInt).filter(|_| matches!(ty, Type::UInt(_)));
    let candidates: Vec<_> = unsigned.chain(wider.map(Type::Int)).collect();
    numbers.integer(&candidates)
}

fn map(key: &Type, value: &Type, facts: &Facts) -> Option<Type> {
    let mut widest = value.clone();
    for field in &facts.objects.as_deref()?.fields {
        if let Some(ty) = wider(&widest, &field.facts) {
            widest = ty;
        }
    }
    (widest != *value).then(|| Type::Map(Box::new(key.clone()), Box::new(widest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Cursor;
    use crate::types::parse;

    fn check(ty: &str, value: &str, expected: &str) {
        let (mut facts, mut room) = (Facts::default(), 100);
        facts.read(&mut Cursor::new(value), 1, &mut room).unwrap();
        let wider = wider(&parse(ty).unwrap(), &facts);
        assert_eq!(wider.map_or("none".to_owned(), |ty| ty.to_string()), expected, "{ty} {value}");
    }

    #[test]
    fn numbers_get_the_next_type_that_holds_both() {
        check("Int8", "128", "Int16");
        check("Int8", "2147483648", "Int64");
        check("UInt8", "256", "UInt16");
        check("UInt8", "-1", "Int16");
        check("UInt64", "-1", "Int128");
        check("UInt64", "18446744073709551616", "UInt128");
        check("Int32", "1.5", "Float64");
        check("Int64", "1.5", "none");
        check("Int64", "\"x\"", "none");
        check("Int64", "{}", "none");
        check("Float32", "1e300", "Float64");
        check("Float32", "1e400", "none");
        check("Decimal(5, 2)", "12345.6", "Decimal(7, 2)");
        check("Decimal(5, 2)", "1.2345", "Decimal(7, 4)");
        check("Decimal(76, 0)", "0.1", "none");
    }

    #[test]
    fn texts_and_times_keep_what_they_have() {
        check("FixedString(2)", "\"abc\"", "String");
        check("Enum8('a' = 1)", "\"b\"", "String");
        check("Enum8('a' = 1)", "7", "none");
        check("String", "1", "none");
        check("UUID", "\"x\"", "none");
        check("Date", "\"1950-01-01\"", "Date32");
        check("Date", "\"2020-01-01T10:00:00Z\"", "DateTime64(3, 'UTC')");
        check("Date", "\"x\"", "none");
        check("DateTime('UTC')", "\"1950-01-01 10:00:00.25\"", "DateTime64(3, 'UTC')");
        check("DateTime", "\"2200-01-01 10:00:00\"", "DateTime64(3)");
        check("DateTime64(3)", "\"2020-01-01 10:00:00.123456\"", "DateTime64(6)");
        check("DateTime64(6)", "\"2020-01-01 10:00:00.123456789\"", "none");
    }

    #[test]
    fn what_is_inside_is_widened() {
        check("Nullable(Int8)", "1000", "Nullable(Int16)");
        check("Array(Nullable(Int8))", "[1, null, 1000]", "Array(Nullable(Int16))");
        check("Array(Int8)", "[1, \"x\"]", "none");
        check("Map(String, Int8)", "{\"a\":1000,\"b\":70000}", "Map(String, Int32)");
        check("Array(Int8)", "1000", "none");
    }
}
