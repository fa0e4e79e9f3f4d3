//! Tables of functions. Each begins with its size in bytes and only ever grows at its end.
use crate::{Batch, Fields, Pairs, Position, SourceBatch, Str};
use core::ffi::c_void;

/// What a call answered.
pub const STATUS_OK: u32 = 0;
/// A setting is wrong; trying again is useless until it is changed.
pub const STATUS_CONFIG: u32 = 1;
/// Try the same call again later. Nothing of the batch was reported as done.
pub const STATUS_RETRY: u32 = 2;
/// The rejected records (see [`Report::reject`]) were not written, every other one is durable.
pub const STATUS_RECORDS: u32 = 3;
/// The task cannot go on.
pub const STATUS_FATAL: u32 = 4;
/// The author's code panicked; the report's message says what and where.
pub const STATUS_PANIC: u32 = 5;

pub const KIND_SOURCE: u32 = 1;
pub const KIND_SINK: u32 = 2;

/// [`Connector::flags`]: the sink wants keys and values as they are in Kafka and decodes by itself.
pub const FLAG_ENCODED: u32 = 1;
/// [`Connector::flags`]: with the setting `exactlyOnce` the sink writes under plans, by [`Connector::write_planned`].
pub const FLAG_PLANS: u32 = 2;

/// [`Plan::flags`]: the same plan may have been written before, by this instance or by one that is gone.
pub const PLAN_REPEATED: u32 = 1;
/// [`Connector::flags`], beside [`FLAG_ENCODED`]: the sink finds Avro schemas of a registry by itself, and gets Avro as it
/// is. Without it, what was written with a schema of a registry arrives as JSON.
pub const FLAG_REGISTRY: u32 = 4;
/// [`Connector::flags`], beside [`FLAG_REGISTRY`], which alone stands for Avro: the sink reads Protobuf as well.
pub const FLAG_PROTOBUF: u32 = 8;
/// [`Connector::flags`]: the source's positions are exact: from each it goes on with the record behind, whatever broke
/// off before.
pub const FLAG_EXACT: u32 = 16;
/// [`Connector::flags`], beside [`FLAG_EXACT`]: between two positions of a partition the source gives the same records
/// again, when [`Host::bounds`] asks for them, and says of every record which partition it is of
/// ([`crate::Record::offset`]). Since minor 3.
pub const FLAG_REPLAYS: u32 = 32;

pub const LEVEL_ERROR: u32 = 1;
pub const LEVEL_WARN: u32 = 2;
pub const LEVEL_INFO: u32 = 3;
pub const LEVEL_DEBUG: u32 = 4;
pub const LEVEL_TRACE: u32 = 5;

/// [`Report::problem`]: the value cannot be used.
pub const SEVERITY_ERROR: u32 = 1;
/// [`Report::problem`]: the setting has no meaning here.
pub const SEVERITY_UNKNOWN: u32 = 2;

c_struct! {
    /// The one exported static of a plugin. Never changes its shape.
    pub struct Entry {
        /// [`crate::MAGIC`].
        pub magic: [u8; 8],
        pub major: u32,
        pub minor: u32,
        /// [`crate::LAYOUT_HASH`].
        pub layout: u64,
        /// Called once, after the fields above were found right. The catalog lives as long as the process.
        pub catalog: unsafe extern "C" fn() -> *const Catalog,
    }
}

// SAFETY: the entry is read only; its function may be called from any thread.
unsafe impl Sync for Entry {}

c_struct! {
    /// What a library offers.
    pub struct Catalog {
        pub size: usize,
        /// What built it, for people: `penstock-sdk 0.1.0`.
        pub built_with: Str,
        pub connectors: *const *const Connector,
        pub connectors_len: usize,
    }
}

c_struct! {
    /// One connector of a library. Lives as long as the process.
    pub struct Connector {
        pub size: usize,
        /// [`KIND_SOURCE`] or [`KIND_SINK`].
        pub kind: u32,
        /// A sum of `FLAG_*`.
        pub flags: u32,
        /// The value of `connector.class` that new users write.
        pub class: Str,
        /// Other values of `connector.class` that mean this connector.
        pub aliases: *const Str,
        pub aliases_len: usize,
        pub version: Str,
        /// One plain sentence.
        pub documentation: Str,
        /// The settings as a JSON array, in the shape that `docs/plugin-abi.md` gives.
        pub settings: Str,
        /// Checks settings beyond their declaration; every problem goes to the report. May ask the outside for three seconds.
        pub validate: unsafe extern "C" fn(Pairs, *const Report) -> u32,
        /// Splits the work: calls [`Report::task`] once for each task, at most as often as the second argument.
        pub plan: unsafe extern "C" fn(Pairs, u32, *const Report) -> u32,
        /// Makes a task. On `STATUS_OK` the third argument points at an instance that `close` ends.
        pub open: unsafe extern "C" fn(*const Open, *mut *mut c_void, *const Report) -> u32,
        /// Sources: the next records. Waits for them through [`Host::wait`], a second at most.
        pub poll: Option<unsafe extern "C" fn(*mut c_void, *mut SourceBatch, *const Report) -> u32>,
        /// Sources: these positions are stored. Called between polls; may be null.
        pub committed: Option<unsafe extern "C" fn(*mut c_void, *const Position, usize) -> ()>,
        /// Sinks: makes the batch durable before it answers `STATUS_OK`.
        pub write: Option<unsafe extern "C" fn(*mut c_void, *const Batch, *const Report) -> u32>,
        /// Ends an instance; always called once for each that `open` made, from the thread of its other calls.
        pub close: unsafe extern "C" fn(*mut c_void) -> (),
        /// Sinks with [`FLAG_PLANS`]: as `write`, and has no effect where the plan's token had its effect already.
        /// Since minor 1.
        pub write_planned:
            Option<unsafe extern "C" fn(*mut c_void, *const Batch, *const Plan, *const Report) -> u32>,
        /// A question that needs no task, by its name, about these settings: the third argument is the JSON that came with
        /// it, and the answer goes to [`Report::answer`]. An unknown question gets none. As with `validate`, the outside
        /// may be asked for three seconds. Since minor 2.
        pub ask: Option<unsafe extern "C" fn(Str, Pairs, Str, *const Report) -> u32>,
        /// Sources with [`FLAG_REPLAYS`] whose [`Host::bounds`] must not go over from one value of a field of their offsets
        /// to another: the field's name. Records of several values then have a bound each, in order. Empty where bounds
        /// may span anything. Since minor 4.
        pub replays_within: Str,
    }
}

