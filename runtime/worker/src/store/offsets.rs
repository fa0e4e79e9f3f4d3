//! Source offsets as Connect keeps them: key `["connector",{partition}]`, value `{offset}`, both JSON.
use super::Entry;
use penstock_sdk::{Fields, Scalar};
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// The newest offset of every source partition.
#[derive(Default)]
pub struct Offsets(RwLock<BTreeMap<Place, Stored>>);

/// A connector and one of its partitions; the same partition in any order of its fields is the same place.
type Place = (String, String);

struct Stored {
    /// The bytes that the log knows it by, so that a new offset replaces the old one whoever wrote it.
    key: Vec<u8>,
    offset: Fields,
}

impl Offsets {
    /// Takes a record that was read from the log; an error says what is broken, and the record is skipped.
    pub fn read(&self, entry: Entry) -> Result<(), String> {
        let key: Value =
            serde_json::from_slice(&entry.key).map_err(|error| format!("offset key: {error}"))?;
        let (Some(connector), Some(partition)) = (key[0].as_str(), key[1].as_object()) else {
            return Err(format!("offset key: expected [connector, {{partition}}], got {key}"));
        };
        let place = (connector.to_owned(), canonical(partition));
        let value: Option<Value> = match &entry.value {
            Some(bytes) => {
                serde_json::from_slice(bytes).map_err(|error| format!("offset of {key}: {error}"))?
            }
            None => None,
        };
        let mut map = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match value {
            None | Some(Value::Null) => drop(map.remove(&place)),
            Some(Value::Object(offset)) => {
                map.insert(place, Stored { key: entry.key, offset: fields(&offset) });
            }
            Some(other) => return Err(format!("offset of {key}: expected an object, got {other}")),
        }
        Ok(())
    }

    pub fn get(&self, connector: &str, partition: &Fields) -> Option<Fields> {
        let place = (connector.to_owned(), canonical(&object(partition)));
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        map.get(&place).map(|stored| stored.offset.clone())
    }

    /// The record that stores an offset.
    pub fn entry(&self, connector: &str, partition: &Fields, offset: &Fields) -> Entry {
        let partition = object(partition);
        let place = (connector.to_owned(), canonical(&partition));
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let fresh =
            || Value::from(vec![Value::from(connector), Value::from(partition)]).to_string().into_bytes();
        let key = map.get(&place).map_or_else(fresh, |stored| stored.key.clone());
        Entry { key, value: Some(Value::from(object(offset)).to_string().into_bytes()) }
    }
}

fn canonical(partition: &Map<String, Value>) -> String {
    let sorted: BTreeMap<&String, &Value> = partition.iter().collect();
    serde_json::to_string(&sorted).unwrap_or_default()
}

fn object(fields: &Fields) -> Map<String, Value> {
    let value = |scalar: &Scalar| match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => Value::from(*value),
        Scalar::Integer(value) => Value::from(*value),
        Scalar::Float(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
        Scalar::Text(value) => Value::from(value.as_str()),
    };
    fields.iter().map(|(name, scalar)| (name.to_owned(), value(scalar))).collect()
}

fn fields(object: &Map<String, Value>) -> Fields {
    let scalar = |value: &Value| match value {
        Value::Null => Scalar::Null,
        Value::Bool(value) => Scalar::Boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Scalar::Integer(integer),
            None => Scalar::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Scalar::Text(text.clone()),
        // Connect refuses nested offsets; one that is there all the same is kept as its text.
        nested => Scalar::Text(nested.to_string()),
    };
    object.iter().map(|(name, value)| (name.clone(), scalar(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(offsets: &Offsets, key: &str, value: Option<&str>) {
        offsets.read(Entry { key: key.into(), value: value.map(Into::into) }).unwrap();
    }

    #[test]
    fn a_partition_is_found_in_any_order_of_its_fields_and_keeps_its_key() {
        let offsets = Offsets::default();
        read(&offsets, r#"["c",{"b":1,"a":"x"}]"#, Some(r#"{"position":14}"#));
        let partition = Fields::new().with("a", "x").with("b", 1);
        assert_eq!(offsets.get("c", &partition).and_then(|offset| offset.integer("position")), Some(14));
        let entry = offsets.entry("c", &partition, &Fields::new().with("position", 15));
        assert_eq!(entry.key, br#"["c",{"b":1,"a":"x"}]"#);
        assert_eq!(entry.value.unwrap(), br#"{"position":15}"#);
    }

    #[test]
    fn a_tombstone_forgets_the_offset() {
        let offsets = Offsets::default();
        read(&offsets, r#"["c",{"f":"x"}]"#, Some(r#"{"position":1}"#));
        read(&offsets, r#"["c",{"f":"x"}]"#, None);
        assert_eq!(offsets.get("c", &Fields::new().with("f", "x")), None);
    }

    #[test]
    fn a_broken_record_is_refused() {
        for key in ["x", "[1]", r#"["c",3]"#] {
            let entry = Entry { key: key.into(), value: Some("{}".into()) };
            assert!(Offsets::default().read(entry).is_err(), "{key}");
        }
    }
}
