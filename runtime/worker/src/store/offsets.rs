//! Source offsets as Connect keeps them: key `["connector",{partition}]`, value `{offset}`, both JSON.
use super::Entry;
use crate::api::Object;
use penstock_sdk::{Fields, Scalar};
use serde_json::{Number, Value, json};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

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
        let key = String::from_utf8_lossy(&entry.key);
        let (connector, partition): (String, Object) =
            serde_json::from_slice(&entry.key).map_err(|error| {
                format!("offset key: expected [connector, {{partition}}], got {key}: {error}")
            })?;
        let place = (connector, canonical(&partition));
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
        self.map().get(&place).map(|stored| stored.offset.clone())
    }

    /// The record that stores an offset.
    pub fn entry(&self, connector: &str, partition: &Fields, offset: &Fields) -> Entry {
        self.change(connector, &object(partition), Some(&object(offset)))
    }

    /// The record that stores an offset, or with none erases what is stored for the partition.
    pub fn change(&self, connector: &str, partition: &Object, offset: Option<&Object>) -> Entry {
        let place = (connector.to_owned(), canonical(partition));
        let fresh = || json!([connector, partition]).to_string().into_bytes();
        let key = self.map().get(&place).map_or_else(fresh, |stored| stored.key.clone());
        Entry { key, value: offset.map(|offset| json!(offset).to_string().into_bytes()) }
    }

    /// Everything that is stored for a connector: partitions and their offsets.
    pub fn all(&self, connector: &str) -> Vec<(Object, Object)> {
        let partition = |stored: &Stored| match serde_json::from_slice::<(String, Object)>(&stored.key) {
            Ok((_, partition)) => partition,
            Err(_) => unreachable!("a key is stored only after it was read"),
        };
        self.stored(connector, |stored| (partition(stored), object(&stored.offset)))
    }

    /// The records that erase everything of a connector.
    pub fn reset(&self, connector: &str) -> Vec<Entry> {
        self.stored(connector, |stored| Entry { key: stored.key.clone(), value: None })
    }

    fn stored<T>(&self, connector: &str, of: impl Fn(&Stored) -> T) -> Vec<T> {
        let first = (connector.to_owned(), String::new());
        let map = self.map();
        let own = map.range(first..).take_while(|((name, _), _)| name == connector);
        own.map(|(_, stored)| of(stored)).collect()
    }

    fn map(&self) -> RwLockReadGuard<'_, BTreeMap<Place, Stored>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fields as a plugin sees them.
pub fn fields(object: &Object) -> Fields {
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

/// The same text for the same partition, however its fields stand.
pub fn canonical(partition: &Object) -> String {
    let sorted: BTreeMap<&String, &Value> = partition.iter().collect();
    serde_json::to_string(&sorted).unwrap_or_default()
}

/// The fields as JSON has them.
pub fn object(fields: &Fields) -> Object {
    let value = |scalar: &Scalar| match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => Value::from(*value),
        Scalar::Integer(value) => Value::from(*value),
        Scalar::Float(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
        Scalar::Text(value) => Value::from(value.as_str()),
    };
    fields.iter().map(|(name, scalar)| (name.to_owned(), value(scalar))).collect()
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
    fn the_offsets_of_one_connector_are_listed_changed_and_reset() {
        let offsets = Offsets::default();
        read(&offsets, r#"["c",{"f":"x"}]"#, Some(r#"{"position":1}"#));
        read(&offsets, r#"["c",{"f":"y","n":2}]"#, Some(r#"{"position":2,"at":1.5}"#));
        read(&offsets, r#"["c2",{"f":"x"}]"#, Some(r#"{"position":3}"#));
        let listed = |connector: &str| json!(offsets.all(connector)).to_string();
        let all = r#"[[{"f":"x"},{"position":1}],[{"f":"y","n":2},{"position":2,"at":1.5}]]"#;
        assert_eq!(listed("c"), all);
        assert_eq!(listed("nobody"), "[]");

        let (partition, _) = offsets.all("c").remove(1);
        let turned = partition.into_iter().rev().collect();
        let entry = offsets.change("c", &turned, None);
        assert_eq!((entry.key.as_slice(), entry.value), (br#"["c",{"f":"y","n":2}]"#.as_slice(), None));

        for entry in offsets.reset("c") {
            offsets.read(entry).unwrap();
        }
        assert_eq!((listed("c").as_str(), offsets.all("c2").len()), ("[]", 1));
    }

    #[test]
    fn a_broken_record_is_refused() {
        for key in ["x", "[1]", r#"["c",3]"#, r#"["c",{},{}]"#] {
            let entry = Entry { key: key.into(), value: Some("{}".into()) };
            assert!(Offsets::default().read(entry).is_err(), "{key}");
        }
    }
}
