//! kafka-connect-api, a library: a program in Python uses every call of it and checks what comes back.

use crate::stage::{Stage, folder, python};
use penstock_tests::Kafka;

#[test]
fn the_python_library_finds_what_it_parses() {
    let mut stage = Stage::set();
    let failing = stage.create_failing();
    let mut client = python("python");
    client.arg(folder().join("python/library.py")).args([&stage.worker.url, &stage.name, &failing]);
    let output = stage.run(client.arg(stage.file()));
    assert!(output.status.success(), "{}\n{}", output.stdout, output.stderr);
    assert_eq!(output.stdout.trim(), "every call did what it says");
    assert_eq!(Kafka::shared().read(&stage.name).len(), 2, "the connector has read both lines once");
    stage.worker.stop();
}
