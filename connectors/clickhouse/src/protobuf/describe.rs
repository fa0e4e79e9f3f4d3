//! Protobuf types in words.
use formats::protobuf::{Label, Outline, Type};

use super::scalar::{Moment, Scalar, entry};

/// A type as a message names it, such as `repeated int64` or `message shop.Item`.
pub fn describe(outline: &Outline, label: Label, ty: Type) -> String {
    match label {
        Label::One => single(outline, ty),
        Label::List => format!("repeated {}", single(outline, ty)),
        Label::Map => match entry(outline, ty) {
            Some([key, value]) => {
                format!("map of {} to {}", single(outline, key.of), single(outline, value.of))
            }
            None => "map".to_owned(),
        },
    }
}

fn single(outline: &Outline, ty: Type) -> String {
    let shortened = |name: &str| name.chars().take(NAME_MAX).collect::<String>();
    match (ty, Scalar::of(ty)) {
        (_, Some(scalar)) => scalar.name().to_owned(),
        (Type::Enum(place), _) => {
            format!("enum {}", outline.enums.get(place).map_or(String::new(), |of| shortened(&of.name)))
        }
        (Type::Message(place), _) => match Moment::of(outline, place) {
            Some(moment) if !matches!(moment, Moment::Wrapped(_)) => moment.name().to_owned(),
            _ => {
                let name = outline.messages.get(place).map_or(String::new(), |of| shortened(&of.name));
                format!("message {name}")
            }
        },
        _ => String::new(),
    }
}

const NAME_MAX: usize = 100;
