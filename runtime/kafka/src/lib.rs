//! The only place of Penstock that talks to Kafka: consumer, producer, admin, compacted log, membership.

mod admin;
mod composer;
mod consumer;
mod context;
mod embedded;
mod error;
mod fetch;
mod flood;
mod log;
mod membership;
mod messages;
mod oauth;
mod pattern;
mod probe;
mod producer;
mod ranges;
mod raw;
mod rights;
mod settings;
mod trouble;

pub use admin::{Admin, Creation, Description, GroupDescription, GroupMember, TopicSpec};
pub use composer::{Composer, OwnRecord};
pub use consumer::{
    Commit, Committed, Committer, Consumer, ConsumerSettings, PartitionLag, RebalanceListener,
};
pub use consumer::{TopicPartition, Topics, Waker};
pub use embedded::EmbeddedBroker;
pub use error::{Error, Kind};
pub use log::{CompactedLog, Leading, LogRecord, LogSettings};
pub use membership::{Event, GroupMembership, GroupSettings, Lease, Member, Membership, Solo};
pub use messages::{Header, Message, Messages};
pub use producer::{Confirmed, fence, transaction_timeout, transactional};
pub use producer::{Delivery, Outgoing, Producer, ProducerSettings, SendError};
pub use ranges::{OffsetRange, read_ranges};
pub use settings::{ClientSettings, Untranslated, is_secret, override_refusal};
