//! The order in which the server tries the members of a `Variant` on a JSON value.
use super::{Type, Variant};

impl Variant {
    /// Members from the one that is tried first. The more nested come first, then the narrower ones.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<_> = (0..self.members.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(rank(&self.members[index], 0, 0)));
        order
    }
}

/// Nesting, the sum of what the parts weigh, and how many wrappers are around them.
type Rank = (usize, usize, usize);

fn rank(ty: &Type, depth: usize, wrappers: usize) -> Rank {
    match ty {
        Type::Nullable(inner) | Type::LowCardinality(inner) => rank(inner, depth, wrappers + 1),
        Type::Geo(_, inner) => rank(inner, depth, wrappers),
        Type::Array(inner) => {
            let (nested, sum, around) = rank(inner, depth + 1, wrappers);
            (nested, sum + weight(ty), around)
        }
        Type::Map(key, value) => together(&[&**key, &**value], ty, depth, wrappers),
        Type::Tuple(elements) => {
            let parts: Vec<_> = elements.iter().map(|element| &element.ty).collect();
            together(&parts, ty, depth, wrappers)
        }
        Type::Variant(variant) => {
            let ranks = variant.members.iter().map(|member| rank(member, depth, wrappers));
            ranks.fold((0, 0, 0), |(a, b, c), (x, y, z)| (a.max(x), b.max(y), c.max(z)))
        }
        plain => (depth, weight(plain), wrappers),
    }
}

fn together(parts: &[&Type], ty: &Type, depth: usize, wrappers: usize) -> Rank {
    let ranks = parts.iter().map(|part| rank(part, depth + 1, wrappers));
    ranks.fold((0, weight(ty), 0), |(a, b, c), (x, y, z)| (a.max(x), b + y, c.max(z)))
}

/// What is tried later weighs less. Types that the server does not order come after `String`, which takes all.
fn weight(ty: &Type) -> usize {
    match ty {
        Type::Array(_) => 33,
        Type::Tuple(_) => 32,
        Type::Map(..) => 31,
        Type::Enum(names) => 30 - names.width,
        Type::Uuid => 27,
        Type::Ipv4 => 26,
        Type::Ipv6 | Type::Bool => 25,
        Type::Int(width) => 24 - 2 * width.ilog2() as usize,
        Type::UInt(width) => 23 - 2 * width.ilog2() as usize,
        Type::Decimal { precision, .. } => {
            12 - (crate::values::decimal::width(*precision) / 4).ilog2() as usize
        }
        Type::Float32 => 8,
        Type::Float64 => 7,
        Type::Date => 6,
        Type::Date32 => 5,
        Type::DateTime(_) => 4,
        Type::DateTime64(..) => 3,
        Type::FixedString(_) => 2,
        Type::String => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use crate::types::{Type, parse};

    #[test]
    fn nested_members_come_first_and_text_comes_last() {
        let Ok(Type::Variant(variant)) = parse(
            "Variant(Array(Array(UInt8)), Array(String), BFloat16, Bool, Decimal(10, 2), Float64, Int8, Map(String, UInt8), String, UInt256, UInt8)",
        ) else {
            panic!("a variant");
        };
        let order: Vec<_> =
            variant.order().into_iter().map(|index| variant.members[index].to_string()).collect();
        let expected = "Array(Array(UInt8)), Map(String, UInt8), Array(String), Bool, Int8, UInt8, UInt256, Decimal(10, 2), Float64, String, BFloat16";
        assert_eq!(order.join(", "), expected);
    }
}
