//! Which member of a `Variant` a type of the schema goes to: the one that says most of it.
use crate::columns::Kind;
use crate::types::{Type, Variant};

/// The first of the best members, with its place. `step` says how good a member is, and how it is filled; none if it does
/// not fit.
pub fn best<S>(variant: &Variant, mut step: impl FnMut(&Type) -> Option<(usize, S)>) -> Option<(usize, S)> {
    let members = variant.members.iter().enumerate();
    let fitting = members.filter_map(|(place, member)| Some((place, step(member)?)));
    fitting.min_by_key(|(_, (rank, _))| *rank).map(|(place, (_, step))| (place, step))
}

/// Less is better. Members that do not fit at all are for others to leave out.
pub fn rank(kind: Kind, bytes: usize, member: &Type) -> usize {
    let families = families(kind);
    let place = families.find(family(member)).unwrap_or(families.len());
    place * 1000 + penalty(bytes, member)
}

/// As [`rank`], of a value with parts.
pub fn rank_of_parts(order: &str, member: &Type) -> usize {
    order.find(family(member)).unwrap_or(order.len()) * 1000
}

fn families(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "biufsx",
        Kind::Int => "iudftTyYcCebsx",
        Kind::Float => "fdiutTsx",
        Kind::Text => "sxeg46jTtYycCdfiub",
        Kind::Name => "esx",
        Kind::Bytes(_) => "xsg64",
        Kind::Decimal => "dfiusxtT",
        Kind::Uuid => "gxs",
        Kind::Date => "YyTtiufsx",
        Kind::Clock => "CciufsxT",
        Kind::Instant | Kind::Local => "TtiufsxYy",
        Kind::Duration => "Ccsx",
    }
}

fn family(ty: &Type) -> char {
    match ty {
        Type::Nullable(inner) | Type::LowCardinality(inner) | Type::Geo(_, inner) => family(inner),
        Type::Bool => 'b',
        Type::Int(_) => 'i',
        Type::UInt(_) => 'u',
        Type::BFloat16 | Type::Float32 | Type::Float64 => 'f',
        Type::Decimal { .. } => 'd',
        Type::String => 's',
        Type::FixedString(_) => 'x',
        Type::Enum(_) => 'e',
        Type::Uuid => 'g',
        Type::Ipv4 => '4',
        Type::Ipv6 => '6',
        Type::Date => 'y',
        Type::Date32 => 'Y',
        Type::DateTime(_) => 't',
        Type::DateTime64(..) => 'T',
        Type::Time => 'c',
        Type::Time64(_) => 'C',
        Type::Json(_) => 'j',
        Type::Array(_) => 'a',
        Type::Map(..) => 'm',
        Type::Tuple(_) => 'p',
        Type::Variant(_) => 'v',
        Type::Dynamic(_) => 'D',
    }
}

/// The narrowest type that holds every value is best, then the widest that does not.
fn penalty(bytes: usize, member: &Type) -> usize {
    let width = match member {
        Type::Nullable(inner) | Type::LowCardinality(inner) => return 1 + penalty(bytes, inner),
        Type::Int(width) | Type::UInt(width) | Type::FixedString(width) => *width,
        Type::BFloat16 => 2,
        Type::Float32 => 4,
        Type::Float64 => 8,
        Type::Decimal { precision, .. } => crate::values::decimal::width(*precision),
        Type::DateTime64(scale, _) | Type::Time64(scale) => *scale as usize,
        _ => 0,
    };
    if width >= bytes { width.min(400) } else { 900 - width.min(400) }
}
