//! The settings that converters with a schema registry declare.

use super::setting::Type::{Boolean, Int, List, Password, String as Text};
use super::setting::{Definition, Importance, Width};
use super::validator::Validator;

/// All of them, `kind` first; `own` are those of one converter.
pub fn settings(kind: Definition, own: Vec<Definition>) -> Vec<Definition> {
    let mut all = vec![kind];
    all.extend(access());
    all.extend(writing());
    all.extend(own);
    all.extend(mapping());
    all
}

/// What only Avro's converter has.
pub fn avro() -> Vec<Definition> {
    vec![
        flag(
            0,
            "enhanced.avro.schema.support",
            "false",
            "Enhanced Avro support",
            "Whether enums are written as enums, and members of unions have their full names.",
        ),
        metadata(),
    ]
}

/// What only Protobuf's converter has.
pub fn protobuf() -> Vec<Definition> {
    vec![
        flag(
            0,
            "enhanced.protobuf.schema.support",
            "false",
            "Enhanced Protobuf support",
            "Whether names keep their package.",
        ),
        metadata(),
        flag(
            3,
            "optional.for.nullables",
            "false",
            "Optional for nullables",
            "Whether the word optional says which fields may be null, in schemas that are read and written.",
        ),
        flag(
            4,
            "wrapper.for.nullables",
            "false",
            "Wrappers for nullables",
            "Whether Google's wrapper messages are fields that may be null, and no others are.",
        ),
        flag(
            5,
            "wrapper.for.raw.primitives",
            "true",
            "Wrappers for plain values",
            "Whether a wrapper message on its own is a plain value.",
        ),
        flag(
            6,
            "generate.index.for.unions",
            "true",
            "Numbers of unions",
            "Whether the name of a oneof ends in its place.",
        ),
        flag(
            7,
            "int.for.enums",
            "false",
            "Numbers for enums",
            "Whether enums are numbers instead of symbols.",
        ),
        flag(
            8,
            "scrub.invalid.names",
            "false",
            "Scrub names",
            "Whether names that Protobuf does not allow are made to fit; otherwise they are refused.",
        ),
    ]
}

/// What only the converter of JSON Schema has.
pub fn json_schema() -> Vec<Definition> {
    vec![
        flag(
            0,
            "use.optional.for.nonrequired",
            "false",
            "Optional unless required",
            "Whether properties that the schema does not require may be missing.",
        ),
        flag(
            3,
            "object.additional.properties",
            "true",
            "Additional properties",
            "Whether written schemas allow other properties than their own.",
        ),
        Definition::new("decimal.format", Text)
            .default("BASE64")
            .checked(Validator::one_of_any_case(&["BASE64", "NUMERIC"]))
            .about(Importance::Low, "How decimals are written: as Base64 of their digits, or as numbers.")
            .placed(MAPPING, 4, Width::Medium)
            .titled("Decimal format"),
        flag(
            5,
            "json.fail.invalid.schema",
            "false",
            "Validate values",
            "Whether values that are read and written have to keep all that their schema says, lengths, patterns and \
             bounds included.",
        ),
    ]
}

/// What Avro's converter and Protobuf's have.
fn metadata() -> Definition {
    let effect = "Whether names, versions and parameters of Connect's schemas are kept in written ones.";
    let flag = flag(1, "connect.meta.data", "true", "Keep metadata", effect);
    Definition { importance: Importance::Low, ..flag }
}

fn flag(order: i32, name: &str, default: &str, title: &str, effect: &str) -> Definition {
    Definition::new(name, Boolean)
        .default(default)
        .about(Importance::Medium, effect)
        .placed(MAPPING, order, Width::Short)
        .titled(title)
}

fn access() -> Vec<Definition> {
    vec![
        Definition::new("schema.registry.url", List)
            .required()
            .about(
                Importance::High,
                "Addresses of the schema registry, of which the first that answers counts. One that ends in \
                 /schemas/ids/ID, /subjects/SUBJECT or /subjects/SUBJECT/versions/VERSION names the schema of records \
                 that carry no id.",
            )
            .placed(REGISTRY, 0, Width::Long)
            .titled("Schema registry URL"),
        Definition::new("basic.auth.credentials.source", Text)
            .default("URL")
            .checked(Validator::one_of(&["URL", "USER_INFO"]))
            .about(Importance::Medium, "Where user and password are: in the address, or in basic.auth.user.info.")
            .placed(REGISTRY, 1, Width::Medium)
            .titled("Basic credentials source"),
        Definition::new("basic.auth.user.info", Password)
            .about(Importance::Medium, "USER:PASSWORD for the registry.")
            .placed(REGISTRY, 2, Width::Medium)
            .titled("Basic credentials"),
        Definition::new("bearer.auth.credentials.source", Text)
            .about(Importance::Medium, "STATIC_TOKEN to send bearer.auth.token.")
            .placed(REGISTRY, 3, Width::Medium)
            .titled("Bearer token source"),
        Definition::new("bearer.auth.token", Password)
            .about(Importance::Medium, "Token for the registry.")
            .placed(REGISTRY, 4, Width::Medium)
            .titled("Bearer token"),
    ]
}

fn writing() -> Vec<Definition> {
    let strategy = |part: &str, order| {
        Definition::new(format!("{part}.subject.name.strategy"), Text)
            .default("io.confluent.kafka.serializers.subject.TopicNameStrategy")
            .about(
                Importance::Medium,
                format!("Under which subject the schema of a {part} is kept: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy."),
            )
            .placed(WRITING, order, Width::Long)
            .titled(format!("Subject of {part}s"))
    };
    vec![
        Definition::new("auto.register.schemas", Boolean)
            .default("true")
            .about(
                Importance::Medium,
                "Whether a schema that is new is registered; otherwise it has to be there.",
            )
            .placed(WRITING, 0, Width::Short)
            .titled("Register schemas"),
        Definition::new("use.latest.version", Boolean)
            .default("false")
            .about(
                Importance::Low,
                "Without auto.register.schemas: write with the newest schema of the subject.",
            )
            .placed(WRITING, 1, Width::Short)
            .titled("Use the newest schema"),
        strategy("key", 2),
        strategy("value", 3),
    ]
}

fn mapping() -> Vec<Definition> {
    vec![
        Definition::new("schemas.cache.config", Int)
            .default("1000")
            .checked(Validator::at_least(1))
            .about(Importance::Low, "How many schemas are kept ready.")
            .placed(MAPPING, 2, Width::Short)
            .titled("Schema cache size"),
    ]
}

const REGISTRY: &str = "Schema Registry";
const WRITING: &str = "Writing";
const MAPPING: &str = "Mapping";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_converter_declares_what_it_reads_once() {
        let kind = || Definition::new("converter.type", Text);
        let names = |own| settings(kind(), own).into_iter().map(|setting| setting.name).collect::<Vec<_>>();
        for (names, keeps_metadata) in
            [(names(avro()), true), (names(protobuf()), true), (names(json_schema()), false)]
        {
            assert_eq!(names.iter().any(|name| name == "connect.meta.data"), keeps_metadata, "{names:?}");
            let distinct: std::collections::HashSet<_> = names.iter().collect();
            assert_eq!(distinct.len(), names.len(), "{names:?}");
        }
    }
}
