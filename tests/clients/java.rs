//! The Java client that AKHQ is built on: a program in Java uses every call of it and checks what comes back.

use crate::stage::{Stage, folder, installed};
use penstock_tests::Kafka;
use std::path::PathBuf;
use std::process::Command;

/// A program of the JDK: of `JAVA_HOME` if that is set, else on the path.
fn jdk(program: &str) -> Command {
    let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin"));
    Command::new(home.map_or_else(|| program.into(), |bin| bin.join(program)))
}

#[test]
fn the_java_client_finds_what_it_parses() {
    let mut stage = Stage::set();
    let failing = stage.create_failing();
    let jars = installed("java").join("*");
    let classes = stage.worker.path("classes");
    let mut compiler = jdk("javac");
    compiler.arg("-d").arg(&classes).arg("-cp").arg(&jars).arg(folder().join("java/Life.java"));
    let output = stage.run(&mut compiler);
    assert!(output.status.success(), "javac, of a JDK 17 or later, is needed: {output:?}");

    let path = std::env::join_paths([classes, jars]).unwrap();
    let mut client = jdk("java");
    client.args(["-Xmx128m", "-XX:+UseSerialGC", "-cp"]).arg(path).arg("Life");
    client.args([&stage.worker.url, &stage.name, &failing]).arg(stage.file());
    let output = stage.run(&mut client);
    assert!(output.status.success(), "{}\n{}", output.stdout, output.stderr);
    assert_eq!(output.stdout.trim(), "every call did what it says");
    assert_eq!(Kafka::shared().read(&stage.name).len(), 2, "the connector has read both lines once");
    stage.worker.stop();
}
