//! What a connector says of itself: name, settings, documentation.
use crate::Setting;

/// Built step by step in [`crate::Source::about`] and [`crate::Sink::about`].
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct About {
    pub(crate) class: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) version: String,
    pub(crate) documentation: String,
    pub(crate) settings: Vec<Setting>,
    pub(crate) is_encoded: bool,
    pub(crate) is_exactly_once: bool,
    pub(crate) asks_registries: bool,
    pub(crate) reads_protobuf: bool,
    pub(crate) replays: bool,
    pub(crate) replays_within: String,
}

impl About {
    /// `class` is what users write as `connector.class`; `documentation` is one plain sentence.
    pub fn new(class: impl Into<String>, documentation: impl Into<String>) -> Self {
        Self {
            class: class.into(),
            aliases: Vec::new(),
            version: "0.0.0".into(),
            documentation: documentation.into(),
            settings: Vec::new(),
            is_encoded: false,
            is_exactly_once: false,
            asks_registries: false,
            reads_protobuf: false,
            replays: false,
            replays_within: String::new(),
        }
    }

    /// Another `connector.class` that means this connector, for configs written for another system.
    #[must_use]
    pub fn alias(mut self, class: impl Into<String>) -> Self {
        self.aliases.push(class.into());
        self
    }

    /// Give `env!("CARGO_PKG_VERSION")`.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    #[must_use]
    pub fn setting(mut self, setting: Setting) -> Self {
        self.settings.push(setting);
        self
    }

    /// Several settings, in their order.
    #[must_use]
    pub fn settings(mut self, settings: impl IntoIterator<Item = Setting>) -> Self {
        self.settings.extend(settings);
        self
    }

    /// A sink that decodes by itself: keys and values arrive as they are in Kafka, and [`crate::Task`] tells
    /// which converter the user configured for them.
    #[must_use]
    pub fn encoded(mut self) -> Self {
        self.is_encoded = true;
        self
    }

    /// A sink that keeps exactly-once delivery when its setting `exactlyOnce` is true: the worker then calls
    /// [`crate::Sink::write_planned`].
    ///
    /// A source whose positions are exact: opened with one, it goes on with the record right behind those that the poll
    /// of this position gave, and never gives one of these again. Users may then require exactly-once delivery of it.
    #[must_use]
    pub fn exactly_once(mut self) -> Self {
        self.is_exactly_once = true;
        self
    }

    /// A sink that is [`Self::encoded`] and finds the schemas of a registry by itself. Without this, what was written
    /// with such a schema arrives as JSON.
    #[must_use]
    pub fn asks_registries(mut self) -> Self {
        self.asks_registries = true;
        self
    }

    /// A source that is [`Self::exactly_once`] and gives the same records again: those of a partition between two of its
    /// positions, in the same order, as often as [`crate::Task::bounds`] asks for them. Users may then require
    /// exactly-once delivery of a pipe.
    ///
    /// Such a source calls [`crate::Poll::position`] right behind the records that the position is about. Where a
    /// partition begins at no fixed place, such as "now", it gives a poll with a position and no record of the
    /// partition first.
    #[must_use]
    pub fn replays(mut self) -> Self {
        self.replays = true;
        self.exactly_once()
    }

    /// A source that [`Self::replays`] within one value of a field of its offsets: a source of files names the field
    /// that has the file. [`crate::Task::bounds`] then asks for records of several values by a bound each, in order, as what
    /// lies between two files may be another thing by then. Such a source gives records of one value for each partition
    /// in a poll.
    #[must_use]
    pub fn replays_within(mut self, field: impl Into<String>) -> Self {
        self.replays_within = field.into();
        self.replays()
    }

    /// A sink that [asks registries](Self::asks_registries), which alone stands for Avro, and reads Protobuf as well.
    #[must_use]
    pub fn reads_protobuf(mut self) -> Self {
        self.reads_protobuf = true;
        self
    }
}
