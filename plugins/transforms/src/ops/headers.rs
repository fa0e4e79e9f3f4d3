//! `DropHeaders` and `InsertHeader`.
use crate::literal;
use crate::record::{Given, HeaderValue, Record};
use crate::settings::Settings;
use std::sync::Arc;

/// Leaves headers out by their names.
#[derive(Debug)]
pub struct Drop {
    names: Vec<String>,
}

/// Adds one header, whatever other headers have its name.
#[derive(Debug)]
pub struct Insert {
    name: Arc<str>,
    value: HeaderValue,
}

impl Drop {
    pub fn open(settings: &Settings<'_>) -> Self {
        Self { names: settings.list("headers") }
    }

    pub fn apply(&self, record: &mut Record, given: &Given<'_>) {
        let before = record.headers.len();
        record.headers.retain(|header| {
            let name = header.name(given.headers);
            !self.names.iter().any(|dropped| dropped == name)
        });
        record.has_new_headers |= record.headers.len() != before;
    }
}

impl Insert {
    pub fn open(settings: &Settings<'_>) -> Self {
        let value = literal::parse(settings.required("value.literal"));
        Self { name: settings.required("header").into(), value }
    }

    pub fn apply(&self, record: &mut Record) {
        record.add_header(&self.name, self.value.clone());
    }
}
