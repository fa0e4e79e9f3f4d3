//! Reads a connector's table out of a library, and calls the functions that need no instance.
use super::raw;
use super::report::{Limits, reported};
use crate::{ConnectorKind, Error, Found};
use penstock_sdk::Config;

/// What a connector says of itself, copied out of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the contract")]
pub(crate) struct Offered {
    pub kind: ConnectorKind,
    pub class: String,
    pub aliases: Vec<String>,
    pub version: String,
    pub documentation: String,
    pub settings_json: String,
    pub is_encoded: bool,
    pub writes_plans: bool,
    pub asks_registries: bool,
    pub reads_protobuf: bool,
    pub has_exact_offsets: bool,
    pub replays: bool,
    pub replays_within: String,
}

/// The functions of a connector; complete for its kind.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    pub(super) raw: &'static abi::Connector,
}

const ALIASES_MAX: usize = 1000;

impl Table {
    /// # Safety
    /// `at` is null or points at a table that lives as long as the process and is as long as its size says.
    pub(super) unsafe fn read(at: *const abi::Connector) -> Result<(Offered, Self), String> {
        if at.is_null() || !at.is_aligned() {
            return Err(format!("it offers a connector at address {at:p}, which is not a valid one"));
        }
        // SAFETY: every version of the table begins with its size.
        let size = unsafe { at.cast::<usize>().read() };
        let needed = size_of_oldest();
        if size < needed {
            return Err(format!("the table of a connector has {size} bytes, expected at least {needed}"));
        }
        // SAFETY: the table is as long as it says.
        let whole = unsafe { completed(at, size) };
        // SAFETY: the copy is a whole table.
        unsafe { functions_are_there(whole) }?;
        // SAFETY: whole, never freed, and none of the functions that must be there is null.
        let raw = unsafe { &*whole };
        // SAFETY: what the table points at lives as long as it.
        let offered = unsafe { offered(raw) }?;
        Ok((offered, Self { raw }))
    }

    pub fn validate(&self, class: &str, config: &Config) -> Result<Vec<Found>, Error> {
        let pairs = raw::pairs(config);
        let notes = reported(class, Limits::default(), |report| {
            // SAFETY: the table is a connector's; settings and report outlive the call.
            unsafe { (self.raw.validate)(raw::borrow_pairs(&pairs), report) }
        })?;
        Ok(notes.problems)
    }

    /// The answer, as text that claims to be JSON; none if the connector does not know the question.
    pub fn ask(
        &self,
        class: &str,
        question: &str,
        config: &Config,
        input: &str,
    ) -> Result<Option<String>, Error> {
        let Some(ask) = self.raw.ask else { return Ok(None) };
        let pairs = raw::pairs(config);
        let notes = reported(class, Limits::default(), |report| {
            // SAFETY: as in `validate`; the texts outlive the call.
            unsafe { ask(abi::Str::new(question), raw::borrow_pairs(&pairs), abi::Str::new(input), report) }
        })?;
        Ok(notes.answer)
    }

    pub fn plan(&self, class: &str, config: &Config, tasks_max: usize) -> Result<Vec<Config>, Error> {
        let pairs = raw::pairs(config);
        let tasks = u32::try_from(tasks_max).unwrap_or(u32::MAX);
        let notes = reported(class, Limits { tasks: tasks_max, records: 0 }, |report| {
            // SAFETY: as in `validate`.
            unsafe { (self.raw.plan)(raw::borrow_pairs(&pairs), tasks, report) }
        })?;
        Ok(notes.tasks)
    }
}

/// Bytes of the table as the first minor had it: `close` was its last member.
const fn size_of_oldest() -> usize {
    std::mem::offset_of!(abi::Connector, close) + size_of::<usize>()
}

