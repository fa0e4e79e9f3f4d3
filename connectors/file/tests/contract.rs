//! The contract battery over the built library.
use std::fs;
use std::path::Path;
use testkit::Battery;

const SOURCE: &str = "org.apache.kafka.connect.file.FileStreamSourceConnector";
const SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";

fn name(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn the_source_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in.txt");
    let ends = ["\n", "\r\n", "\r"];
    let text: String = (0..100).flat_map(|line| [format!("line {line} ä"), ends[line % 3].into()]).collect();
    fs::write(&file, text + "half a line").unwrap();
    Battery::source(testkit::library("penstock-file"))
        .class(SOURCE)
        .setting("topic", "lines")
        .setting("file", name(&file))
        .setting("batch.size", "7")
        .identify(|record| {
            assert_eq!(record.value_schema(), Some(r#"{"type":"string","optional":false}"#));
            assert!(record.timestamp_ms().is_some_and(|time| time > 1_700_000_000_000));
            record.value().display().into_owned()
        })
        .refuses("file", "", "file: a path is required")
        .refuses("topic", "", "topic: ")
        .refuses("batch.size", "many", "batch.size: ")
        .run();
}

#[test]
fn the_sink_keeps_the_contract() {
    for fsync in ["false", "true"] {
        let folder = tempfile::tempdir().unwrap();
        let (here, gone) = (folder.path().join("here"), folder.path().join("gone"));
        fs::create_dir(&here).unwrap();
        let file = here.join("out.txt");
        fs::write(&file, "before\n").unwrap();
        let read = file.clone();
        let (from, to) = ((here.clone(), gone.clone()), (gone, here));
        Battery::sink(testkit::library("penstock-file"))
            .class(SINK)
            .setting("file", name(&file))
            .setting("penstock.fsync", fsync)
            .arrived(move || fs::read_to_string(&read).unwrap().lines().map(String::from).collect())
            .outage(move || fs::rename(&from.0, &from.1).unwrap(), move || fs::rename(&to.0, &to.1).unwrap())
            .refuses("penstock.fsync", "maybe", "penstock.fsync: expected true or false, got \"maybe\"")
            .refuses("file", &name(folder.path()), "file: expected a file to append to")
            .run();
    }
}
