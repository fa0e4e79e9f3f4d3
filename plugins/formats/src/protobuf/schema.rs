//! A Protobuf schema: its file with all that it imports.

use super::builtin;
use crate::registry::Reference;
use crate::{Error, Result, base64};
use prost_reflect::{FileDescriptor, MessageDescriptor};
use protox::Compiler;
use protox::file::{File, FileResolver, GoogleFileResolver};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The messages of one file.
#[derive(Debug, Clone)]
pub struct Schema {
    file: FileDescriptor,
}

/// One message of a schema.
#[derive(Debug, Clone)]
pub struct Message {
    pub(super) descriptor: MessageDescriptor,
}

impl Schema {
    /// Reads a file. What it imports is looked for among the references, by the names they are imported under; files
    /// of `google/protobuf`, `google/type` and `confluent` are known.
    pub fn parse(text: &str, references: &[Reference]) -> Result<Self> {
        for text in std::iter::once(text).chain(references.iter().map(|reference| reference.text.as_str())) {
            check_nesting(text)?;
        }
        let files = Files {
            root: text.to_owned(),
            references: references.to_vec(),
            google: GoogleFileResolver::new(),
        };
        // The compiler is somebody else's, and its input comes from outside.
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            let mut compiler = Compiler::with_file_resolver(files);
            compiler.open_file(ROOT).map(|compiler| compiler.descriptor_pool())
        }));
        let pool = compiled.map_err(|_| Error::record("the Protobuf schema cannot be read"))?;
        let pool = pool.map_err(|error| Error::record(format!("Protobuf schema: {}", sentence(&error))))?;
        let file = pool.get_file_by_name(ROOT);
        file.map(|file| Self { file }).ok_or_else(|| Error::record("the Protobuf schema has no file"))
    }

    /// The message at these places: one of the file, then messages in messages.
    pub fn message(&self, indexes: &[usize]) -> Result<Message> {
        let mut found: Option<MessageDescriptor> = None;
        for index in indexes {
            let next = match &found {
                None => self.file.messages().nth(*index),
                Some(outer) => outer.child_messages().nth(*index),
            };
            found = Some(next.ok_or_else(|| {
                Error::record(format!("the Protobuf schema has no message at {indexes:?}"))
            })?);
        }
        let descriptor = found.ok_or_else(|| Error::record("the Protobuf schema has no message"))?;
        Ok(Message { descriptor })
    }

    /// The places of the message with this full name; of the file's first one if none has it.
    pub fn indexes(&self, full_name: &str) -> Vec<usize> {
        let find = || {
            let mut path = Vec::new();
            let mut messages: Vec<MessageDescriptor> = self.file.messages().collect();
            loop {
                let place = messages.iter().position(|message| {
                    let name = message.full_name();
                    full_name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                })?;
                path.push(place);
                let message = messages.get(place)?;
                if message.full_name() == full_name {
                    return Some(path);
                }
                let children = message.child_messages().collect();
                messages = children;
            }
        };
        find().unwrap_or_else(|| vec![0])
    }
}

impl Message {
    /// With its package.
    pub fn full_name(&self) -> &str {
        self.descriptor.full_name()
    }
}

/// Where the compiler finds what is imported: nothing of it is a file of this machine.
struct Files {
    root: String,
    references: Vec<Reference>,
    google: GoogleFileResolver,
}

impl FileResolver for Files {
    fn open_file(&self, name: &str) -> std::result::Result<File, protox::Error> {
        if name == ROOT {
            return open(name, &self.root);
        }
        if let Some(reference) = self.references.iter().find(|reference| reference.name == name) {
            return open(name, &reference.text);
        }
        match builtin::text(name) {
            Some(text) => File::from_source(name, text),
            None => self.google.open_file(name),
        }
    }
}

/// Some clients register the compiled form in Base64 in the place of the text.
fn open(name: &str, text: &str) -> std::result::Result<File, protox::Error> {
    let is_base64 = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
    if let Some(mut compiled) = base64::bytes(text).filter(|_| is_base64 && !text.is_empty()) {
        // The last name counts: it has to be the one that the file is asked for by.
        compiled.push(NAME_TAG);
        crate::varint::put(name.len() as u64, &mut compiled);
        compiled.extend_from_slice(name.as_bytes());
        if let Ok(file) = File::decode_file_descriptor_proto(&compiled[..]) {
            return Ok(file);
        }
    }
    File::from_source(name, text)
}

/// Whoever reads nested text goes down as deep as it nests.
fn check_nesting(text: &str) -> Result<()> {
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'<' | b'(' => depth += 1,
            b'}' | b']' | b'>' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > NESTING_MAX {
            return Err(Error::record(format!("the Protobuf schema nests deeper than {NESTING_MAX}")));
        }
    }
    Ok(())
}

/// What the compiler says, with its causes.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text.truncate(text.char_indices().nth(SENTENCE_MAX).map_or(text.len(), |(at, _)| at));
    text
}

const ROOT: &str = "the-schema.proto";
/// Field 1 of a compiled file, with a length.
const NAME_TAG: u8 = 0x0a;
const NESTING_MAX: usize = 200;
const SENTENCE_MAX: usize = 500;
