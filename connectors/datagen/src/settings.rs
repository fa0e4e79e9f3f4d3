//! The settings of the generator: what users may write, and what the code takes.
use crate::fields::Field;
use crate::{json, spec};
use penstock_sdk::{Config, Error, Importance, Problem, Result, Setting};

/// Parsed and cross-checked; nothing behind it looks at text again.
#[derive(Debug, Clone)]
pub struct Settings {
    pub topic: String,
    pub fields: Vec<Field>,
    /// Records per second and task; 0 is as fast as possible.
    pub rate: u64,
    /// Records of the connector, over all its tasks; 0 is endless.
    pub total: u64,
    pub seed: u64,
    pub format: Format,
    /// Index of the field whose value is the key.
    pub key_field: Option<usize>,
    pub batch_records_max: u64,
}

#[derive(Debug, Clone)]
pub enum Format {
    /// The value is JSON text.
    Json,
    /// The value is a structured value with this schema.
    Struct { schema: String },
}

/// An order in a shop: 10 fields, about 244 bytes as JSON.
pub const FIELDS: &str = "id:sequence,ordered_at:now,customer:uuid,country:choice(DE|FR|GB|JP|US),\
    product:string(8..16),quantity:int(1..10),price:decimal(1..1000,2),discount:double(0..1),paid:boolean,\
    note:string(20..44)";

/// What the worker validates, documents and shows in forms.
pub fn declare() -> [Setting; 8] {
    [
        Setting::string("topic").required().non_empty().doc("Topic that the records go to."),
        Setting::string("fields").default(FIELDS).importance(Importance::High).doc(
            "Fields of a record as name:kind pairs between commas. Kinds: sequence, sequence(START,STEP), \
             int(A..B), long(A..B), double(A..B), decimal(A..B,DIGITS), string(LENGTH), string(MIN..MAX), \
             choice(A|B|C), boolean, uuid, now (milliseconds since 1970). Bounds are included.",
        ),
        Setting::long("rate").default("0").range(0, None).doc(
            "Records per second of each task; 0 is as fast as the topic takes them. A task that was held up for \
             more than a second does not catch up.",
        ),
        Setting::long("total")
            .default("0")
            .range(0, None)
            .doc("Records of the whole connector, spread over its tasks; 0 never ends."),
        Setting::long("seed")
            .default("0")
            .importance(Importance::Low)
            .doc("Another seed makes other records; the same seed makes the same ones again, except for now."),
        Setting::string("format").default("struct").one_of(&["struct", "json"]).doc(
            "struct makes structured values with a schema, for any converter. json makes the finished JSON text, \
             which is faster and wants the StringConverter.",
        ),
        Setting::string("key.field").doc("Field whose value, as text, becomes the key; without it keys are null."),
        Setting::int("batch.records.max")
            .default("1000")
            .range(1, 100_000)
            .importance(Importance::Low)
            .doc("Records that the task hands to the worker at once, at most."),
    ]
}

impl Settings {
    pub fn parse(config: &Config) -> Result<Self> {
        let fields = fields(config)?;
        let number = |name| Ok::<_, Error>(config.parsed::<u64>(name)?.unwrap_or(0));
        Ok(Self {
            topic: config.required("topic")?.to_owned(),
            rate: number("rate")?,
            total: number("total")?,
            // Every i64 is a seed of its own; the sign is only another bit.
            seed: config.parsed::<i64>("seed")?.unwrap_or(0) as u64,
            format: match config.get("format") {
                Some(name) if name.trim().eq_ignore_ascii_case("json") => Format::Json,
                _ => Format::Struct { schema: json::schema(&fields) },
            },
            key_field: key_field(config, &fields)?,
            batch_records_max: config.parsed::<u64>("batch.records.max")?.unwrap_or(1000),
            fields,
        })
    }
}

/// What the declaration above cannot say: the grammar of `fields`, and settings that must fit together.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add =
        |setting: &str, message: String| problems.push(Problem { setting: setting.into(), message });
    match fields(config) {
        Err(error) => add("fields", error.message().into()),
        Ok(fields) => {
            if let Err(error) = key_field(config, &fields) {
                add("key.field", error.message().into());
            }
        }
    }
    let is_json = config.get("format").is_some_and(|name| name.trim().eq_ignore_ascii_case("json"));
    if is_json && config.get("value.converter").is_some_and(|class| class.ends_with("JsonConverter")) {
        let message = "format: json is finished text, which the JsonConverter would quote once more; set \
                       value.converter to org.apache.kafka.connect.storage.StringConverter, or format to struct";
        add("format", message.into());
    }
    problems
}

fn fields(config: &Config) -> Result<Vec<Field>> {
    let text = config.get("fields").filter(|text| !text.trim().is_empty()).unwrap_or(FIELDS);
    spec::parse(text).map_err(|reason| Error::config(format!("fields: {reason}")))
}

fn key_field(config: &Config, fields: &[Field]) -> Result<Option<usize>> {
    let Some(name) = config.get("key.field").map(str::trim).filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let index = fields.iter().position(|field| field.name == name);
    index
        .map(Some)
        .ok_or_else(|| Error::config(format!("key.field: expected a name of fields, got {name:?}")))
}
