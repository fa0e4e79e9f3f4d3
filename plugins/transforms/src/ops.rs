//! The transforms themselves, one file each.
pub mod cast;
mod cast_value;
pub mod extract_field;
pub mod flatten;
pub mod header_from;
pub mod headers;
pub mod hoist_field;
pub mod insert_field;
pub mod mask_field;
pub mod regex_router;
pub mod replace_field;
pub mod set_schema_metadata;
pub mod timestamp_converter;
pub mod timestamp_router;
pub mod value_to_key;

use crate::catalog::{Kind, Side};
use crate::record::{Given, Record};
use crate::settings::Settings;
use crate::{Class, Error, Result};

/// An opened transform.
#[derive(Debug)]
pub enum Op {
    Cast(Side, cast::Cast),
    DropHeaders(headers::Drop),
    ExtractField(Side, extract_field::ExtractField),
    Filter,
    Flatten(Side, flatten::Flatten),
    HeaderFrom(Side, header_from::HeaderFrom),
    HoistField(Side, hoist_field::HoistField),
    InsertField(Side, insert_field::InsertField),
    InsertHeader(headers::Insert),
    MaskField(Side, mask_field::MaskField),
    RegexRouter(regex_router::RegexRouter),
    ReplaceField(Side, replace_field::ReplaceField),
    SetSchemaMetadata(Side, set_schema_metadata::SetSchemaMetadata),
    TimestampConverter(Side, timestamp_converter::TimestampConverter),
    TimestampRouter(timestamp_router::TimestampRouter),
    ValueToKey(value_to_key::ValueToKey),
}

impl Op {
    pub fn open(class: Class, settings: &Settings<'_>) -> Result<Self> {
        Ok(match class.kind {
            Kind::Cast(side) => Self::Cast(side, cast::Cast::open(settings)?),
            Kind::DropHeaders => Self::DropHeaders(headers::Drop::open(settings)),
            Kind::ExtractField(side) => {
                Self::ExtractField(side, extract_field::ExtractField::open(settings)?)
            }
            Kind::Filter => Self::Filter,
            Kind::Flatten(side) => Self::Flatten(side, flatten::Flatten::open(settings)),
            Kind::HeaderFrom(side) => Self::HeaderFrom(side, header_from::HeaderFrom::open(settings)?),
            Kind::HoistField(side) => Self::HoistField(side, hoist_field::HoistField::open(settings)),
            Kind::InsertField(side) => Self::InsertField(side, insert_field::InsertField::open(settings)?),
            Kind::InsertHeader => Self::InsertHeader(headers::Insert::open(settings)),
            Kind::MaskField(side) => Self::MaskField(side, mask_field::MaskField::open(settings)),
            Kind::RegexRouter => Self::RegexRouter(regex_router::RegexRouter::open(settings)?),
            Kind::ReplaceField(side) => {
                Self::ReplaceField(side, replace_field::ReplaceField::open(settings)?)
            }
            Kind::SetSchemaMetadata(side) => {
                Self::SetSchemaMetadata(side, set_schema_metadata::SetSchemaMetadata::open(settings)?)
            }
            Kind::TimestampConverter(side) => {
                Self::TimestampConverter(side, timestamp_converter::TimestampConverter::open(settings)?)
            }
            Kind::TimestampRouter => {
                Self::TimestampRouter(timestamp_router::TimestampRouter::open(settings)?)
            }
            Kind::ValueToKey => Self::ValueToKey(value_to_key::ValueToKey::open(settings)),
            Kind::HasHeaderKey | Kind::RecordIsTombstone | Kind::TopicNameMatches => {
                return Err(Error::new(format!("{} is a predicate, not a transform", class.name)));
            }
        })
    }

    /// Which side it reads, and which it writes.
    pub fn sides(&self) -> (Option<Side>, Option<Side>) {
        match self {
            Self::DropHeaders(_)
            | Self::Filter
            | Self::InsertHeader(_)
            | Self::RegexRouter(_)
            | Self::TimestampRouter(_) => (None, None),
            Self::HeaderFrom(side, op) if !op.is_move() => (Some(*side), None),
            Self::ValueToKey(_) => (Some(Side::Value), Some(Side::Key)),
            Self::Cast(side, _)
            | Self::ExtractField(side, _)
            | Self::Flatten(side, _)
            | Self::HeaderFrom(side, _)
            | Self::HoistField(side, _)
            | Self::InsertField(side, _)
            | Self::MaskField(side, _)
            | Self::ReplaceField(side, _)
            | Self::SetSchemaMetadata(side, _)
            | Self::TimestampConverter(side, _) => (Some(*side), Some(*side)),
        }
    }

    /// Whether it needs to know the names of the record's headers.
    pub fn touches_headers(&self) -> bool {
        matches!(self, Self::DropHeaders(_) | Self::InsertHeader(_) | Self::HeaderFrom(..))
    }

    /// Changes the record; false when the record is to be left out.
    pub fn apply(&mut self, record: &mut Record, given: &Given<'_>) -> Result<bool> {
        match self {
            Self::Filter => return Ok(false),
            Self::Cast(side, op) => op.apply(record.side(*side)),
            Self::DropHeaders(op) => {
                op.apply(record, given);
                Ok(())
            }
            Self::ExtractField(side, op) => op.apply(record.side(*side)),
            Self::Flatten(side, op) => op.apply(record.side(*side)),
            Self::HeaderFrom(side, op) => op.apply(record, *side),
            Self::HoistField(side, op) => op.apply(record.side(*side)),
            Self::InsertField(side, op) => op.apply(record, *side),
            Self::InsertHeader(op) => {
                op.apply(record);
                Ok(())
            }
            Self::MaskField(side, op) => op.apply(record.side(*side)),
            Self::RegexRouter(op) => op.apply(record),
            Self::ReplaceField(side, op) => op.apply(record.side(*side)),
            Self::SetSchemaMetadata(side, op) => op.apply(record.side(*side)),
            Self::TimestampConverter(side, op) => op.apply(record.side(*side)),
            Self::TimestampRouter(op) => op.apply(record),
            Self::ValueToKey(op) => op.apply(record),
        }
        .map(|()| true)
    }
}

/// Defaults that stand for nulls, by field.
type Defaults = Vec<(String, Vec<u8>)>;

/// The value, or the field's default in the place of a null.
fn or_default<'a>(defaults: &'a Defaults, name: &str, value: &'a [u8]) -> &'a [u8] {
    if defaults.is_empty() || !crate::entries::is_null(value) {
        return value;
    }
    defaults.iter().find(|(known, _)| known == name).map_or(value, |(_, default)| default)
}

/// An encoded null.
const NULL: &[u8] = &[penstock_sdk::flat::NULL];
