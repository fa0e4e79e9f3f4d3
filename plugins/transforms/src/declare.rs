//! The settings of every class, declared once: validation, REST answers and opening are made from it.
use crate::catalog::Kind;
use crate::rule::Rule;
use penstock_sdk::{Importance, Type};

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub name: &'static str,
    pub kind: Type,
    /// `None` for a setting that has to be given, or that is unset without a value.
    pub default: Option<&'static str>,
    pub required: bool,
    pub importance: Importance,
    pub rule: Rule,
    pub documentation: &'static str,
}

impl Setting {
    const fn new(name: &'static str, kind: Type, documentation: &'static str) -> Self {
        Self {
            name,
            kind,
            default: None,
            required: false,
            importance: Importance::Medium,
            rule: Rule::Any,
            documentation,
        }
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self.high()
    }

    const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    const fn high(mut self) -> Self {
        self.importance = Importance::High;
        self
    }

    const fn medium(mut self) -> Self {
        self.importance = Importance::Medium;
        self
    }

    const fn low(mut self) -> Self {
        self.importance = Importance::Low;
        self
    }

    const fn rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }
}

/// What a class can be given, in the order in which clients see it.
pub fn settings(kind: Kind) -> &'static [Setting] {
    match kind {
        Kind::Cast(_) => CAST,
        Kind::DropHeaders => DROP_HEADERS,
        Kind::ExtractField(_) => EXTRACT_FIELD,
        Kind::Filter | Kind::RecordIsTombstone => &[],
        Kind::Flatten(_) => FLATTEN,
        Kind::HeaderFrom(_) => HEADER_FROM,
        Kind::HoistField(_) => HOIST_FIELD,
        Kind::InsertField(_) => INSERT_FIELD,
        Kind::InsertHeader => INSERT_HEADER,
        Kind::MaskField(_) => MASK_FIELD,
        Kind::RegexRouter => REGEX_ROUTER,
        Kind::ReplaceField(_) => REPLACE_FIELD,
        Kind::SetSchemaMetadata(_) => SET_SCHEMA_METADATA,
        Kind::TimestampConverter(_) => TIMESTAMP_CONVERTER,
        Kind::TimestampRouter => TIMESTAMP_ROUTER,
        Kind::ValueToKey => VALUE_TO_KEY,
        Kind::HasHeaderKey => HAS_HEADER_KEY,
        Kind::TopicNameMatches => TOPIC_NAME_MATCHES,
    }
}

const DEFAULTS: Setting = Setting::new(
    "replace.null.with.default",
    Type::Boolean,
    "Whether a null in a field whose schema has a default is taken for that default.",
)
.default("true");

const CAST: &[Setting] = &[
    Setting::new(
        "spec",
        Type::List,
        "Fields and their new types, such as price:float64,id:string, or one type for the whole key or value. \
         Types are int8, int16, int32, int64, float32, float64, boolean and string; bytes become strings only.",
    )
    .required()
    .rule(Rule::Casts),
    DEFAULTS,
];

const DROP_HEADERS: &[Setting] = &[Setting::new("headers", Type::List, "Names of the headers to leave out.")
    .required()
    .rule(Rule::DistinctItems { may_be_empty: false })];

const EXTRACT_FIELD: &[Setting] = &[
    Setting::new("field", Type::String, "Field whose value takes the place of the key or value.")
        .required()
        .medium(),
    DEFAULTS,
    Setting::new(
        "field.syntax.version",
        Type::String,
        "How field names are read: V1 takes them as they are, V2 as paths with dots, where backticks hold a name \
         with dots together.",
    )
    .default("V1")
    .high()
    .rule(Rule::OneOfAnyCase(&["V1", "V2"])),
];

const FLATTEN: &[Setting] = &[Setting::new(
    "delimiter",
    Type::String,
    "Text between the names of outer and inner fields in the names of the fields that come of them.",
)
.default(".")];

const HEADER_FROM: &[Setting] = &[
    Setting::new("fields", Type::List, "Fields whose values become headers.")
        .required()
        .rule(Rule::NonEmptyList),
    Setting::new(
        "headers",
        Type::List,
        "Names of the headers, one for each of the fields and in their order.",
    )
    .required()
    .rule(Rule::NonEmptyList),
    Setting::new(
        "operation",
        Type::String,
        "Whether the fields also stay where they are (copy) or not (move).",
    )
    .required()
    .rule(Rule::OneOf(&["move", "copy"])),
    DEFAULTS,
];

const HOIST_FIELD: &[Setting] =
    &[Setting::new("field", Type::String, "Name of the only field of the struct or map that is put around.")
        .required()
        .medium()];

