//! Records of our own in Connect's topics: who leads, where tasks run, what workers report. Java's workers skip them.
use super::Entry;
use cluster::{Place, Placement, Report, TaskId};
use serde_json::{Value, json};

const LEADER: &str = "penstock-leader";
const PLACEMENT: &str = "penstock-placement-";
const WORKER: &str = "penstock-worker-";

/// Connector's name, if the key is that of a placement.
pub fn placed_connector(key: &str) -> Option<&str> {
    key.strip_prefix(PLACEMENT)
}

pub fn is_leader(key: &str) -> bool {
    key == LEADER
}

/// Worker's URL, if the key is that of a report.
pub fn reporting_worker(key: &str) -> Option<&str> {
    key.strip_prefix(WORKER)
}

/// Epoch and worker.
pub fn parse_leader(value: &Value) -> Result<(u64, String), String> {
    match (value["epoch"].as_u64(), value["worker"].as_str()) {
        (Some(epoch), Some(worker)) => Ok((epoch, worker.to_owned())),
        _ => Err(format!("{LEADER}: expected an epoch and a worker, got {value}")),
    }
}

pub fn parse_placement(key: &str, value: &Value) -> Result<Placement, String> {
    let wrong = || format!("{key}: expected an epoch, a turn and tasks");
    let place = |task: &Value| match (task["on"].as_str(), task["from"].as_str(), task["to"].as_str()) {
        (Some(on), ..) => Ok(Place::On(on.to_owned())),
        (None, Some(from), Some(to)) => Ok(Place::Moving { from: from.to_owned(), to: to.to_owned() }),
        _ => Err(wrong()),
    };
    Ok(Placement {
        epoch: value["epoch"].as_u64().ok_or_else(wrong)?,
        turn: value["turn"].as_u64().ok_or_else(wrong)?,
        tasks: value["tasks"].as_array().ok_or_else(wrong)?.iter().map(place).collect::<Result<_, _>>()?,
    })
}

pub fn parse_report(key: &str, value: &Value) -> Result<Report, String> {
    let wrong = || format!("{key}: expected a turn, leaving and holding");
    let task = |task: &Value| {
        let (connector, number) = task.as_str()?.rsplit_once('-')?;
        Some(TaskId::new(connector, number.parse().ok()?))
    };
    let holding = value["holding"].as_array().ok_or_else(wrong)?;
    Ok(Report {
        turn: value["turn"].as_u64().ok_or_else(wrong)?,
        is_leaving: value["leaving"].as_bool().ok_or_else(wrong)?,
        holding: holding.iter().map(task).collect::<Option<_>>().ok_or_else(wrong)?,
    })
}

pub fn leader(epoch: u64, worker: &str) -> Entry {
    entry(LEADER.to_owned(), &json!({ "epoch": epoch, "worker": worker }))
}

pub fn placement(connector: &str, placement: &Placement) -> Entry {
    let place = |place: &Place| match place {
        Place::On(on) => json!({ "on": on }),
        Place::Moving { from, to } => json!({ "from": from, "to": to }),
    };
    let tasks: Vec<_> = placement.tasks.iter().map(place).collect();
    let value = json!({ "epoch": placement.epoch, "turn": placement.turn, "tasks": tasks });
    entry(format!("{PLACEMENT}{connector}"), &value)
}

/// The key whose tombstone forgets where a connector's tasks are.
pub fn placement_key(connector: &str) -> String {
    format!("{PLACEMENT}{connector}")
}

pub fn report(worker: &str, report: &Report) -> Entry {
    let holding: Vec<_> = report.holding.iter().map(ToString::to_string).collect();
    let value = json!({ "turn": report.turn, "leaving": report.is_leaving, "holding": holding });
    entry(format!("{WORKER}{worker}"), &value)
}

fn entry(key: String, value: &Value) -> Entry {
    Entry { key: key.into_bytes(), value: Some(value.to_string().into_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(entry: &Entry) -> Value {
        serde_json::from_slice(entry.value.as_deref().unwrap()).unwrap()
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let (a, b) = ("http://a:1".to_owned(), "http://b:2".to_owned());
        let tasks = vec![Place::On(a.clone()), Place::Moving { from: a.clone(), to: b.clone() }];
        let given = Placement { epoch: 3, turn: 9, tasks };
        let written = placement("c-1", &given);
        assert_eq!(placed_connector(std::str::from_utf8(&written.key).unwrap()), Some("c-1"));
        assert_eq!(parse_placement("k", &value(&written)), Ok(given));
        assert_eq!(parse_leader(&value(&leader(4, &b))), Ok((4, b)));
        let given = Report { turn: 2, is_leaving: true, holding: [TaskId::new("c-1", 12)].into() };
        let written = report(&a, &given);
        assert_eq!(reporting_worker(std::str::from_utf8(&written.key).unwrap()), Some(a.as_str()));
        assert_eq!(parse_report("k", &value(&written)), Ok(given));
    }

    #[test]
    fn a_broken_record_names_its_key() {
        for text in
            ["{}", "[]", r#"{"epoch":1,"turn":2,"tasks":[{}]}"#, r#"{"epoch":-1,"turn":2,"tasks":[]}"#]
        {
            let broken = parse_placement("penstock-placement-x", &serde_json::from_str(text).unwrap());
            assert!(broken.unwrap_err().contains("penstock-placement-x"), "{text}");
        }
        let broken =
            parse_report("penstock-worker-x", &json!({ "turn": 1, "leaving": false, "holding": ["c"] }));
        assert!(broken.is_err());
    }
}
