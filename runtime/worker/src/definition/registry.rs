//! The settings that converters with a schema registry declare.

use super::setting::Type::{Boolean, Int, List, Password, String as Text};
use super::setting::{Definition, Importance, Width};
use super::validator::Validator;

/// All of them, `kind` first.
pub fn settings(kind: Definition) -> Vec<Definition> {
    let mut all = vec![kind];
    all.extend(access());
    all.extend(writing());
    all.extend(mapping());
    all
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
        Definition::new("enhanced.avro.schema.support", Boolean)
            .default("false")
            .about(
                Importance::Medium,
                "Whether enums are written as enums, and members of unions have their full names.",
            )
            .placed(MAPPING, 0, Width::Short)
            .titled("Enhanced Avro support"),
        Definition::new("connect.meta.data", Boolean)
            .default("true")
            .about(
                Importance::Low,
                "Whether names, versions and parameters of Connect's schemas are kept in written ones.",
            )
            .placed(MAPPING, 1, Width::Short)
            .titled("Keep metadata"),
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
