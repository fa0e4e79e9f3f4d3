//! What both connectors promise about their settings, offsets and values.
use crate::append::Appender;
use crate::lines::Bounds;
use crate::tail::Tail;
use crate::{FileStreamSink, FileStreamSource, sink, source};
use penstock_sdk::{Config, Fields, Kind, Sink, Source, Value, flat};
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

/// A folder of its own with one file in it.
pub struct Place {
    pub folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("in.txt")
    }

    pub fn name(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    pub fn add(&self, text: &str) {
        let file = File::options().append(true).create(true).open(self.path());
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let place = Place::new();
    fs::create_dir(place.path()).unwrap();
    assert_eq!(
        *Tail::new(&place.name(), 0, Bounds { chunk: 8, line_max: 64 }).read().unwrap_err().kind(),
        Kind::Config
    );
    assert_eq!(*Appender::open(&place.name(), false).unwrap_err().kind(), Kind::Config);
    let nowhere = place.folder.path().join("no/such/folder.txt");
    assert_eq!(*Appender::open(nowhere.to_str().unwrap(), false).unwrap_err().kind(), Kind::Fatal);
}

#[test]
fn stored_offsets_are_numbers_of_bytes() {
    let of = |offset: Fields| source::position(Some(&offset));
    assert_eq!((source::position(None), of(Fields::new().with("position", 7))), (Ok(0), Ok(7)));
    for wrong in [Fields::new(), Fields::new().with("position", -1), Fields::new().with("position", "7")] {
        assert_eq!(*of(wrong).unwrap_err().kind(), Kind::Config);
    }
}

#[test]
fn a_source_needs_a_path_and_a_sink_a_true_or_false() {
    let config = Config::new().with("topic", "t");
    assert_eq!(FileStreamSource::validate(&config)[0].setting, "file");
    assert_eq!(FileStreamSource::validate(&config.clone().with("file", ""))[0].setting, "file");
    assert_eq!(FileStreamSource::validate(&config.clone().with("file", "/x")), []);
    assert_eq!(FileStreamSource::plan(&config, 5).unwrap().len(), 1);
    assert_eq!(FileStreamSink::validate(&config.with("penstock.fsync", "si"))[0].setting, "penstock.fsync");
}

#[test]
fn values_print_as_in_java() {
    let mut flat = Vec::new();
    flat::Writer::new(&mut flat).structure(|writer| {
        writer.name("id");
        writer.int32(7);
        1
    });
    let values = [
        Value::Null,
        Value::Text("a b"),
        Value::Bytes(b"\xffraw"),
        Value::Flat(flat::Value::parse(&flat).unwrap()),
    ];
    let mut out = Vec::new();
    for value in &values {
        sink::line(value, &mut out);
    }
    assert_eq!(out, b"null\na b\n\xffraw\nStruct{id=7}\n");
}
