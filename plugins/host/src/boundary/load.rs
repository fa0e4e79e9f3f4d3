//! Opens a library and reads what it offers. Constructors of the library run here: try a new file elsewhere first.
use super::raw;
use super::table::Table;
use crate::{Connector, Reason};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::path::Path;

/// Loads a library into this process, for good, and reads the connectors it offers.
///
/// This is the last step of discovery, for a file that was checked and tried. Called directly it trusts the file.
pub fn load(path: &Path) -> Result<Vec<Connector>, Reason> {
    Opened::open(path)?.connectors()
}

/// A library whose constructors have run, and of which nothing else is known yet.
pub(crate) struct Opened<'p> {
    path: &'p Path,
    entry: *const abi::Entry,
}

impl<'p> Opened<'p> {
    pub fn open(path: &'p Path) -> Result<Self, Reason> {
        // SAFETY: running the library's constructors is what loading means; the caller chose the file.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(|error| {
            Reason::new(format!("the dynamic linker refused it: {}", sentence(&error, path)))
        })?;
        let entry = {
            // SAFETY: only the address is taken; what lies there is checked before it is believed.
            let symbol = unsafe { library.get::<*const abi::Entry>(abi::ENTRY_SYMBOL) };
            symbol.map(|symbol| symbol.into_raw().cast_const().cast::<abi::Entry>())
        };
        // Code of the library may run in threads of its own and be pointed at from anywhere: it stays for good.
        std::mem::forget(library);
        Ok(Self { path, entry: entry.map_err(|_| Reason::new(NO_PLUGIN))? })
    }

    pub fn connectors(&self) -> Result<Vec<Connector>, Reason> {
        // SAFETY: the symbol's address is inside the loaded library.
        let catalog = unsafe { catalog(self.entry) }.map_err(Reason::new)?;
        // SAFETY: the library said by its layout hash that it speaks this contract, and stays loaded.
        unsafe { connectors(catalog, self.path) }.map_err(Reason::new)
    }
}

pub(crate) const NO_PLUGIN: &str = "it is a shared library, but no Penstock plugin: it does not export \
     PENSTOCK_PLUGIN (a library that plugins depend on belongs outside the plugin folders)";

const CONNECTORS_MAX: usize = 10_000;

/// # Safety
/// `entry` is null or readable for the size of an entry.
unsafe fn catalog(entry: *const abi::Entry) -> Result<*const abi::Catalog, String> {
    if entry.is_null() || !entry.is_aligned() {
        return Err("its PENSTOCK_PLUGIN is at no valid address".into());
    }
    // SAFETY: the caller vouches for it; these members are plain numbers.
    let (magic, major, layout) = unsafe { ((*entry).magic, (*entry).major, (*entry).layout) };
    check_versions(magic, major, layout)?;
    let function = std::mem::offset_of!(abi::Entry, catalog);
    // SAFETY: as above; a null function must not even be read as one.
    if unsafe { entry.byte_add(function).cast::<usize>().read() } == 0 {
        return Err("its PENSTOCK_PLUGIN has no function `catalog`".into());
    }
    // SAFETY: versions agree, so the function has this type.
    Ok(unsafe { ((*entry).catalog)() })
}

fn check_versions(magic: [u8; 8], major: u32, layout: u64) -> Result<(), String> {
    if magic != abi::MAGIC {
        return Err("its PENSTOCK_PLUGIN does not begin with the magic of a Penstock plugin".into());
    }
    let ours = abi::MAJOR;
    let rebuild = "rebuild the plugin with the penstock-sdk of this worker";
    if major > ours {
        return Err(format!(
            "it is built for plugin contract {major}, newer than this worker's {ours}: update the worker, or {rebuild}"
        ));
    }
    if major < ours {
        return Err(format!(
            "it is built for plugin contract {major}, older than this worker's {ours}: {rebuild}"
        ));
    }
    if layout != abi::LAYOUT_HASH {
        return Err(format!(
            "it says plugin contract {major}, but its structs are laid out otherwise (hash {layout:016x}, \
             expected {:016x}): {rebuild}, or fix its copy of penstock.h",
            abi::LAYOUT_HASH
        ));
    }
    Ok(())
}

/// # Safety
/// `catalog` is null or points at a catalog that lives as long as the process and is as long as its size says.
unsafe fn connectors(catalog: *const abi::Catalog, path: &Path) -> Result<Vec<Connector>, String> {
    if catalog.is_null() || !catalog.is_aligned() {
        return Err("its function `catalog` answered without a catalog".into());
    }
    // SAFETY: every version of the table begins with its size.
    let size = unsafe { catalog.cast::<usize>().read() };
    if size < size_of::<abi::Catalog>() {
        let needed = size_of::<abi::Catalog>();
        return Err(format!("its catalog has {size} bytes, expected at least {needed}"));
    }
    // SAFETY: long enough.
    let catalog = unsafe { &*catalog };
    // SAFETY: the catalog's arrays live as long as it.
    let tables = unsafe {
        raw::array(catalog.connectors, catalog.connectors_len, CONNECTORS_MAX, "connectors")
            .map_err(|flaw| format!("it {flaw}"))?
    };
    let read = |table: &*const abi::Connector| {
        // SAFETY: the catalog's tables live as long as it.
        let (offered, table) = unsafe { Table::read(*table) }?;
        Ok(Connector::new(offered, table, path))
    };
    tables.iter().map(read).collect()
}

/// The linker begins its sentences with the path, which the listing shows anyway.
fn sentence(error: &libloading::Error, path: &Path) -> String {
    let text = match error {
        libloading::Error::DlOpen { source } => source.to_string(),
        other => other.to_string(),
    };
    let prefix = format!("{}: ", path.display());
    text.strip_prefix(&prefix).map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_mismatch_says_which_side_is_newer_and_what_to_do() {
        let check = |magic, major, layout, expected: &str| {
            let reason = check_versions(magic, major, layout).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        };
        let (major, layout) = (abi::MAJOR, abi::LAYOUT_HASH);
        assert_eq!(check_versions(abi::MAGIC, major, layout), Ok(()));
        check(*b"SOMETHNG", major, layout, "magic");
        check(abi::MAGIC, major + 1, layout, "newer than this worker's 1: update the worker");
        check(abi::MAGIC, major - 1, layout, "older than this worker's 1: rebuild the plugin");
        check(abi::MAGIC, major, layout ^ 1, "laid out otherwise");
    }
}
