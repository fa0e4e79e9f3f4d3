//! The converters of Connect that this worker has, and the names they are known by.

/// A converter that this worker has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Boolean,
    ByteArray,
    Double,
    Float,
    Integer,
    Long,
    Short,
    Json,
    SimpleHeader,
    String,
    /// With its schemas in a registry.
    Avro,
    Protobuf,
    JsonSchema,
}

impl Class {
    /// In the order in which clients are offered them.
    pub const ALL: [Self; 13] = [
        Self::Boolean,
        Self::ByteArray,
        Self::Double,
        Self::Float,
        Self::Integer,
        Self::Long,
        Self::Short,
        Self::Json,
        Self::SimpleHeader,
        Self::String,
        Self::Avro,
        Self::Protobuf,
        Self::JsonSchema,
    ];

    /// Finds a converter by Java's full name, the simple name, or the simple name without `Converter`.
    pub fn find(name: &str) -> Option<Self> {
        let is = |class: &Self| {
            let full = class.name();
            let simple = full.rsplit('.').next().unwrap_or(full);
            name == full || name == simple || simple.strip_suffix("Converter") == Some(name)
        };
        Self::ALL.into_iter().find(is)
    }

    /// Java's full class name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "org.apache.kafka.connect.converters.BooleanConverter",
            Self::ByteArray => "org.apache.kafka.connect.converters.ByteArrayConverter",
            Self::Double => "org.apache.kafka.connect.converters.DoubleConverter",
            Self::Float => "org.apache.kafka.connect.converters.FloatConverter",
            Self::Integer => "org.apache.kafka.connect.converters.IntegerConverter",
            Self::Long => "org.apache.kafka.connect.converters.LongConverter",
            Self::Short => "org.apache.kafka.connect.converters.ShortConverter",
            Self::Json => "org.apache.kafka.connect.json.JsonConverter",
            Self::SimpleHeader => "org.apache.kafka.connect.storage.SimpleHeaderConverter",
            Self::String => "org.apache.kafka.connect.storage.StringConverter",
            Self::Avro => "io.confluent.connect.avro.AvroConverter",
            Self::Protobuf => "io.confluent.connect.protobuf.ProtobufConverter",
            Self::JsonSchema => "io.confluent.connect.json.JsonSchemaConverter",
        }
    }

    /// Whether a worker of Apache Kafka has it without anything added, which is what clients are recommended.
    pub fn is_kafkas_own(self) -> bool {
        !self.needs_registry()
    }

    /// Whether schemas come from a registry.
    pub fn needs_registry(self) -> bool {
        matches!(self, Self::Avro | Self::Protobuf | Self::JsonSchema)
    }

    /// What a sink that decodes by itself calls the format.
    pub fn format_name(self) -> &'static str {
        match self {
            Self::Avro => "avro-confluent",
            Self::Boolean => "boolean",
            Self::ByteArray => "bytes",
            Self::Double => "double",
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Json => "json",
            Self::JsonSchema => "json-confluent",
            Self::Long => "long",
            Self::Protobuf => "protobuf-confluent",
            Self::Short => "short",
            Self::SimpleHeader | Self::String => "text",
        }
    }

    /// What to use in the place of a converter of another registry's makers, which this worker does not have.
    pub fn advice(name: &str) -> Option<String> {
        let (_, instead, why) = FOREIGN.iter().find(|(known, ..)| *known == name)?;
        Some(format!("use {}{why}", instead.name()))
    }

    /// Whether keys and values can go through it; `SimpleHeaderConverter` is for headers alone.
    pub fn is_for_records(self) -> bool {
        self != Self::SimpleHeader
    }
}

const APICURIO: &str = ", with the registry's Confluent interface (…/apis/ccompat/v7) as schema.registry.url and ids of 4 bytes in records";
const GLUE: &str = " and a registry with Confluent's interface: headers of AWS Glue are not read here";
const FOREIGN: &[(&str, Class, &str)] = &[
    ("io.apicurio.registry.utils.converter.AvroConverter", Class::Avro, APICURIO),
    ("io.apicurio.registry.utils.converter.ProtobufConverter", Class::Protobuf, APICURIO),
    ("io.apicurio.registry.utils.converter.ExtJsonConverter", Class::JsonSchema, APICURIO),
    ("com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter", Class::Avro, GLUE),
    (
        "com.amazonaws.services.schemaregistry.kafkaconnect.protobuf.ProtobufSchemaConverter",
        Class::Protobuf,
        GLUE,
    ),
    (
        "com.amazonaws.services.schemaregistry.kafkaconnect.jsonschema.JsonSchemaConverter",
        Class::JsonSchema,
        GLUE,
    ),
];

#[cfg(test)]
mod tests {
    use super::Class;

    #[test]
    fn every_converter_is_found_by_its_three_names() {
        for class in Class::ALL {
            let full = class.name();
            let simple = full.rsplit('.').next().unwrap();
            for name in [full, simple, simple.strip_suffix("Converter").unwrap()] {
                assert_eq!(Class::find(name), Some(class), "{name}");
            }
        }
        for name in [
            "",
            "Converter",
            "converters.LongConverter",
            "jsonconverter",
            "io.apicurio.registry.utils.converter.AvroConverter",
        ] {
            assert_eq!(Class::find(name), None, "{name}");
        }
    }

    #[test]
    fn foreign_names_lead_to_ours() {
        let advice = Class::advice("io.apicurio.registry.utils.converter.AvroConverter").unwrap();
        assert!(advice.contains("use io.confluent.connect.avro.AvroConverter, with"), "{advice}");
        let glue = Class::advice(
            "com.amazonaws.services.schemaregistry.kafkaconnect.jsonschema.JsonSchemaConverter",
        );
        assert!(glue.unwrap().contains("use io.confluent.connect.json.JsonSchemaConverter and"));
        assert_eq!(Class::advice("io.confluent.connect.avro.AvroConverter"), None);
    }
}