const INSERT_FIELD: &[Setting] = &[
    Setting::new(
        "topic.field",
        Type::String,
        "Field that takes the record's topic. It is optional; with an exclamation mark behind the name it is not.",
    ),
    Setting::new(
        "partition.field",
        Type::String,
        "Field that takes the record's partition; marked as topic.field.",
    ),
    Setting::new(
        "offset.field",
        Type::String,
        "Field that takes the record's offset, which only sinks know; marked as topic.field.",
    ),
    Setting::new(
        "timestamp.field",
        Type::String,
        "Field that takes the record's timestamp; marked as topic.field.",
    ),
    Setting::new("static.field", Type::String, "Field that takes static.value; marked as topic.field."),
    Setting::new("static.value", Type::String, "Text for static.field."),
    DEFAULTS,
];

const INSERT_HEADER: &[Setting] = &[
    Setting::new("header", Type::String, "Name of the header.").required().rule(Rule::NotNull),
    Setting::new(
        "value.literal",
        Type::String,
        "Value of the header; its type is told from how it is written.",
    )
    .required()
    .rule(Rule::NotNull),
];

const MASK_FIELD: &[Setting] = &[
    Setting::new("fields", Type::List, "Fields whose values are hidden.")
        .required()
        .rule(Rule::DistinctItems { may_be_empty: false }),
    Setting::new(
        "replacement",
        Type::String,
        "What numbers and texts are replaced by, instead of zero and the empty text.",
    )
    .low()
    .rule(Rule::NonEmpty),
    DEFAULTS,
];

const REGEX_ROUTER: &[Setting] = &[
    Setting::new("regex", Type::String, "Pattern that the whole name of the topic has to match.")
        .required()
        .rule(Rule::Regex),
    Setting::new(
        "replacement",
        Type::String,
        "New name of the topic; $1 stands for the pattern's first group.",
    )
    .required(),
];

const REPLACE_FIELD: &[Setting] = &[
    Setting::new("exclude", Type::List, "Fields to leave out, also if they are included.")
        .default("")
        .rule(Rule::DistinctItems { may_be_empty: true }),
    Setting::new("include", Type::List, "Fields to keep; all of them if none is named.")
        .default("")
        .rule(Rule::DistinctItems { may_be_empty: true }),
    Setting::new("renames", Type::List, "Fields and their new names, such as old:new,other:another.")
        .default("")
        .rule(Rule::Renames),
    DEFAULTS,
];

const SET_SCHEMA_METADATA: &[Setting] = &[
    Setting::new("schema.name", Type::String, "New name of the schema.").high(),
    Setting::new("schema.version", Type::Int, "New version of the schema.").high(),
    DEFAULTS,
];

const TIMESTAMP_CONVERTER: &[Setting] = &[
    Setting::new("field", Type::String, "Field with the time; empty if the whole key or value is one.")
        .default("")
        .high(),
    Setting::new("target.type", Type::String, "What the time becomes: string, unix, Date, Time or Timestamp.")
        .required()
        .rule(Rule::OneOf(&["string", "unix", "Date", "Time", "Timestamp"])),
    Setting::new(
        "format",
        Type::String,
        "Pattern by which times are written as text and read from text, in the letters of Java's SimpleDateFormat.",
    )
    .default(""),
    Setting::new("unix.precision", Type::String, "What a number that is a time counts, read or written.")
        .default("milliseconds")
        .low()
        .rule(Rule::OneOf(&["nanoseconds", "microseconds", "milliseconds", "seconds"])),
    DEFAULTS,
];

const TIMESTAMP_ROUTER: &[Setting] = &[
    Setting::new(
        "topic.format",
        Type::String,
        "New name of the topic, in which ${topic} and ${timestamp} stand for the old name and the record's time.",
    )
    .default("${topic}-${timestamp}")
    .high(),
    Setting::new(
        "timestamp.format",
        Type::String,
        "Pattern by which the time is written, in the letters of Java's SimpleDateFormat.",
    )
    .default("yyyyMMdd")
    .high(),
];

const VALUE_TO_KEY: &[Setting] = &[
    Setting::new("fields", Type::List, "Fields of the value that make up the new key.")
        .required()
        .rule(Rule::DistinctItems { may_be_empty: false }),
    DEFAULTS,
];

const HAS_HEADER_KEY: &[Setting] =
    &[Setting::new("name", Type::String, "Name of the header that a record has to have.")
        .required()
        .medium()
        .rule(Rule::NonEmpty)];

const TOPIC_NAME_MATCHES: &[Setting] =
    &[Setting::new("pattern", Type::String, "Pattern that the whole name of a record's topic has to match.")
        .required()
        .medium()
        .rule(Rule::NonEmptyRegex)];
