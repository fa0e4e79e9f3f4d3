//! The transforms and predicates there are, by Java's class names.

/// Which part of a record a transform works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Key,
    Value,
}

/// What a class does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Cast(Side),
    DropHeaders,
    ExtractField(Side),
    Filter,
    Flatten(Side),
    HeaderFrom(Side),
    HoistField(Side),
    InsertField(Side),
    InsertHeader,
    MaskField(Side),
    RegexRouter,
    ReplaceField(Side),
    SetSchemaMetadata(Side),
    TimestampConverter(Side),
    TimestampRouter,
    ValueToKey,
    HasHeaderKey,
    RecordIsTombstone,
    TopicNameMatches,
}

/// A class that a config can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Java's full class name.
    pub name: &'static str,
    pub kind: Kind,
}

impl Class {
    /// All transforms, in the order in which clients are offered them.
    pub fn transforms() -> impl Iterator<Item = Self> {
        ALL.iter().copied().filter(|class| !class.is_predicate())
    }

    pub fn predicates() -> impl Iterator<Item = Self> {
        ALL.iter().copied().filter(|class| class.is_predicate())
    }

    pub fn is_predicate(self) -> bool {
        matches!(self.kind, Kind::HasHeaderKey | Kind::RecordIsTombstone | Kind::TopicNameMatches)
    }

    /// The name without its package.
    pub fn simple_name(self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

/// Finds a class by Java's full name, or by its simple name where that is not one of a pair for key and value.
pub fn find(name: &str) -> Option<Class> {
    let is =
        |class: &&Class| class.name == name || (!class.name.contains('$') && class.simple_name() == name);
    ALL.iter().find(is).copied()
}

/// The pair for key and value of a class that cannot be used by itself, such as `…transforms.Cast`.
pub fn similar(name: &str) -> Vec<&'static str> {
    let is = |class: &&Class| class.name.split_once('$').is_some_and(|(outer, _)| outer == name);
    ALL.iter().filter(is).map(|class| class.name).collect()
}

macro_rules! class {
    ($name:literal, $kind:expr) => {
        Class { name: concat!("org.apache.kafka.connect.transforms.", $name), kind: $kind }
    };
}

const ALL: &[Class] = &[
    class!("Cast$Key", Kind::Cast(Side::Key)),
    class!("Cast$Value", Kind::Cast(Side::Value)),
    class!("DropHeaders", Kind::DropHeaders),
    class!("ExtractField$Key", Kind::ExtractField(Side::Key)),
    class!("ExtractField$Value", Kind::ExtractField(Side::Value)),
    class!("Filter", Kind::Filter),
    class!("Flatten$Key", Kind::Flatten(Side::Key)),
    class!("Flatten$Value", Kind::Flatten(Side::Value)),
    class!("HeaderFrom$Key", Kind::HeaderFrom(Side::Key)),
    class!("HeaderFrom$Value", Kind::HeaderFrom(Side::Value)),
    class!("HoistField$Key", Kind::HoistField(Side::Key)),
    class!("HoistField$Value", Kind::HoistField(Side::Value)),
    class!("InsertField$Key", Kind::InsertField(Side::Key)),
    class!("InsertField$Value", Kind::InsertField(Side::Value)),
    class!("InsertHeader", Kind::InsertHeader),
    class!("MaskField$Key", Kind::MaskField(Side::Key)),
    class!("MaskField$Value", Kind::MaskField(Side::Value)),
    class!("RegexRouter", Kind::RegexRouter),
    class!("ReplaceField$Key", Kind::ReplaceField(Side::Key)),
    class!("ReplaceField$Value", Kind::ReplaceField(Side::Value)),
    class!("SetSchemaMetadata$Key", Kind::SetSchemaMetadata(Side::Key)),
    class!("SetSchemaMetadata$Value", Kind::SetSchemaMetadata(Side::Value)),
    class!("TimestampConverter$Key", Kind::TimestampConverter(Side::Key)),
    class!("TimestampConverter$Value", Kind::TimestampConverter(Side::Value)),
    class!("TimestampRouter", Kind::TimestampRouter),
    class!("ValueToKey", Kind::ValueToKey),
    class!("predicates.HasHeaderKey", Kind::HasHeaderKey),
    class!("predicates.RecordIsTombstone", Kind::RecordIsTombstone),
    class!("predicates.TopicNameMatches", Kind::TopicNameMatches),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_java_finds_them() {
        let name = |name| find(name).map(Class::simple_name);
        assert_eq!(name("org.apache.kafka.connect.transforms.Cast$Value"), Some("Cast$Value"));
        assert_eq!(name("RegexRouter"), Some("RegexRouter"));
        assert_eq!(name("TopicNameMatches"), Some("TopicNameMatches"));
        for unknown in ["", "Cast", "Cast$Value", "Value", "org.apache.kafka.connect.transforms.Cast"] {
            assert_eq!(name(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn an_abstract_class_leads_to_its_pair() {
        let pair = similar("org.apache.kafka.connect.transforms.MaskField");
        assert_eq!(pair.len(), 2);
        assert!(pair[0].ends_with("MaskField$Key") && pair[1].ends_with("MaskField$Value"));
        assert!(similar("org.apache.kafka.connect.transforms.Filter").is_empty());
    }

    #[test]
    fn all_of_connects_classes_are_there() {
        assert_eq!((Class::transforms().count(), Class::predicates().count()), (26, 3));
    }
}
