//! Reads text, arrays, settings and fields that came from a plugin, and lends ours to it.
use penstock_sdk::export::view::raw_field;
use penstock_sdk::{Config, Fields, Scalar};

/// What a plugin broke, as a clause that follows its name.
pub(super) type Flaw = String;

/// A sentence of a plugin is kept up to this many bytes: it goes into logs and statuses.
pub(super) const SENTENCE_MAX: usize = 16 * 1024;
/// Settings and fields longer than this are a mistake: a topic of the worker could not store them.
const VALUE_MAX: usize = 1 << 20;
const ITEMS_MAX: usize = 10_000;

/// A sentence, made UTF-8 and cut to its bound.
///
/// # Safety
/// `raw` is null, or describes bytes that are readable during this call.
pub(super) unsafe fn sentence(raw: abi::Str) -> String {
    if raw.ptr.is_null() {
        return String::new();
    }
    // SAFETY: the caller vouches for the range; a part of it is readable too.
    let bytes = unsafe { abi::array(raw.ptr, raw.len.min(SENTENCE_MAX)) };
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    if raw.len > SENTENCE_MAX {
        text.push('…');
    }
    text
}

/// Text that must arrive whole.
///
/// # Safety
/// As in [`sentence`], for as long as `'a`.
pub(super) unsafe fn text<'a>(raw: abi::Str, what: &str) -> Result<&'a str, Flaw> {
    if raw.len == 0 {
        return Ok("");
    }
    if raw.ptr.is_null() || raw.len > VALUE_MAX {
        return Err(format!("gave {what} that is no text of at most {VALUE_MAX} bytes"));
    }
    // SAFETY: the caller vouches for the range, which was checked above.
    unsafe { raw.text() }.map_err(|_| format!("gave {what} that is not UTF-8"))
}

/// An array of the contract's structs.
///
/// # Safety
/// `ptr` is null, misaligned, or points at `len` readable values that live for `'a`.
pub(super) unsafe fn array<'a, T>(
    ptr: *const T,
    len: usize,
    max: usize,
    what: &str,
) -> Result<&'a [T], Flaw> {
    if len == 0 {
        return Ok(&[]);
    }
    if ptr.is_null() || !ptr.is_aligned() || len > max {
        return Err(format!("gave {len} {what} at address {ptr:p}, expected at most {max} at a valid one"));
    }
    // SAFETY: the caller vouches for the range, which was checked above.
    Ok(unsafe { abi::array(ptr, len) })
}

/// # Safety
/// Everything that `raw` points at is readable during this call.
pub(super) unsafe fn config(raw: abi::Pairs) -> Result<Config, Flaw> {
    // SAFETY: the caller vouches for it.
    let pairs = unsafe { array(raw.ptr, raw.len, ITEMS_MAX, "settings") }?;
    let mut config = Config::new();
    for pair in pairs {
        // SAFETY: as above.
        let (key, value) = unsafe { (text(pair.key, "a setting")?, text(pair.value, "a setting")?) };
        config.set(key, value);
    }
    Ok(config)
}

/// # Safety
/// Everything that `raw` points at is readable during this call.
pub(super) unsafe fn fields(raw: abi::Fields) -> Result<Fields, Flaw> {
    // SAFETY: the caller vouches for it.
    let fields = unsafe { array(raw.ptr, raw.len, ITEMS_MAX, "fields") }?;
    fields.iter().map(|field| unsafe { named_scalar(field) }).collect()
}

/// # Safety
/// Name and text of the field are readable during this call.
unsafe fn named_scalar(field: &abi::Field) -> Result<(String, Scalar), Flaw> {
    // SAFETY: the caller vouches for it.
    let name = unsafe { text(field.name, "the name of a field") }?;
    let value = match field.kind {
        abi::FIELD_NULL => Scalar::Null,
        abi::FIELD_BOOLEAN => Scalar::Boolean(field.integer != 0),
        abi::FIELD_INTEGER => Scalar::Integer(field.integer),
        abi::FIELD_FLOAT => Scalar::Float(field.float),
        // SAFETY: as above.
        abi::FIELD_TEXT => Scalar::Text(unsafe { text(field.text, "a field") }?.to_owned()),
        other => return Err(format!("gave field {name:?} the unknown kind {other}")),
    };
    Ok((name.to_owned(), value))
}

/// Settings in the form of the contract; borrows the settings themselves.
pub(super) fn pairs(config: &Config) -> Vec<abi::Pair> {
    config
        .iter()
        .map(|(key, value)| abi::Pair { key: abi::Str::new(key), value: abi::Str::new(value) })
        .collect()
}

pub(super) fn borrow_pairs(pairs: &[abi::Pair]) -> abi::Pairs {
    abi::Pairs { ptr: pairs.as_ptr(), len: pairs.len() }
}

/// Fields in the form of the contract; borrows the fields themselves.
pub(super) fn raw_fields(fields: &Fields) -> Vec<abi::Field> {
    fields.iter().map(|(name, value)| raw_field(name, value)).collect()
}

pub(super) fn borrow_fields(fields: &[abi::Field]) -> abi::Fields {
    abi::Fields { ptr: fields.as_ptr(), len: fields.len() }
}
