//! Offsets of sources: what the offset log holds for a connector.
use crate::api::{ConnectorOffset, Object, OffsetChange, Refusal};
use crate::herder::Shared;
use serde_json::Value;

/// A partition and what shall be stored for it; with none the stored offset is erased.
pub type Wanted = (Object, Option<Object>);

pub async fn list(shared: &Shared, name: &str) -> Result<Vec<ConnectorOffset>, Refusal> {
    shared.logs.offsets.read_to_end().await.map_err(|reason| unreadable(name, &reason))?;
    let offset = |(partition, offset)| ConnectorOffset { partition, offset };
    Ok(shared.offsets.all(name).into_iter().map(offset).collect())
}

/// Connect's rules for what a source may store.
pub fn parse(changes: &[OffsetChange]) -> Result<Vec<Wanted>, Refusal> {
    let one = |change: &OffsetChange| {
        let missing = || Refusal::Invalid("Partition objects cannot be null".into());
        let partition = change.partition.clone().ok_or_else(missing)?;
        for object in [Some(&partition), change.offset.as_ref()].into_iter().flatten() {
            check(object)?;
        }
        Ok((partition, change.offset.clone()))
    };
    changes.iter().map(one).collect()
}

fn check(object: &Object) -> Result<(), Refusal> {
    match object.iter().find(|(_, value)| matches!(value, Value::Object(_) | Value::Array(_))) {
        None => Ok(()),
        Some((key, value)) => {
            let got = if value.is_array() { "an array" } else { "an object" };
            Err(Refusal::Invalid(format!(
                "{key}: partitions and offsets hold strings, numbers, booleans and nulls, got {got}"
            )))
        }
    }
}

pub async fn alter(shared: &Shared, name: &str, wanted: &[Wanted]) -> Result<(), Refusal> {
    shared.logs.offsets.read_to_end().await.map_err(|reason| unreadable(name, &reason))?;
    let change = |(partition, offset): &Wanted| shared.offsets.change(name, partition, offset.as_ref());
    write(shared, name, wanted.iter().map(change).collect()).await
}

pub async fn reset(shared: &Shared, name: &str) -> Result<(), Refusal> {
    shared.logs.offsets.read_to_end().await.map_err(|reason| unreadable(name, &reason))?;
    write(shared, name, shared.offsets.reset(name)).await
}

/// Read back before the client hears of it: the next question has to find what was written.
async fn write(shared: &Shared, name: &str, entries: Vec<crate::store::Entry>) -> Result<(), Refusal> {
    let log = &shared.logs.offsets;
    let written = async {
        log.append(entries).await?;
        log.read_to_end().await
    };
    let refusal =
        |reason| Refusal::Internal(format!("Failed to modify offsets for source connector {name}: {reason}"));
    written.await.map_err(refusal)
}

fn unreadable(name: &str, reason: &str) -> Refusal {
    Refusal::Internal(format!("Failed to retrieve offsets for source connector {name}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::{Wanted, parse};
    use crate::api::OffsetChange;
    use serde_json::json;

    fn parsed(partition: serde_json::Value, offset: serde_json::Value) -> Result<Vec<Wanted>, String> {
        let object = |value: serde_json::Value| value.as_object().cloned();
        let change = OffsetChange { partition: object(partition), offset: object(offset) };
        parse(&[change]).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_partition_is_needed_and_an_offset_is_not() {
        assert!(parsed(json!({"f": "x"}), json!({"position": 3})).is_ok());
        assert_eq!(parsed(json!({"f": null}), json!(null)).unwrap()[0].1, None);
        assert_eq!(parsed(json!(null), json!({"a": 1})), Err("Partition objects cannot be null".into()));
    }

    #[test]
    fn nested_values_are_refused_by_name() {
        let deep = parsed(json!({"f": {"g": 1}}), json!(null)).unwrap_err();
        assert!(deep.starts_with("f: ") && deep.ends_with("got an object"), "{deep}");
        let list = parsed(json!({}), json!({"at": [1]})).unwrap_err();
        assert!(list.starts_with("at: ") && list.ends_with("got an array"), "{list}");
    }
}
