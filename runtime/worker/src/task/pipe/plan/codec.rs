//! A task's mark as an offset of the store: a version, and the plan as a text of JSON.
use super::{Mark, Plan, Range, hex, rank};
use crate::api::Object;
use crate::store::offsets::{fields, object};
use penstock_sdk::Fields;
use serde_json::{Value, json};

const VERSION: i64 = 1;

pub fn encode(mark: &Mark) -> Fields {
    let fields = Fields::new()
        .with("version", VERSION)
        .with("settings", mark.settings.as_str())
        .with("clock", mark.clock_ms);
    match &mark.open {
        None => fields,
        Some(plan) => fields.with("plan", text(plan)),
    }
}

fn text(plan: &Plan) -> String {
    let range = |range: &Range| {
        json!({
            "partition": object(&range.partition),
            "from": range.from.as_ref().map(object),
            "until": object(&range.until),
            "records": range.records,
        })
    };
    json!({"id": hex(plan.id), "made": plan.made_ms, "ranges": plan.ranges.iter().map(range).collect::<Vec<_>>()})
        .to_string()
}

/// An error says why it cannot be read.
pub fn decode(stored: &Fields) -> Result<Mark, String> {
    match stored.integer("version") {
        Some(VERSION) => {}
        Some(other) => {
            return Err(format!("it has version {other}, and this worker knows version {VERSION}"));
        }
        None => return Err(DAMAGED.into()),
    }
    let (settings, clock_ms) = (stored.text("settings"), stored.integer("clock"));
    let (Some(settings), Some(clock_ms)) = (settings, clock_ms) else { return Err(DAMAGED.into()) };
    let open = match stored.text("plan") {
        None => None,
        Some(text) => Some(plan(text).ok_or(DAMAGED)?),
    };
    Ok(Mark { settings: settings.into(), clock_ms, open })
}

fn plan(text: &str) -> Option<Plan> {
    let plan: Value = serde_json::from_str(text).ok()?;
    let digits = plan["id"].as_str().filter(|digits| digits.len() == 32 && !digits.starts_with('+'))?;
    let id = u128::from_str_radix(digits, 16).ok()?.to_be_bytes();
    let flat = |object: &Object| {
        let is_flat = object.values().all(|value| !value.is_object() && !value.is_array());
        is_flat.then(|| fields(object))
    };
    let range = |range: &Value| {
        let from = match &range["from"] {
            Value::Null => None,
            from => Some(flat(from.as_object()?)?),
        };
        let (partition, until) = (flat(range["partition"].as_object()?)?, flat(range["until"].as_object()?)?);
        Some(Range { partition, from, until, records: range["records"].as_u64()? })
    };
    let ranges: Vec<Range> = plan["ranges"].as_array()?.iter().map(range).collect::<Option<_>>()?;
    let is_sound = !ranges.is_empty()
        && ranges.windows(2).all(|pair| rank(&pair[0].partition) <= rank(&pair[1].partition));
    is_sound.then_some(Plan { id, made_ms: plan["made"].as_i64()?, ranges })
}

const DAMAGED: &str = "it is damaged";
