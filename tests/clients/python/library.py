"""Takes a connector through its life with kafka-connect-api: URL NAME FAILING FILE.

NAME is the connector to create and its topic; FAILING is there already, and its task has failed.
"""
import sys
import time

from kafka_connect_api.errors import ConnectApiException, GenericConflict, GenericNotFound
from kafka_connect_api.kafka_connect_api import Api, Cluster

LIMIT_SECONDS = 60
CLASS = "org.apache.kafka.connect.file.FileStreamSourceConnector"


def until(what, holds):
    deadline = time.monotonic() + LIMIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"waited {LIMIT_SECONDS} s in vain: {what}"
        time.sleep(0.02)


def refused(kind, call):
    """The status and the body of a refusal, which the library keeps in an exception of its own."""
    try:
        call()
    except kind as error:
        is_whole = isinstance(error.details, dict)
        return error.code, error.details if is_whole else next(p for p in error.details if isinstance(p, dict))
    raise AssertionError(f"expected {kind.__name__}")


def creates(api, cluster, name, config):
    assert cluster.version.startswith("4."), cluster.version
    assert cluster.kafka_cluster, "the id of the Kafka cluster"
    created = api.post("/connectors", json={"name": name, "config": config})
    assert created["name"] == name and created["type"] == "source", created
    assert name in cluster.connectors
    connector = cluster.connectors[name]
    assert connector.exists()
    assert connector.connector_class == CLASS
    assert connector.config == {**config, "name": name}, connector.config
    until("the connector to run", lambda: connector.state == "RUNNING" and len(connector.tasks) == 1)
    return connector


def moves(connector):
    task = connector.tasks[0]
    assert (task.id, task.config["topic"]) == (0, connector.name), task.config
    until("the task to run", task.is_running)
    connector.pause()
    until("the task to pause", lambda: task.state == "PAUSED" and connector.state == "PAUSED")
    connector.resume()
    until("the task to go on", task.is_running)
    for restart in (connector.restart, task.restart, connector.restart_all_tasks, connector.cycle_connector):
        restart()
        until(f"the task to run after {restart.__name__}", task.is_running)
    connector.config = {**connector.config, "batch.size": 17}
    assert connector.config["batch.size"] == "17", connector.config
    until("the task to run with its new settings", task.is_running)


def asks(api, connector):
    classes = {plugin["class"]: plugin["type"] for plugin in api.get("/connector-plugins")}
    assert classes[CLASS] == "source", classes
    validate = f"/connector-plugins/{CLASS}/config/validate"
    assert api.put(validate, json=connector.config)["error_count"] == 0
    validation = api.put(validate, json={"connector.class": CLASS})
    wrong = {one["value"]["name"] for one in validation["configs"] if one["value"]["errors"]}
    assert {"name", "topic"} <= wrong, wrong
    topics = f"/connectors/{connector.name}/topics"
    until("the topic to be seen", lambda: api.get(topics) == {connector.name: {"topics": [connector.name]}})


def logs(cluster):
    assert cluster.root_logger["level"] == "INFO", cluster.root_logger
    assert "root" in cluster.set_logger_log_level("root", "DEBUG")
    assert cluster.root_logger["level"] == "DEBUG", cluster.root_logger
    cluster.root_logger = "INFO"
    assert cluster.root_logger["level"] == "INFO", cluster.root_logger


def fails(api, cluster, name, failing, config):
    twice = refused(GenericConflict, lambda: api.post("/connectors", json={"name": name, "config": config}))
    assert twice == (409, {"error_code": 409, "message": f"Connector {name} already exists"}), twice
    nobody = refused(GenericNotFound, lambda: api.get("/connectors/nobody/status"))
    assert nobody == (404, {"error_code": 404, "message": "No status found for connector nobody"}), nobody
    nobody = refused(GenericNotFound, lambda: api.delete_raw("/connectors/nobody"))
    assert nobody == (404, {"error_code": 404, "message": "Connector nobody not found"}), nobody
    wrong = {"name": "wrong", "config": {"connector.class": CLASS}}
    code, body = refused(ConnectApiException, lambda: api.post("/connectors", json=wrong))
    assert code == 400 and body["error_code"] == 400 and "topic" in body["message"], body
    connector = cluster.connectors[failing]
    assert (connector.state, connector.tasks[0].state) == ("RUNNING", "FAILED"), connector.status
    assert "asked for an error of kind config" in connector.tasks[0].status["trace"].splitlines()[0]


def main():
    url, name, failing, file = sys.argv[1:]
    api = Api(url=url)
    cluster = Cluster(api)
    config = {"connector.class": CLASS, "tasks.max": "1", "file": file, "topic": name}
    connector = creates(api, cluster, name, config)
    moves(connector)
    asks(api, connector)
    logs(cluster)
    fails(api, cluster, name, failing, config)
    connector.delete()
    until("the connector to be gone", lambda: list(cluster.connectors) == [failing])
    print("every call did what it says")


main()
