//! The frozen structs that carry records, settings and offsets across the boundary.
use core::ptr;

c_struct! {
    /// Borrowed UTF-8 text.
    pub struct Str {
        /// First byte; may be anything, but not null, when `len` is 0.
        pub ptr: *const u8,
        /// Bytes, not characters.
        pub len: usize,
    }
}

c_struct! {
    /// Borrowed bytes that may be absent: a null `ptr` is Kafka's null, an empty value has `len` 0.
    pub struct Bytes {
        pub ptr: *const u8,
        pub len: usize,
    }
}

c_struct! {
    /// One setting of a connector: its name and its value as text.
    pub struct Pair {
        pub key: Str,
        pub value: Str,
    }
}

c_struct! {
    /// The settings of a connector or task.
    pub struct Pairs {
        pub ptr: *const Pair,
        pub len: usize,
    }
}

c_struct! {
    /// One named scalar of a source partition or source offset.
    pub struct Field {
        pub name: Str,
        /// One of `FIELD_*`; says which member below holds the value.
        pub kind: u64,
        /// `FIELD_INTEGER`, and `FIELD_BOOLEAN` as 0 or 1.
        pub integer: i64,
        /// `FIELD_FLOAT`.
        pub float: f64,
        /// `FIELD_TEXT`.
        pub text: Str,
    }
}

/// Kinds of a [`Field`].
pub const FIELD_NULL: u64 = 0;
pub const FIELD_BOOLEAN: u64 = 1;
pub const FIELD_INTEGER: u64 = 2;
pub const FIELD_FLOAT: u64 = 3;
pub const FIELD_TEXT: u64 = 4;

c_struct! {
    /// A source partition or a source offset: a flat map of scalars, as Connect keeps them.
    pub struct Fields {
        pub ptr: *const Field,
        pub len: usize,
    }
}

c_struct! {
    /// Where a source goes on in one of its partitions once the batch that carries it is durable.
    pub struct Position {
        pub partition: Fields,
        pub offset: Fields,
    }
}

c_struct! {
    /// A record header, bytes as they are in Kafka.
    pub struct Header {
        pub name: Str,
        pub value: Bytes,
    }
}

c_struct! {
    /// One record. Key and value borrow from memory that outlives the call.
    pub struct Record {
        pub key: Bytes,
        pub value: Bytes,
        /// `headers_len` of them; may be null when that is 0.
        pub headers: *const Header,
        pub headers_len: u32,
        /// Index into [`Batch::topics`].
        pub topic: u32,
        /// Kafka partition; -1 from a source leaves the choice to the partitioner.
        pub partition: i32,
        /// One of `KIND_*`.
        pub key_kind: u8,
        /// One of `KIND_*`.
        pub value_kind: u8,
        pub reserved: u16,
        /// Index into [`Batch::schemas`], or [`NO_SCHEMA`].
        pub key_schema: u32,
        /// Index into [`Batch::schemas`], or [`NO_SCHEMA`].
        pub value_schema: u32,
        /// Kafka offset. From a source with `FLAG_REPLAYS` the number, from 1, of that entry of
        /// [`SourceBatch::positions`] whose partition the record is of; 0 from any other source.
        pub offset: i64,
        /// Milliseconds since 1970-01-01 UTC; -1 when there is none.
        pub timestamp_ms: i64,
    }
}

/// No key or value.
pub const KIND_NULL: u8 = 0;
/// Bytes: as they are in Kafka for a sink that asked for encoded values, else a value of type bytes.
pub const KIND_BYTES: u8 = 1;
/// The UTF-8 bytes of a string value.
pub const KIND_TEXT: u8 = 2;
/// A structured value in the flat encoding that `docs/plugin-abi.md` describes.
pub const KIND_FLAT: u8 = 3;

/// The value of a schema index that points nowhere.
pub const NO_SCHEMA: u32 = u32::MAX;

c_struct! {
    /// Records, in order, with the tables that they point into.
    pub struct Batch {
        pub records: *const Record,
        pub records_len: usize,
        pub topics: *const Str,
        pub topics_len: usize,
        /// Schemas as the JSON text of Connect's JSON converter.
        pub schemas: *const Str,
        pub schemas_len: usize,
    }
}

c_struct! {
    /// What a source hands over in one poll. The plugin owns the memory and keeps it until the next call on
    /// the same instance. An empty batch means that there is nothing at the moment.
    pub struct SourceBatch {
        pub batch: Batch,
        /// Stored by the worker after every record of the batch was acknowledged by the broker.
        pub positions: *const Position,
        pub positions_len: usize,
    }
}

impl Str {
    /// Borrows `text`; the caller keeps it alive for the call.
    pub const fn new(text: &str) -> Self {
        Self { ptr: text.as_ptr(), len: text.len() }
    }

    /// The text, or the place of the first byte that is not UTF-8.
    ///
    /// # Safety
    /// `ptr` and `len` describe readable bytes that live for `'a`.
    pub unsafe fn text<'a>(self) -> Result<&'a str, core::str::Utf8Error> {
        if self.len == 0 {
            return Ok("");
        }
        // SAFETY: the caller vouches for the range.
        core::str::from_utf8(unsafe { core::slice::from_raw_parts(self.ptr, self.len) })
    }
}

impl Bytes {
    /// Kafka's null.
    pub const NULL: Self = Self { ptr: ptr::null(), len: 0 };

    /// Borrows `bytes`; the caller keeps it alive for the call.
    pub const fn new(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr(), len: bytes.len() }
    }

    /// The bytes, `None` for Kafka's null.
    ///
    /// # Safety
    /// `ptr` is null, or `ptr` and `len` describe readable bytes that live for `'a`.
    pub unsafe fn slice<'a>(self) -> Option<&'a [u8]> {
        // SAFETY: the caller vouches for the range.
        (!self.ptr.is_null()).then(|| unsafe { core::slice::from_raw_parts(self.ptr, self.len) })
    }
}

/// Reads an array that came across the boundary.
///
/// # Safety
/// `len` is 0, or `ptr` points at `len` readable values that live for `'a`.
pub unsafe fn array<'a, T>(ptr: *const T, len: usize) -> &'a [T] {
    if len == 0 || ptr.is_null() {
        return &[];
    }
    // SAFETY: the caller vouches for the range.
    unsafe { core::slice::from_raw_parts(ptr, len) }
}
