//! Offsets of sources: what the offset log holds for a connector.
use crate::api::{ConnectorOffset, Object, OffsetChange, Refusal};
use crate::herder::Shared;
use crate::store::{Kept, SourceOffsets};
use crate::task;
use cluster::Properties;
use serde_json::Value;

/// A partition and what shall be stored for it; with none the stored offset is erased.
pub type Wanted = (Object, Option<Object>);

/// Where a connector's offsets are.
pub async fn find(shared: &Shared, name: &str, config: &Properties) -> Result<SourceOffsets, Refusal> {
    let resolved = shared.settings.config_providers.resolve(config);
    let parsed = task::parse(crate::definition::Kind::Source, &resolved.config, &shared.framework);
    let found = match parsed {
        Ok(connector) => task::source_offsets(shared, &connector).await,
        Err(failure) => Err(failure.trace),
    };
    found.map_err(|reason| unreadable(name, &resolved.scrubber.text(&reason)))
}

pub async fn list(offsets: &SourceOffsets, name: &str) -> Result<Vec<ConnectorOffset>, Refusal> {
    offsets.read_to_end().await.map_err(|reason| unreadable(name, &reason))?;
    let offset = |(partition, offset)| ConnectorOffset { partition, offset };
    Ok(offsets.list(name).into_iter().map(offset).collect())
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

pub async fn alter(offsets: &SourceOffsets, name: &str, wanted: &[Wanted]) -> Result<(), Refusal> {
    let changes = |kept: &Kept| {
        let change = |(partition, offset): &Wanted| kept.offsets.change(name, partition, offset.as_ref());
        // Nothing that was planned before holds any more.
        wanted.iter().map(change).chain(kept.offsets.reset(&task::marks_of(name))).collect()
    };
    write(offsets, name, changes).await
}

pub async fn reset(offsets: &SourceOffsets, name: &str) -> Result<(), Refusal> {
    let all = |kept: &Kept| [kept.offsets.reset(name), kept.offsets.reset(&task::marks_of(name))].concat();
    write(offsets, name, all).await
}

/// Every place gets it, the one that counts at last: what was half done is done by the next request. Read back before
/// the client hears of it, as the next question has to find what was written.
async fn write(
    offsets: &SourceOffsets,
    name: &str,
    entries: impl Fn(&Kept) -> Vec<crate::store::Entry>,
) -> Result<(), Refusal> {
    offsets.read_to_last().await.map_err(|reason| unreadable(name, &reason))?;
    let written = async {
        for kept in offsets.second().into_iter().chain([offsets.first()]) {
            kept.log.append(entries(kept)).await?;
            kept.log.read_to_last().await?;
        }
        Ok(())
    };
    let refusal = |reason: String| {
        Refusal::Internal(format!("Failed to modify offsets for source connector {name}: {reason}"))
    };
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
