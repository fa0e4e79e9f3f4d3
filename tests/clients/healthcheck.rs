//! kafka-connect-healthcheck, a server that load balancers ask: 200 when all is well and 503 when something FAILED.

use crate::stage::{Stage, folder, python};
use penstock_tests::{Rest, SOON, command, until, until_some};
use serde_json::{Value, json};
use std::fs::File;
use std::process::{Child, Stdio};

struct Healthcheck {
    child: Child,
    rest: Rest,
}

impl Healthcheck {
    fn start(stage: &Stage, arguments: &[&str]) -> Self {
        let path = stage.worker.path(&penstock_tests::unique("healthcheck"));
        let mut client = python("python");
        client.arg(folder().join("python/healthcheck.py")).args(["--connect-url", &stage.worker.url]);
        let output = File::create(&path).unwrap();
        let errors = output.try_clone().unwrap();
        let mut child =
            client.args(arguments).stdin(Stdio::null()).stdout(output).stderr(errors).spawn().unwrap();
        let text = || std::fs::read_to_string(&path).unwrap();
        let url = until_some("the healthcheck's address", SOON, || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the healthcheck ended, {status}: {}", text());
            }
            text().lines().find_map(|line| line.strip_prefix("address ").map(str::to_owned))
        });
        Self { child, rest: Rest::new(&url) }
    }

    fn ask(&self) -> (u16, Value) {
        let answer = self.rest.get("/");
        (answer.status, answer.body)
    }
}

impl Drop for Healthcheck {
    fn drop(&mut self) {
        command::signal(&self.child, "TERM");
        command::wait(&mut self.child, "the healthcheck to end");
    }
}

#[test]
fn the_healthcheck_says_503_while_a_task_has_failed() {
    let mut stage = Stage::set();
    stage.worker.create(&stage.name, &stage.config());
    let worker_id = stage.worker.rest.get(&format!("/connectors/{}/status", stage.name)).expect(200)["connector"]
        ["worker_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let all = Healthcheck::start(&stage, &[]);
    let here = Healthcheck::start(&stage, &["--connect-worker-id", &worker_id]);
    let elsewhere = Healthcheck::start(&stage, &["--connect-worker-id", "elsewhere:1"]);
    for healthcheck in [&all, &here, &elsewhere] {
        let (status, body) = healthcheck.ask();
        assert_eq!((status, &body["healthy"], &body["failures"]), (200, &json!(true), &json!([])), "{body}");
    }

    let failing = stage.create_failing();
    for healthcheck in [&all, &here] {
        let (status, mut body) = healthcheck.ask();
        let trace = body["failures"][0]["trace"].take();
        let failure = json!({
            "type": "task", "connector": failing, "id": 0, "state": "FAILED", "worker_id": worker_id, "trace": null,
        });
        assert_eq!((status, &body["failures"]), (503, &json!([failure])), "{body}");
        assert!(
            trace.as_str().is_some_and(|trace| trace.contains("asked for an error of kind config")),
            "{trace}"
        );
    }
    assert_eq!(elsewhere.ask().0, 200, "the failure is another worker's");

    stage.worker.rest.delete(&format!("/connectors/{failing}")).expect(204);
    until("all to be well again", SOON, || all.ask().0 == 200);
    stage.worker.stop();
    let (status, body) = all.ask();
    assert_eq!((status, &body["healthy"]), (503, &json!(false)), "{body}");
}
