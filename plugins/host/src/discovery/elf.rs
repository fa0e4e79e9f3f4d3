//! Looks at a library's bytes before the dynamic linker does, which trusts them and crashes on a truncated file.
use crate::Reason;
use crate::boundary::load::NO_PLUGIN;
use object::read::elf::{ElfFile, FileHeader, ProgramHeader, SectionHeader, Sym};
use object::{Endianness, ReadCache, ReadRef, elf};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The file is a shared library of this machine, whole by its own account, and exports the entry of a plugin.
pub(crate) fn check(path: &Path) -> Result<(), Reason> {
    let file = File::open(path).map_err(|error| Reason::new(format!("it cannot be read: {error}")))?;
    let cache = ReadCache::new(file);
    identify(&cache)?;
    if cfg!(target_pointer_width = "64") {
        bounds::<elf::FileHeader64<Endianness>>(&cache)
    } else {
        bounds::<elf::FileHeader32<Endianness>>(&cache)
    }
}

/// What the dynamic linker of this machine accepts.
#[derive(Debug, PartialEq)]
struct Platform {
    class: u8,
    encoding: u8,
    machine: u16,
}

const HEADER_BYTES: usize = 20;

fn identify(cache: &ReadCache<File>) -> Result<(), Reason> {
    let head = cache.read_bytes_at(0, HEADER_BYTES as u64).unwrap_or_default();
    let Some((platform, kind)) = platform(head) else {
        return Err(Reason::new("it is no shared library: it does not begin as an ELF file"));
    };
    if let Some(ours) = own_platform().filter(|ours| *ours != platform) {
        let (theirs, ours) = (describe(&platform), describe(&ours));
        return Err(Reason::new(format!("it is built for {theirs}, this worker runs on {ours}")));
    }
    match kind {
        SHARED => Ok(()),
        other => {
            Err(Reason::new(format!("it is an ELF file of type {other}, expected {SHARED}, a shared one")))
        }
    }
}

const SHARED: u16 = 3;

fn platform(head: &[u8]) -> Option<(Platform, u16)> {
    let head: &[u8; HEADER_BYTES] = head.get(..HEADER_BYTES)?.try_into().ok()?;
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    let (class, encoding) = (head[4], head[5]);
    let number = |at: usize| {
        let bytes = [head[at], head[at + 1]];
        if encoding == 2 { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    };
    Some((Platform { class, encoding, machine: number(18) }, number(16)))
}

/// The platform of this very program; unknown where its file cannot be seen.
fn own_platform() -> Option<Platform> {
    let mut head = [0; HEADER_BYTES];
    File::open("/proc/self/exe").and_then(|mut file| file.read_exact(&mut head)).ok()?;
    platform(&head).map(|(platform, _)| platform)
}

fn describe(platform: &Platform) -> String {
    let bits = match platform.class {
        1 => "32-bit",
        2 => "64-bit",
        _ => "unknown-width",
    };
    let order = if platform.encoding == 2 { " big-endian" } else { "" };
    let machine = match platform.machine {
        3 => "x86".to_owned(),
        40 => "ARM".to_owned(),
        62 => "x86-64".to_owned(),
        183 => "AArch64".to_owned(),
        243 => "RISC-V".to_owned(),
        other => format!("machine {other}"),
    };
    format!("{bits}{order} {machine}")
}

/// Everything that the file says it holds lies inside it.
fn bounds<Elf: FileHeader<Endian = Endianness>>(cache: &ReadCache<File>) -> Result<(), Reason> {
    let length = cache.len().map_err(|()| Reason::new("its length cannot be read"))?;
    let damaged = |error: object::read::Error| {
        Reason::new(format!("it is truncated or damaged: {error} ({length} bytes)"))
    };
    let header = Elf::parse(cache).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    let outside = |what: &str, start: u64, size: u64| {
        let end = start.checked_add(size);
        match end.filter(|end| *end <= length) {
            Some(_) => Ok(()),
            None => Err(Reason::new(format!(
                "it is truncated or damaged: a {what} of {size} bytes at {start} ends behind the file's {length} bytes"
            ))),
        }
    };
    for segment in header.program_headers(endian, cache).map_err(damaged)? {
        let (start, size) = segment.file_range(endian);
        outside("segment", start, size)?;
    }
    let sections = header.sections(endian, cache).map_err(damaged)?;
    for section in sections.iter() {
        if let Some((start, size)) = section.file_range(endian) {
            outside("section", start, size)?;
        }
    }
    // Without sections, which can be stripped, only the linker can tell.
    if sections.is_empty() { Ok(()) } else { exports_entry::<Elf>(cache).map_err(damaged)? }
}

fn exports_entry<Elf: FileHeader<Endian = Endianness>>(
    cache: &ReadCache<File>,
) -> object::read::Result<Result<(), Reason>> {
    let file = ElfFile::<Elf, &ReadCache<File>>::parse(cache)?;
    let symbols = file.elf_dynamic_symbol_table();
    let is_entry = |symbol: &Elf::Sym| {
        let is_defined = !symbol.is_undefined(file.endian());
        is_defined && symbol.name(file.endian(), symbols.strings()) == Ok(abi::ENTRY_SYMBOL.as_bytes())
    };
    Ok(if symbols.iter().any(is_entry) { Ok(()) } else { Err(Reason::new(NO_PLUGIN)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_head(change: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut head = std::fs::read("/proc/self/exe").unwrap();
        head.truncate(4096);
        change(&mut head);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.so");
        std::fs::write(&path, head).unwrap();
        let reason = check(&path).unwrap_err();
        assert!(reason.as_str().contains(expected), "{reason}");
    }

    #[test]
    fn a_file_for_another_machine_is_told_by_its_header() {
        check_head(|head| head.truncate(10), "does not begin as an ELF file");
        check_head(|head| head[0] = b'#', "does not begin as an ELF file");
        check_head(
            |head| head[18..20].copy_from_slice(&0xf3_u16.to_le_bytes()),
            "RISC-V, this worker runs on",
        );
        check_head(|head| head[4] = 1, "it is built for 32-bit");
        check_head(|head| head[5] = 2, "big-endian");
        check_head(|head| head[16] = 1, "of type 1, expected 3");
        check_head(|_| {}, "truncated or damaged");
    }

    #[test]
    fn a_program_is_no_plugin() {
        let own = std::env::current_exe().unwrap();
        assert_eq!(check(&own).unwrap_err().as_str(), NO_PLUGIN);
    }
}