/// A copy of the table in today's size, kept for ever: members that an older library does not have are null.
///
/// # Safety
/// `at` points at `size` readable bytes.
unsafe fn completed(at: *const abi::Connector, size: usize) -> *const abi::Connector {
    let copy = Box::leak(Box::new(std::mem::MaybeUninit::<abi::Connector>::zeroed())).as_mut_ptr();
    let known = size.min(size_of::<abi::Connector>());
    // SAFETY: both are long enough, and the copy is new memory.
    unsafe { std::ptr::copy_nonoverlapping(at.cast::<u8>(), copy.cast::<u8>(), known) };
    copy
}

/// Looks at the functions as plain words: a null function must not even be read as one.
///
/// # Safety
/// `at` points at a whole table.
unsafe fn functions_are_there(at: *const abi::Connector) -> Result<(), String> {
    // SAFETY: the caller vouches for the table; functions have the size of a pointer.
    let is_null = |offset: usize| unsafe { at.byte_add(offset).cast::<usize>().read() == 0 };
    macro_rules! require {
        ($what:literal: $($name:ident),+) => { $(
            if is_null(std::mem::offset_of!(abi::Connector, $name)) {
                return Err(format!("a {} has no function `{}`", $what, stringify!($name)));
            }
        )+ };
    }
    require!("connector": validate, plan, open, close);
    // SAFETY: the caller vouches for the table.
    match unsafe { (&raw const (*at).kind).read() } {
        abi::KIND_SOURCE => require!("source": poll),
        abi::KIND_SINK => require!("sink": write),
        other => return Err(format!("it offers a connector of the unknown kind {other}")),
    }
    Ok(())
}

/// # Safety
/// Everything that the table points at is readable.
unsafe fn offered(table: &abi::Connector) -> Result<Offered, String> {
    let is_source = table.kind == abi::KIND_SOURCE;
    // SAFETY: the caller vouches for every text.
    let text = |value, what| unsafe { raw::text(value, what) }.map(str::to_owned);
    let class = text(table.class, "a class name")?;
    if class.is_empty() || class.len() > CLASS_BYTES_MAX || class.contains(char::is_whitespace) {
        return Err(format!("a connector has the class name {class:?}, expected one word"));
    }
    // SAFETY: as above.
    let aliases = unsafe { raw::array(table.aliases, table.aliases_len, ALIASES_MAX, "aliases") }?;
    let settings_json = text(table.settings, "settings")?;
    check_settings(&class, &settings_json)?;
    Ok(Offered {
        kind: if is_source { ConnectorKind::Source } else { ConnectorKind::Sink },
        aliases: aliases.iter().map(|alias| text(*alias, "an alias")).collect::<Result<_, _>>()?,
        version: text(table.version, "a version")?,
        documentation: text(table.documentation, "documentation")?,
        settings_json,
        is_encoded: table.flags & abi::FLAG_ENCODED != 0,
        writes_plans: table.flags & abi::FLAG_PLANS != 0 && table.write_planned.is_some(),
        asks_registries: table.flags & abi::FLAG_REGISTRY != 0,
        reads_protobuf: table.flags & (abi::FLAG_REGISTRY | abi::FLAG_PROTOBUF)
            == abi::FLAG_REGISTRY | abi::FLAG_PROTOBUF,
        has_exact_offsets: is_source && table.flags & abi::FLAG_EXACT != 0,
        replays: is_source && table.flags & REPLAYS == REPLAYS,
        replays_within: text(table.replays_within, "the name of a field")?,
        class,
    })
}

/// Whoever cannot go on from a position cannot begin at it again.
const REPLAYS: u32 = abi::FLAG_EXACT | abi::FLAG_REPLAYS;
const CLASS_BYTES_MAX: usize = 500;

fn check_settings(class: &str, json: &str) -> Result<(), String> {
    let settings: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(json)
        .map_err(|reason| format!("the settings of {class} are not a JSON array of objects: {reason}"))?;
    match settings.iter().position(|setting| !setting.get("name").is_some_and(serde_json::Value::is_string)) {
        Some(index) => Err(format!("setting {index} of {class} has no name")),
        None => Ok(()),
    }
}