c_struct! {
    /// What the worker stored about a batch before it gave it to the sink. Valid during the call. Since minor 1.
    pub struct Plan {
        pub size: usize,
        /// The same for the same records, whoever brings them, and for no others.
        pub token: Str,
        /// Milliseconds since the plan was made, by the clocks of those who made it and who bring it.
        pub age_ms: u64,
        /// A sum of `PLAN_*`.
        pub flags: u32,
        pub reserved: u32,
    }
}

// SAFETY: connectors and catalogs are read only, and live as long as the process.
unsafe impl Sync for Connector {}
// SAFETY: as above.
unsafe impl Send for Connector {}
// SAFETY: as above.
unsafe impl Sync for Catalog {}
// SAFETY: as above.
unsafe impl Send for Catalog {}

c_struct! {
    /// What a task is given when it opens.
    pub struct Open {
        pub size: usize,
        /// Every setting of the task, references already resolved.
        pub config: Pairs,
        pub connector: Str,
        pub task: u32,
        pub reserved: u32,
        /// What `KIND_BYTES` keys hold: `json`, `json-envelope`, `text`, `bytes`, `short`, `integer`, …
        pub key_format: Str,
        /// The same for values.
        pub value_format: Str,
        /// Stays valid until `close` has returned.
        pub host: *const Host,
    }
}

c_struct! {
    /// What the worker does for a task. Any thread of the plugin may call these until `close` returns.
    pub struct Host {
        pub size: usize,
        /// First argument of every function below.
        pub context: *mut c_void,
        /// Logs a line with connector and task as fields.
        pub log: unsafe extern "C" fn(*mut c_void, u32, Str) -> (),
        /// Adds to a counter of the task: `penstock_plugin_events_total{name="NAME"}`.
        pub count: unsafe extern "C" fn(*mut c_void, Str, u64) -> (),
        /// Sets a gauge of the task: `penstock_plugin_value{name="NAME"}`.
        pub gauge: unsafe extern "C" fn(*mut c_void, Str, f64) -> (),
        /// Sleeps for so many milliseconds, or less when the task is to end. Answers 1 when it is to end.
        pub wait: unsafe extern "C" fn(*mut c_void, u64) -> u32,
        /// Looks up the stored offset of a source partition and gives it to the callback, whose first argument
        /// is the third here; no call when none is stored.
        pub resume:
            unsafe extern "C" fn(*mut c_void, Fields, *mut c_void, unsafe extern "C" fn(*mut c_void, Fields) -> ()) -> (),
        /// Answers 0 when another worker may have taken the task over: nothing may be sent under a plan then. To be
        /// asked right before each sending. Since minor 1.
        pub may_write: Option<unsafe extern "C" fn(*mut c_void) -> u32>,
        /// Sources with [`FLAG_REPLAYS`]: what the task is bound to. Gives each partition, where to begin in it (no
        /// fields: where the source begins when nothing is stored) and where to end to the callback, whose first
        /// argument is the second here. Without a call of it the task reads on without end. Since minor 3.
        pub bounds: Option<
            unsafe extern "C" fn(
                *mut c_void,
                *mut c_void,
                unsafe extern "C" fn(*mut c_void, Fields, Fields, Fields) -> (),
            ) -> (),
        >,
    }
}

// SAFETY: the host's functions may be called from any thread.
unsafe impl Sync for Host {}
// SAFETY: as above.
unsafe impl Send for Host {}

c_struct! {
    /// Where a call puts what it has to say besides its status. Valid during the call.
    pub struct Report {
        pub size: usize,
        /// First argument of every function below.
        pub context: *mut c_void,
        /// The sentence that belongs to a status other than `STATUS_OK`.
        pub message: unsafe extern "C" fn(*mut c_void, Str) -> (),
        /// `STATUS_RETRY`: not before so many milliseconds.
        pub retry_after: unsafe extern "C" fn(*mut c_void, u64) -> (),
        /// `STATUS_RECORDS`: the record with this index was not written, and why.
        pub reject: unsafe extern "C" fn(*mut c_void, u64, Str) -> (),
        /// `validate`: severity, name of the setting, what is wrong.
        pub problem: unsafe extern "C" fn(*mut c_void, u32, Str, Str) -> (),
        /// `plan`: the settings of one more task.
        pub task: unsafe extern "C" fn(*mut c_void, Pairs) -> (),
        /// `ask`: the answer as JSON; the last one counts. Since minor 2.
        pub answer: unsafe extern "C" fn(*mut c_void, Str) -> (),
    }
}
