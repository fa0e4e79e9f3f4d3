//! Makes the bytes of an object from its records, a piece at a time.
use penstock_sdk::Record;
use serde_json::{Value as Json, json};

use super::line;
use super::packing::Packing;
use super::parquet::{Field, File, Kind};
use super::settings::{Format, Settings};
use super::sort::{Object, with_cell};

/// An object that grows.
pub struct Encoder {
    body: Body,
    has_metadata: bool,
    line: Vec<u8>,
}

enum Body {
    Lines { packing: Box<Packing>, is_json: bool },
    Parquet(Box<File>),
}

impl Encoder {
    pub fn new(object: &Object, settings: &Settings) -> Result<Self, String> {
        let (has_metadata, compression) = (settings.has_metadata, settings.compression);
        let body = match settings.format {
            Format::Parquet => {
                let Kind::Struct(own) = object.kind.clone() else {
                    return Err("a value that is no object makes no columns".into());
                };
                let places = if has_metadata { place_fields() } else { Vec::new() };
                let fields = places.into_iter().chain(own).collect();
                let file = File::new(fields, compression).map_err(|error| error.to_string())?;
                Body::Parquet(Box::new(file))
            }
            format => {
                let packing = Packing::new(compression).map_err(|error| error.to_string())?;
                Body::Lines { packing: Box::new(packing), is_json: format == Format::Json }
            }
        };
        Ok(Self { body, has_metadata, line: Vec::new() })
    }

    pub fn push(&mut self, record: &Record<'_>) -> Result<(), String> {
        match &mut self.body {
            Body::Lines { packing, is_json } => {
                self.line.clear();
                line::write(record, self.has_metadata, *is_json, &mut self.line);
                packing.write(&self.line).map_err(|error| error.to_string())
            }
            Body::Parquet(file) => {
                let places = if self.has_metadata { places(record) } else { Vec::new() };
                with_cell(record, |cell| file.push(&places, cell).map_err(|error| error.to_string()))
            }
        }
    }

    /// What has come out so far; it may be taken away.
    pub fn out(&mut self) -> &mut Vec<u8> {
        match &mut self.body {
            Body::Lines { packing, .. } => packing.out(),
            Body::Parquet(file) => file.out(),
        }
    }

    /// The rest.
    pub fn finish(self) -> Result<Vec<u8>, String> {
        match self.body {
            Body::Lines { packing, .. } => packing.finish().map_err(|error| error.to_string()),
            Body::Parquet(file) => file.finish().map_err(|error| error.to_string()),
        }
    }
}

fn place_fields() -> Vec<Field> {
    let kinds = [Kind::Text, Kind::Int32, Kind::Int64, Kind::Timestamp, Kind::Text];
    let names = ["_topic", "_partition", "_offset", "_timestamp", "_key"];
    names.into_iter().zip(kinds).map(|(name, kind)| Field { name: name.into(), kind }).collect()
}

fn places(record: &Record<'_>) -> Vec<Option<Json>> {
    vec![
        Some(json!(record.topic())),
        Some(json!(record.partition())),
        Some(json!(record.offset())),
        record.timestamp_ms().map(|ms| json!(ms)),
        line::key(record).map(Json::from),
    ]
}
