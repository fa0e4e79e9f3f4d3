#!/usr/bin/env python3
"""Golden REST transcripts of Apache Kafka Connect (standard library only).

  golden.py record --base http://127.0.0.1:18083 [--out golden] [--only GROUP ...]
  golden.py replay --base URL [--in golden] [--only GROUP ...] [--map OLD=NEW ...] [--report FILE] [--outcome FILE] [-v]
  golden.py list

record sends every request below to a Connect worker and writes golden/GROUP.jsonl, one step a line:
  name, method, path, headers, body, [poll], status, response_headers, response_body, elapsed_ms, conflict_retries
replay sends the same requests, taken from those files, to any other implementation and counts differences.
--outcome writes one line a step: GROUP, number in the group, how far it agrees (none, refused,
status, shape, exact), NAME.
--patience S bounds every wait, for an implementation that does not yet know a state that is waited for.

Volatile values are replaced before they are written or compared: worker ids, the Kafka cluster id, versions, the
commit, stack traces (first line kept), logger times, object hashes, the scratch directory ({{dir}}).
A request text may hold {{dir}} (scratch directory, made on this machine) and {{pad:N}} (N letters).
poll = {"timeout_s": S, "until": [[path, op, value], ...]}: the request is repeated until every condition holds; the
last answer counts. path is dotted, `*` = every element, `$status` = the HTTP status; ops: ==, len, all, any, has.
A 409 (or 500) that says a rebalance is going on is retried for up to 30 s (retry_s), as clients of Connect must.
--map replaces text in requests (and back in responses), e.g. class names of another implementation's connectors.
"""
import argparse, base64, http.client, json, os, re, shutil, socket, sys, tempfile, time
from urllib.parse import urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
KEEP = ("content-type", "location", "allow", "www-authenticate", "access-control-allow-origin", "access-control-allow-methods",
        "access-control-allow-headers", "access-control-allow-credentials", "access-control-max-age", "vary")
SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"
SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
MOCK_SOURCE = "org.apache.kafka.connect.tools.MockSourceConnector"
MOCK_SINK = "org.apache.kafka.connect.tools.MockSinkConnector"
VER_SOURCE = "org.apache.kafka.connect.tools.VerifiableSourceConnector"
VER_SINK = "org.apache.kafka.connect.tools.VerifiableSinkConnector"
SCHEMA_SOURCE = "org.apache.kafka.connect.tools.SchemaSourceConnector"

# ------------------------------------------------------------------------------------------------ the requests
GROUPS = {}
_cur = None


def group(name):
    global _cur
    _cur = GROUPS.setdefault(name, [])


def step(name, method, path, body=None, headers=None, poll=None, ctype="application/json", raw=None, sleep=None, retry_s=None):
    s = {"name": name, "method": method, "path": path, "headers": dict(headers or {}), "body": None}
    if body is not None:
        s["body"] = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        if ctype and not any(k.lower() == "content-type" for k in s["headers"]):
            s["headers"]["Content-Type"] = ctype
    if poll:
        s["poll"] = poll
    if raw:
        s["raw"] = raw
    if sleep:
        s["sleep_s"] = sleep
    if retry_s is not None:
        s["retry_s"] = retry_s
    _cur.append(s)


def until(*conds, t=45):
    return {"timeout_s": t, "until": [list(c) for c in conds]}


def running(name, tasks=1, state="RUNNING", label=None):
    step(label or f"wait: {name} {state} with {tasks} task(s)", "GET", f"/connectors/{name}/status",
         poll=until(["$status", "==", 200], ["connector.state", "==", state], ["tasks", "len", tasks],
                    ["tasks.*.state", "all", state]))


def gone(name):
    step(f"wait: {name} is gone", "GET", f"/connectors/{name}/status", poll=until(["$status", "==", 404]))


def delete(name, what="delete"):
    step(f"{what} {name}", "DELETE", f"/connectors/{name}")
    gone(name)


def src(name, **kw):
    return {"name": name, "config": {"connector.class": SOURCE, "tasks.max": "1", "file": "{{dir}}/in.txt",
                                     "topic": name + "-topic", **kw}}


def snk(name, **kw):
    return {"name": name, "config": {"connector.class": SINK, "tasks.max": "1", "file": "{{dir}}/%s.out" % name,
                                     "topics": "golden-sink-topic", **kw}}


def define():
    # ---- root, health, unknown paths, methods, content negotiation
    group("01-root")
    step("root", "GET", "/")
    step("root with query garbage", "GET", "/?a=b&&=&x=%zz")
    step("root with harmless query", "GET", "/?pretty=true&a=b")
    step("root HEAD", "HEAD", "/")
    step("root OPTIONS", "OPTIONS", "/")
    for m in ("POST", "PUT", "PATCH", "DELETE"):
        step(f"root {m}", m, "/", body="{}" if m != "DELETE" else None)
    step("root double slash", "GET", "//")
    step("root accept json", "GET", "/", headers={"Accept": "application/json"})
    step("root accept */*", "GET", "/", headers={"Accept": "*/*"})
    step("root accept text/html", "GET", "/", headers={"Accept": "text/html"})
    step("root accept text/plain", "GET", "/", headers={"Accept": "text/plain"})
    step("root accept garbage", "GET", "/", headers={"Accept": "garbage"})
    step("root gzip", "GET", "/", headers={"Accept-Encoding": "gzip"})
    step("root with Origin", "GET", "/", headers={"Origin": "http://example.test"})
    step("unknown method", "BREW", "/")
    step("TRACE", "TRACE", "/")
    step("health", "GET", "/health", poll=until(["$status", "==", 200]))
    step("health HEAD", "HEAD", "/health")
    step("health OPTIONS", "OPTIONS", "/health")
    step("health POST", "POST", "/health", body="{}")
    step("health trailing slash", "GET", "/health/")
    for p in ("/nope", "/favicon.ico", "/connectors-x", "/connector-plugin", "/admin", "/admin/", "/application.wadl",
              "/metrics", "/status", "/v1", "/index.html", "/connectors/..", "/connectors/../connectors",
              "/%2e%2e/connectors", "/./connectors", "/connectors;a=b", "/CONNECTORS", "/%63onnectors"):
        step(f"path {p}", "GET", p)
    step("unknown path POST", "POST", "/nope", body="{}")
    step("unknown path DELETE", "DELETE", "/nope")
    step("raw: HTTP/1.0", "GET", "/", raw="GET / HTTP/1.0\r\n\r\n")
    step("raw: no Host header", "GET", "/", raw="GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    step("raw: space in path", "GET", "/connectors/a b", raw="GET /connectors/a b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    step("raw: bad request line", "GET", "garbage", raw="garbage\r\n\r\n")
    step("raw: OPTIONS *", "OPTIONS", "*", raw="OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    step("raw: absolute target", "GET", "http://x/", raw="GET http://x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    step("long path (9 KB)", "GET", "/connectors/{{pad:9000}}")
    step("large header (20 KB)", "GET", "/", headers={"X-Pad": "{{pad:20000}}"})

    # ---- plugins
    group("02-plugins")
    step("plugins", "GET", "/connector-plugins")
    step("plugins trailing slash", "GET", "/connector-plugins/")
    for v in ("true", "false", "TRUE", "yes", "1", "", "garbage"):
        step(f"plugins connectorsOnly={v or 'empty'}", "GET", f"/connector-plugins?connectorsOnly={v}")
    step("plugins HEAD", "HEAD", "/connector-plugins")
    step("plugins OPTIONS", "OPTIONS", "/connector-plugins")
    for m in ("POST", "PUT", "DELETE", "PATCH"):
        step(f"plugins {m}", m, "/connector-plugins", body="{}" if m != "DELETE" else None)
    J = "org.apache.kafka.connect."
    for p in (SINK, SOURCE, "FileStreamSink", "FileStreamSinkConnector", "FileStreamSource", MOCK_SOURCE, VER_SOURCE,
              VER_SINK, SCHEMA_SOURCE, J + "transforms.InsertField$Value", J + "transforms.InsertField%24Value",
              "InsertField", J + "transforms.Filter", J + "transforms.Cast$Value", J + "transforms.TimestampRouter",
              J + "transforms.RegexRouter", J + "transforms.ReplaceField$Value",
              J + "transforms.predicates.TopicNameMatches", J + "transforms.predicates.RecordIsTombstone",
              J + "json.JsonConverter", J + "storage.StringConverter", J + "storage.SimpleHeaderConverter",
              J + "converters.ByteArrayConverter", "JsonConverter"):
        step(f"plugin config {p.rsplit('.', 1)[-1]}", "GET", f"/connector-plugins/{p}/config")
    step("plugin config unknown", "GET", "/connector-plugins/no.such.Plugin/config")
    step("plugin config with version", "GET", f"/connector-plugins/{SINK}/config?version=4.3.1")
    step("plugin config with other version", "GET", f"/connector-plugins/{SINK}/config?version=1.2.3")
    step("plugin config version latest", "GET", f"/connector-plugins/{SINK}/config?version=latest")
    step("plugin config version range", "GET", f"/connector-plugins/{SINK}/config?version=%5B4.0%2C5.0)")
    step("plugin config bad version", "GET", f"/connector-plugins/{SINK}/config?version=%5B%5B")
    step("plugin config POST", "POST", f"/connector-plugins/{SINK}/config", body="{}")
    step("plugin config OPTIONS", "OPTIONS", f"/connector-plugins/{SINK}/config")
    step("plugin alone", "GET", f"/connector-plugins/{SINK}")
    step("plugin config trailing slash", "GET", f"/connector-plugins/{SINK}/config/")
    step("plugin empty name", "GET", "/connector-plugins//config")

    # ---- validate
    group("03-validate")
    V = "/connector-plugins/%s/config/validate"
    ok = {"connector.class": SINK, "tasks.max": "1", "topics": "a,b", "file": "/tmp/x", "name": "v"}
    oks = {"connector.class": SOURCE, "tasks.max": "1", "topic": "a", "file": "/tmp/x", "name": "v"}

    def val(name, cfg, p=SINK, **kw):
        step(f"validate {name}", "PUT", V % p, body=cfg, **kw)
    val("valid sink", ok)
    val("valid source", oks, p=SOURCE)
    val("valid by simple name", ok, p="FileStreamSinkConnector")
    val("valid by alias", {**ok, "connector.class": "FileStreamSink"}, p="FileStreamSink")
    val("alias in url, class in body", ok, p="FileStreamSink")
    val("class mismatch", oks)
    val("unknown plugin", ok, p="no.such.Plugin")
    val("unknown plugin in both", {**ok, "connector.class": "no.such.Plugin"}, p="no.such.Plugin")
    val("no connector.class", {k: v for k, v in ok.items() if k != "connector.class"})
    val("empty connector.class", {**ok, "connector.class": ""})
    val("null connector.class", {**ok, "connector.class": None})
    val("no name", {k: v for k, v in ok.items() if k != "name"})
    val("empty name", {**ok, "name": ""})
    val("blank name", {**ok, "name": "  "})
    val("empty object", {})
    val("null body", "null")
    val("empty body", "")
    val("array body", "[]")
    val("string body", '"x"')
    val("bad json", "{bad")
    val("truncated json", '{"a":')
    val("trailing garbage", json.dumps(ok) + " garbage")
    val("nested value", {**ok, "x": {"a": 1}})
    val("array value", {**ok, "x": [1]})
    val("number and boolean values", {**ok, "tasks.max": 2, "x": True, "y": 1.5})
    val("null value", {**ok, "file": None})
    val("unknown key", {**ok, "no.such.key": "1"})
    for t in ("0", "-1", "abc", "", "1.5", "99999999999", " 2 "):
        val(f"tasks.max '{t}'", {**ok, "tasks.max": t})
    val("no topics", {k: v for k, v in ok.items() if k != "topics"})
    val("topics and regex", {**ok, "topics.regex": "x.*"})
    val("bad regex", {**{k: v for k, v in ok.items() if k != "topics"}, "topics.regex": "*["})
    val("good regex", {**{k: v for k, v in ok.items() if k != "topics"}, "topics.regex": "x.*"})
    val("empty topics", {**ok, "topics": ""})
    val("duplicate topics", {**ok, "topics": "a,a"})
    val("blank topics", {**ok, "topics": " , "})
    val("source without topic", {k: v for k, v in oks.items() if k != "topic"}, p=SOURCE)
    val("source batch.size bad", {**oks, "batch.size": "x"}, p=SOURCE)
    val("source batch.size zero", {**oks, "batch.size": "0"}, p=SOURCE)
    val("unknown converter", {**ok, "key.converter": "no.such.Converter"})
    val("converter of wrong kind", {**ok, "value.converter": SINK})
    val("converter config", {**ok, "value.converter": J + "json.JsonConverter", "value.converter.schemas.enable": "maybe"})
    val("unknown header converter", {**ok, "header.converter": "no.such.HeaderConverter"})
    val("good transform", {**ok, "transforms": "r", "transforms.r.type": J + "transforms.RegexRouter",
                           "transforms.r.regex": "a", "transforms.r.replacement": "b"})
    val("transform without type", {**ok, "transforms": "r"})
    val("transform unknown type", {**ok, "transforms": "r", "transforms.r.type": "no.such.Transform"})
    val("transform missing config", {**ok, "transforms": "r", "transforms.r.type": J + "transforms.RegexRouter"})
    val("transform duplicate alias", {**ok, "transforms": "r,r", "transforms.r.type": J + "transforms.RegexRouter"})
    val("transform abstract type", {**ok, "transforms": "r", "transforms.r.type": J + "transforms.InsertField"})
    val("predicate", {**ok, "transforms": "f", "transforms.f.type": J + "transforms.Filter", "transforms.f.predicate": "p",
                      "predicates": "p", "predicates.p.type": J + "transforms.predicates.RecordIsTombstone"})
    val("transform unknown predicate", {**ok, "transforms": "f", "transforms.f.type": J + "transforms.Filter",
                                        "transforms.f.predicate": "nope"})
    val("predicate without type", {**ok, "predicates": "p"})
    val("predicate unknown type", {**ok, "predicates": "p", "predicates.p.type": "no.such.Predicate"})
    val("errors.tolerance bad", {**ok, "errors.tolerance": "some"})
    val("errors retry bad", {**ok, "errors.retry.timeout": "x", "errors.retry.delay.max.ms": "-5"})
    val("dead letter queue", {**ok, "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "dlq",
                              "errors.deadletterqueue.topic.replication.factor": "1",
                              "errors.deadletterqueue.context.headers.enable": "true"})
    val("dead letter queue is own topic", {**ok, "errors.deadletterqueue.topic.name": "a"})
    val("dead letter queue matches regex", {**{k: v for k, v in ok.items() if k != "topics"}, "topics.regex": "dl.*",
                                            "errors.deadletterqueue.topic.name": "dlq"})
    val("config.action.reload bad", {**ok, "config.action.reload": "maybe"})
    val("consumer override", {**ok, "consumer.override.max.poll.records": "10"})
    val("consumer override bad value", {**ok, "consumer.override.max.poll.records": "x"})
    val("consumer override group.id", {**ok, "consumer.override.group.id": "mine"})
    val("producer override", {**oks, "producer.override.linger.ms": "5"}, p=SOURCE)
    val("admin override", {**oks, "admin.override.client.id": "z"}, p=SOURCE)
    val("exactly.once.support required", {**oks, "exactly.once.support": "required"}, p=SOURCE)
    val("exactly.once.support requested", {**oks, "exactly.once.support": "requested"}, p=SOURCE)
    val("exactly.once.support bad", {**oks, "exactly.once.support": "x"}, p=SOURCE)
    val("transaction.boundary connector", {**oks, "transaction.boundary": "connector"}, p=SOURCE)
    val("transaction.boundary interval", {**oks, "transaction.boundary": "interval",
                                          "transaction.boundary.interval.ms": "100"}, p=SOURCE)
    val("topic.creation groups", {**oks, "topic.creation.default.replication.factor": "1",
                                  "topic.creation.default.partitions": "2", "topic.creation.groups": "g1",
                                  "topic.creation.g1.include": "x.*", "topic.creation.g1.partitions": "3"}, p=SOURCE)
    val("topic.creation without default", {**oks, "topic.creation.groups": "g1", "topic.creation.g1.include": "x"}, p=SOURCE)
    val("topic.creation bad", {**oks, "topic.creation.default.replication.factor": "0",
                               "topic.creation.default.partitions": "-7"}, p=SOURCE)
    val("offsets.storage.topic", {**oks, "offsets.storage.topic": "my-offsets"}, p=SOURCE)
    val("connector.plugin.version exact", {**ok, "connector.plugin.version": "4.3.1"})
    val("connector.plugin.version missing", {**ok, "connector.plugin.version": "9.9.9"})
    val("connector.plugin.version range", {**ok, "connector.plugin.version": "[4.0,)"})
    val("connector.plugin.version bad", {**ok, "connector.plugin.version": "[["})
    val("converter plugin.version", {**ok, "key.converter": J + "json.JsonConverter", "key.converter.plugin.version": "9.9.9"})
    val("placeholder of unknown provider", {**ok, "file": "${nope:a:b}"})
    val("tasks.max.enforce bad", {**ok, "tasks.max.enforce": "maybe"})
    val("no content type", ok, ctype=None)
    val("text content type", ok, ctype="text/plain")
    val("form content type", "a=b", ctype="application/x-www-form-urlencoded")
    val("json with charset", ok, ctype="application/json; charset=utf-8")
    for m in ("GET", "POST", "DELETE", "PATCH"):
        step(f"validate {m}", m, V % SINK, body="{}" if m in ("POST", "PATCH") else None)
    step("validate OPTIONS", "OPTIONS", V % SINK)
    step("validate trailing slash", "PUT", V % SINK + "/", body=ok)

    # ---- create: every way to get it wrong
    group("04-create-errors")
    C = "/connectors"
    step("list empty", "GET", C)
    step("list empty, trailing slash", "GET", C + "/")
    good = src("g-err")["config"]

    def bad(name, body, **kw):
        step(f"create {name}", "POST", C, body=body, **kw)
    bad("empty body", "")
    bad("no body, no content type", None)
    bad("null", "null")
    bad("empty object", {})
    bad("array", "[]")
    bad("string", '"x"')
    bad("number", "1")
    bad("bad json", "{bad")
    bad("truncated", '{"name":"g-err","config":{')
    bad("unknown field", {"name": "g-err", "config": {}, "extra": 1})
    bad("trailing comma", '{"name":"g-err","config":{},}')
    bad("json with comment", '{/*c*/"name":"g-err","config":{}}')
    bad("single quotes", "{'name':'g-err'}")
    bad("missing name", {"config": good})
    bad("missing config", {"name": "g-err"})
    bad("null name", {"name": None, "config": good})
    bad("null config", {"name": "g-err", "config": None})
    bad("empty name", {"name": "", "config": good})
    bad("blank name", {"name": "   ", "config": good})
    bad("number as name", {"name": 5, "config": {}})
    bad("object as name", {"name": {}, "config": {}})
    bad("config is array", {"name": "g-err", "config": []})
    bad("config is string", {"name": "g-err", "config": "x"})
    bad("config value object", {"name": "g-err", "config": {**good, "x": {}}})
    bad("config value array", {"name": "g-err", "config": {**good, "x": ["a"]}})
    bad("empty config", {"name": "g-err", "config": {}})
    bad("no class", {"name": "g-err", "config": {"tasks.max": "1"}})
    bad("empty class", {"name": "g-err", "config": {"connector.class": ""}})
    bad("null class", {"name": "g-err", "config": {"connector.class": None}})
    bad("unknown class", {"name": "g-err", "config": {"connector.class": "no.such.Connector"}})
    bad("class of another kind", {"name": "g-err", "config": {"connector.class": J + "transforms.RegexRouter"}})
    bad("name differs in config", {"name": "g-err", "config": {**good, "name": "other"}})
    bad("missing required", {"name": "g-err", "config": {"connector.class": SOURCE}})
    bad("two errors", {"name": "g-err", "config": {"connector.class": SOURCE, "tasks.max": "0", "errors.tolerance": "x"}})
    bad("sink without topics", {"name": "g-err", "config": {"connector.class": SINK}})
    bad("sink with topics and regex", {"name": "g-err", "config": {"connector.class": SINK, "topics": "a", "topics.regex": "b"}})
    bad("tasks.max zero", {"name": "g-err", "config": {**good, "tasks.max": "0"}})
    bad("null value", {"name": "g-err", "config": {**good, "topic": None}})
    step("create-errors cleanup null value", "DELETE", C + "/g-err")
    gone("g-err")
    bad("unknown transform", {"name": "g-err", "config": {**good, "transforms": "t", "transforms.t.type": "nope"}})
    for n, label in (("a\u0000b", "nul"), ("a\nb", "newline"), ("a\tb", "tab"),
                     ("a\u0007b", "bell"), ("a\u007fb", "delete character"), ("a\rb", "carriage return")):
        bad(f"name with {label}", {"name": n, "config": good})
    bad("initial_state bad", {"name": "g-err", "config": good, "initial_state": "NOPE"})
    bad("initial_state lower case", {"name": "g-err-lc", "config": good, "initial_state": "paused"})
    step("create-errors lower case state", "GET", C + "/g-err-lc/status", poll=until(["$status", "==", 200]))
    step("create-errors cleanup lc", "DELETE", C + "/g-err-lc")
    gone("g-err-lc")
    bad("initial_state number", {"name": "g-err", "config": good, "initial_state": 1})
    bad("initial_state FAILED", {"name": "g-err", "config": good, "initial_state": "FAILED"})
    bad("initial_state empty", {"name": "g-err", "config": good, "initial_state": ""})
    bad("text/plain", src("g-err"), ctype="text/plain")
    bad("form", "a=b", ctype="application/x-www-form-urlencoded")
    bad("xml", "<a/>", ctype="application/xml")
    bad("garbage content type", src("g-err"), ctype="garbage")
    bad("no content type", src("g-err"), ctype=None)
    step("create-errors nothing made", "GET", C + "/g-err")
    bad("json in utf-16", "x", ctype="application/json", headers={"X-Body-Base64": base64.b64encode('{"name":"g-u16"}'.encode("utf-16")).decode()})
    bad("json with BOM", "x", headers={"X-Body-Base64": base64.b64encode(b"\xef\xbb\xbf{}").decode()})
    bad("invalid utf-8", "x", headers={"X-Body-Base64": base64.b64encode(b'{"name":"g-\xff\xfe","config":{}}').decode()})
    bad("gzip body", "x", headers={"X-Body-Base64": base64.b64encode(b"\x1f\x8b\x08\x00").decode(), "Content-Encoding": "gzip"})
    bad("accept text/plain", src("g-err"), headers={"Accept": "text/plain"})
    step("create-errors nothing made either", "GET", C + "/g-err")
    bad("huge invalid (1 MB value)", '{"name":"g-huge","config":{"connector.class":"no.such","x":"{{pad:1048576}}"}}')
    bad("deep nesting", '{"name":"g-err","config":' + "[" * 2000 + "]" * 2000 + "}")
    bad("forward=garbage", {"name": "g-err", "config": {}}, headers={})
    step("create forward=garbage in query", "POST", C + "?forward=garbage", body={"name": "g-err", "config": {}})
    step("create forward=false", "POST", C + "?forward=false", body={"name": "g-err", "config": {}})
    for m in ("PUT", "DELETE", "PATCH"):
        step(f"connectors {m}", m, C, body="{}" if m != "DELETE" else None)
    step("connectors OPTIONS", "OPTIONS", C)
    step("connectors HEAD", "HEAD", C)
    step("list after all that", "GET", C)

    # ---- every endpoint of a connector that does not exist
    group("05-unknown-connector")
    N = "/connectors/g-nope"
    for sub in ("", "/config", "/status", "/tasks", "/tasks/0/status", "/topics", "/offsets", "/tasks-config", "/nope"):
        step(f"unknown GET {sub or '/'}", "GET", N + sub)
    step("unknown DELETE", "DELETE", N)
    for sub in ("/pause", "/resume", "/stop", "/topics/reset"):
        step(f"unknown PUT {sub}", "PUT", N + sub)
    step("unknown POST /restart", "POST", N + "/restart")
    step("unknown POST /restart?includeTasks=true", "POST", N + "/restart?includeTasks=true")
    step("unknown POST /restart?includeTasks=true&onlyFailed=true", "POST", N + "/restart?includeTasks=true&onlyFailed=true")
    step("unknown POST /tasks/0/restart", "POST", N + "/tasks/0/restart")
    step("unknown PATCH /config", "PATCH", N + "/config", body={"a": "b"})
    step("unknown PATCH /offsets", "PATCH", N + "/offsets", body={"offsets": [{"partition": {"a": 1}, "offset": {"b": 2}}]})
    step("unknown DELETE /offsets", "DELETE", N + "/offsets")
    step("unknown HEAD", "HEAD", N)
    for m, p in (("POST", N), ("PUT", N), ("PATCH", N), ("DELETE", N + "/config"), ("POST", N + "/config"),
                 ("POST", N + "/status"), ("PUT", N + "/status"), ("DELETE", N + "/tasks"), ("PUT", N + "/tasks"),
                 ("GET", N + "/restart"), ("PUT", N + "/restart"), ("GET", N + "/pause"), ("POST", N + "/pause"),
                 ("POST", N + "/resume"), ("POST", N + "/stop"), ("GET", N + "/stop"), ("POST", N + "/topics"),
                 ("GET", N + "/topics/reset"), ("POST", N + "/topics/reset"), ("PUT", N + "/offsets"),
                 ("POST", N + "/offsets"), ("PUT", N + "/tasks/0/restart"), ("GET", N + "/tasks/0/restart"),
                 ("GET", N + "/tasks/0"), ("POST", N + "/tasks/0/status")):
        step(f"unknown wrong method {m} {p[len(N):] or '/'}", m, p, body="{}" if m in ("POST", "PUT", "PATCH") else None)
    for p in ("", "/config", "/status", "/tasks", "/tasks/0/status", "/tasks/0/restart", "/restart", "/pause", "/offsets",
              "/topics", "/topics/reset"):
        step(f"unknown OPTIONS {p or '/'}", "OPTIONS", N + p)
    # internal endpoints, unsigned
    step("internal POST /tasks unsigned", "POST", N + "/tasks", body="[]")
    step("internal PUT /fence unsigned", "PUT", N + "/fence", body="")
    step("internal POST /tasks garbage signature", "POST", N + "/tasks", body="[]",
         headers={"X-Connect-Authorization": "AAAA", "X-Connect-Request-Signature-Algorithm": "HmacSHA256"})
    step("internal PUT /fence no body", "PUT", N + "/fence")

    # ---- a source connector from birth to death
    group("06-source-lifecycle")
    S = "/connectors/g-src"
    step("create source", "POST", "/connectors", body=src("g-src"))
    step("create duplicate", "POST", "/connectors", body=src("g-src"))
    running("g-src")
    step("create duplicate while running", "POST", "/connectors", body=src("g-src"))
    step("create duplicate invalid", "POST", "/connectors", body={"name": "g-src", "config": {}})
    step("list", "GET", "/connectors")
    step("get", "GET", S, poll=until(["tasks", "len", 1]))
    step("get trailing slash", "GET", S + "/")
    step("get HEAD", "HEAD", S)
    step("config", "GET", S + "/config")
    step("tasks", "GET", S + "/tasks")
    step("tasks trailing slash", "GET", S + "/tasks/")
    step("tasks-config (removed in 4.0)", "GET", S + "/tasks-config")
    step("task 0 status", "GET", S + "/tasks/0/status")
    for t in ("1", "99", "-1", "abc", "0x0", "00", "2147483648", "%200", ""):
        step(f"task '{t}' status", "GET", S + f"/tasks/{t}/status")
    step("topics", "GET", S + "/topics", poll=until(["g-src.topics", "len", 1]))
    step("topics trailing slash", "GET", S + "/topics/")
    step("topics reset", "PUT", S + "/topics/reset")
    step("topics after reset", "GET", S + "/topics")
    step("topics reset with body", "PUT", S + "/topics/reset", body="{}")
    for q in ("status", "info", "status&expand=info", "info&expand=status", "garbage", "", "status&expand=status", "STATUS",
              "status,info", "status&expand=garbage"):
        step(f"expand={q or 'empty'}", "GET", f"/connectors?expand={q}")
    step("expand twice garbage", "GET", "/connectors?expand=a&expand=b&x=y")
    step("offsets of a running source", "GET", S + "/offsets", poll=until(["offsets", "len", 1]))
    step("alter offsets while running", "PATCH", S + "/offsets",
         body={"offsets": [{"partition": {"filename": "{{dir}}/in.txt"}, "offset": {"position": 0}}]})
    step("reset offsets while running", "DELETE", S + "/offsets")
    step("restart", "POST", S + "/restart")
    running("g-src")
    step("restart includeTasks=false&onlyFailed=false", "POST", S + "/restart?includeTasks=false&onlyFailed=false")
    running("g-src")
    step("restart includeTasks", "POST", S + "/restart?includeTasks=true")
    running("g-src")
    step("restart onlyFailed", "POST", S + "/restart?onlyFailed=true")
    running("g-src")
    step("restart includeTasks onlyFailed", "POST", S + "/restart?includeTasks=true&onlyFailed=true")
    running("g-src")
    step("restart garbage flags", "POST", S + "/restart?includeTasks=garbage&onlyFailed=1")
    running("g-src")
    step("restart with body", "POST", S + "/restart", body="{}")
    running("g-src")
    step("restart with text body", "POST", S + "/restart", body="x", ctype="text/plain")
    running("g-src")
    step("restart task 0", "POST", S + "/tasks/0/restart")
    running("g-src")
    step("restart task 7", "POST", S + "/tasks/7/restart")
    step("restart task abc", "POST", S + "/tasks/abc/restart")
    step("restart task -1", "POST", S + "/tasks/-1/restart")
    step("pause", "PUT", S + "/pause")
    running("g-src", state="PAUSED")
    step("pause again", "PUT", S + "/pause")
    step("pause with body", "PUT", S + "/pause", body="{}")
    step("get while paused", "GET", S)
    step("restart while paused", "POST", S + "/restart")
    running("g-src", state="PAUSED", label="still paused after restart")
    step("alter offsets while paused", "PATCH", S + "/offsets",
         body={"offsets": [{"partition": {"filename": "{{dir}}/in.txt"}, "offset": {"position": 0}}]})
    step("resume", "PUT", S + "/resume")
    running("g-src")
    step("resume again", "PUT", S + "/resume")
    step("stop", "PUT", S + "/stop")
    running("g-src", tasks=0, state="STOPPED")
    step("stop again", "PUT", S + "/stop")
    step("get while stopped", "GET", S, poll=until(["tasks", "len", 0]))
    step("tasks while stopped", "GET", S + "/tasks")
    step("task 0 status while stopped", "GET", S + "/tasks/0/status")
    step("restart while stopped", "POST", S + "/restart")
    step("restart with tasks while stopped", "POST", S + "/restart?includeTasks=true")
    step("restart task 0 while stopped", "POST", S + "/tasks/0/restart", retry_s=3)
    step("status while stopped", "GET", S + "/status")
    step("expand while stopped", "GET", "/connectors?expand=status&expand=info")
    step("topics while stopped", "GET", S + "/topics")

    O = S + "/offsets"
    P = {"filename": "{{dir}}/in.txt"}

    def off(name, body, **kw):
        step(f"alter offsets {name}", "PATCH", O, body=body, **kw)
    step("offsets while stopped", "GET", O)
    off("valid", {"offsets": [{"partition": P, "offset": {"position": 3}}]})
    step("offsets after alter", "GET", O, poll=until(["offsets.0.offset.position", "==", 3]))
    off("empty body", "")
    off("null", "null")
    off("empty object", {})
    off("array", "[]")
    off("bad json", "{bad")
    off("null offsets", {"offsets": None})
    off("empty offsets", {"offsets": []})
    off("offsets is object", {"offsets": {}})
    off("offsets is string", {"offsets": "x"})
    off("null element", {"offsets": [None]})
    off("element without partition", {"offsets": [{"offset": {"position": 1}}]})
    off("null partition", {"offsets": [{"partition": None, "offset": {"position": 1}}]})
    off("element without offset", {"offsets": [{"partition": P}]})
    off("partition is string", {"offsets": [{"partition": "x", "offset": {"position": 1}}]})
    off("offset is number", {"offsets": [{"partition": P, "offset": 1}]})
    off("empty partition", {"offsets": [{"partition": {}, "offset": {"position": 1}}]})
    off("empty offset", {"offsets": [{"partition": P, "offset": {}}]})
    off("wrong partition key", {"offsets": [{"partition": {"x": 1}, "offset": {"position": 1}}]})
    off("wrong offset key", {"offsets": [{"partition": P, "offset": {"x": 1}}]})
    off("string position", {"offsets": [{"partition": P, "offset": {"position": "1"}}]})
    off("negative position", {"offsets": [{"partition": P, "offset": {"position": -1}}]})
    off("fraction position", {"offsets": [{"partition": P, "offset": {"position": 1.5}}]})
    off("unknown field", {"offsets": [{"partition": P, "offset": {"position": 1}, "x": 1}], "y": 2})
    off("duplicate partitions", {"offsets": [{"partition": P, "offset": {"position": 1}}, {"partition": P, "offset": {"position": 2}}]})
    off("other partition", {"offsets": [{"partition": {"filename": "/tmp/other"}, "offset": {"position": 9}}]})
    off("null offset resets one", {"offsets": [{"partition": P, "offset": None}]})
    off("text/plain", "x", ctype="text/plain")
    off("no content type", {"offsets": [{"partition": P, "offset": {"position": 0}}]}, ctype=None)
    step("offsets in the end", "GET", O)
    step("reset offsets", "DELETE", O)
    step("offsets after reset", "GET", O, poll=until(["offsets", "len", 0]))
    step("reset offsets again", "DELETE", O)
    step("reset offsets with body", "DELETE", O, body="{}")
    step("resume after stop", "PUT", S + "/resume")
    running("g-src")
    step("offsets once read again", "GET", O, poll=until(["offsets", "len", 1]))
    delete("g-src")
    for sub in ("", "/config", "/status", "/tasks", "/topics", "/offsets"):
        step(f"deleted GET {sub or '/'}", "GET", S + sub)
    step("delete again", "DELETE", S)

    # ---- a sink connector
    group("07-sink-lifecycle")
    K = "/connectors/g-snk"
    step("create a topic through a source", "POST", "/connectors", body=src("g-feed", topic="golden-sink-topic"))
    running("g-feed")
    step("feed topics", "GET", "/connectors/g-feed/topics", poll=until(["g-feed.topics", "len", 1]))
    step("create sink", "POST", "/connectors", body=snk("g-snk"))
    running("g-snk")
    step("sink get", "GET", K, poll=until(["tasks", "len", 1]))
    step("sink tasks", "GET", K + "/tasks")
    step("sink config", "GET", K + "/config")
    step("sink status", "GET", K + "/status")
    step("sink topics", "GET", K + "/topics", poll=until(["g-snk.topics", "len", 1]))
    step("sink offsets", "GET", K + "/offsets", poll=until(["offsets", "len", 1]))
    step("expand two connectors", "GET", "/connectors?expand=status&expand=info")
    step("alter sink offsets while running", "PATCH", K + "/offsets", body={"offsets": [
        {"partition": {"kafka_topic": "golden-sink-topic", "kafka_partition": 0}, "offset": {"kafka_offset": 0}}]})
    step("reset sink offsets while running", "DELETE", K + "/offsets")
    step("stop sink", "PUT", K + "/stop")
    running("g-snk", tasks=0, state="STOPPED")
    O2 = K + "/offsets"
    T0 = {"kafka_topic": "golden-sink-topic", "kafka_partition": 0}

    def koff(name, body):
        step(f"alter sink offsets {name}", "PATCH", O2, body=body)
    koff("valid", {"offsets": [{"partition": T0, "offset": {"kafka_offset": 1}}]})
    step("sink offsets after alter", "GET", O2)
    koff("string numbers", {"offsets": [{"partition": {"kafka_topic": "golden-sink-topic", "kafka_partition": "0"}, "offset": {"kafka_offset": "2"}}]})
    step("sink offsets after string numbers", "GET", O2)
    koff("missing topic", {"offsets": [{"partition": {"kafka_partition": 0}, "offset": {"kafka_offset": 1}}]})
    koff("missing partition", {"offsets": [{"partition": {"kafka_topic": "golden-sink-topic"}, "offset": {"kafka_offset": 1}}]})
    koff("missing kafka_offset", {"offsets": [{"partition": T0, "offset": {"x": 1}}]})
    koff("empty offset", {"offsets": [{"partition": T0, "offset": {}}]})
    koff("extra partition field", {"offsets": [{"partition": {**T0, "x": 1}, "offset": {"kafka_offset": 1}}]})
    koff("extra offset field", {"offsets": [{"partition": T0, "offset": {"kafka_offset": 1, "x": 1}}]})
    koff("null topic", {"offsets": [{"partition": {"kafka_topic": None, "kafka_partition": 0}, "offset": {"kafka_offset": 1}}]})
    koff("number topic", {"offsets": [{"partition": {"kafka_topic": 5, "kafka_partition": 0}, "offset": {"kafka_offset": 1}}]})
    koff("null partition number", {"offsets": [{"partition": {"kafka_topic": "golden-sink-topic", "kafka_partition": None}, "offset": {"kafka_offset": 1}}]})
    koff("bad partition number", {"offsets": [{"partition": {"kafka_topic": "golden-sink-topic", "kafka_partition": "x"}, "offset": {"kafka_offset": 1}}]})
    koff("negative partition", {"offsets": [{"partition": {"kafka_topic": "golden-sink-topic", "kafka_partition": -1}, "offset": {"kafka_offset": 1}}]})
    koff("null kafka_offset", {"offsets": [{"partition": T0, "offset": {"kafka_offset": None}}]})
    koff("bad kafka_offset", {"offsets": [{"partition": T0, "offset": {"kafka_offset": "x"}}]})
    koff("negative kafka_offset", {"offsets": [{"partition": T0, "offset": {"kafka_offset": -1}}]})
    koff("fraction kafka_offset", {"offsets": [{"partition": T0, "offset": {"kafka_offset": 1.5}}]})
    koff("beyond the end", {"offsets": [{"partition": T0, "offset": {"kafka_offset": 1000000}}]})
    koff("unknown topic", {"offsets": [{"partition": {"kafka_topic": "no-such-topic", "kafka_partition": 0}, "offset": {"kafka_offset": 1}}]})
    koff("unknown partition", {"offsets": [{"partition": {"kafka_topic": "golden-sink-topic", "kafka_partition": 99}, "offset": {"kafka_offset": 1}}]})
    koff("source shape", {"offsets": [{"partition": {"filename": "x"}, "offset": {"position": 1}}]})
    koff("null partition", {"offsets": [{"partition": None, "offset": {"kafka_offset": 1}}]})
    koff("null offset resets one", {"offsets": [{"partition": T0, "offset": None}]})
    step("sink offsets after that", "GET", O2)
    koff("valid again", {"offsets": [{"partition": T0, "offset": {"kafka_offset": 0}}]})
    step("reset sink offsets", "DELETE", O2)
    step("sink offsets after reset", "GET", O2)
    step("reset sink offsets again", "DELETE", O2)
    step("resume sink", "PUT", K + "/resume")
    running("g-snk")
    step("sink offsets again", "GET", O2, poll=until(["offsets", "len", 1]))
    delete("g-snk")
    delete("g-feed")

    # ---- config by PUT and PATCH
    group("09-initial-state")
    for st, tasks in (("RUNNING", 1), ("PAUSED", 0), ("STOPPED", 0)):
        n = "g-init-" + st.lower()
        step(f"create {st}", "POST", "/connectors", body={**src(n), "initial_state": st})
        running(n, tasks=tasks, state=st)
        step(f"get {st}", "GET", f"/connectors/{n}", poll=until(["tasks", "len", tasks]))
    step("create initial_state null", "POST", "/connectors", body={**src("g-init-null"), "initial_state": None})
    running("g-init-null")
    step("create initial_state in config", "POST", "/connectors", body=src("g-init-cfg", initial_state="PAUSED"))
    running("g-init-cfg")
    step("offsets of a created-stopped connector", "GET", "/connectors/g-init-stopped/offsets")
    step("alter offsets of a created-stopped connector", "PATCH", "/connectors/g-init-stopped/offsets",
         body={"offsets": [{"partition": {"filename": "{{dir}}/in.txt"}, "offset": {"position": 4}}]})
    step("resume created-paused", "PUT", "/connectors/g-init-paused/resume")
    running("g-init-paused")
    step("resume created-stopped", "PUT", "/connectors/g-init-stopped/resume")
    running("g-init-stopped")
    step("expand all", "GET", "/connectors?expand=info&expand=status")
    for n in ("g-init-running", "g-init-paused", "g-init-stopped", "g-init-null", "g-init-cfg"):
        delete(n)

    # ---- names
    group("10-names")
    from urllib.parse import quote
    for n, label in (("g sp", "space"), ("g+plus", "plus"), ("žluť-🐎", "unicode"),
                     ("g.dot", "dot"), ("G-Upper", "upper case"), ("g?q", "question mark"), ("g#h", "hash"), ("g&a=b", "ampersand"),
                     ("g;p=1", "semicolon"), ("g:c", "colon"), ("g\"q", "double quote"), ("g<t>", "angle brackets"),
                     ("..", "dot dot"), ("x" * 200, "200 letters")):
        body = {"name": n, "config": {**src("x")["config"], "topic": "golden-names"}}
        q = quote(n, safe="")
        step(f"name {label}: create", "POST", "/connectors", body=body)
        step(f"name {label}: get encoded", "GET", "/connectors/" + q, poll=until(["$status", "==", 200], ["tasks", "len", 1], t=8))
        step(f"name {label}: status encoded", "GET", f"/connectors/{q}/status", poll=until(["$status", "==", 200], ["connector.state", "==", "RUNNING"], ["tasks", "len", 1], t=8))
        if label in ("space", "plus", "unicode"):
            step(f"name {label}: get raw", "GET", "/connectors/" + n.replace(" ", "+"))
        step(f"name {label}: delete encoded", "DELETE", "/connectors/" + q)
    step("name with spaces at both ends: create", "POST", "/connectors", body={"name": "  g-trim ", "config": {**src("x")["config"], "topic": "golden-names"}})
    step("name with spaces at both ends: get trimmed", "GET", "/connectors/g-trim", poll=until(["tasks", "len", 1], t=8))
    step("name with spaces at both ends: get as is", "GET", "/connectors/%20%20g-trim%20")
    step("name with spaces at both ends: delete trimmed", "DELETE", "/connectors/g-trim")
    step("name encoded nul", "GET", "/connectors/a%00b")
    step("name encoded newline", "GET", "/connectors/a%0Ab")
    step("name encoded slash", "GET", "/connectors/a%2Fb")
    step("name bad escape", "GET", "/connectors/a%zzb")
    step("name truncated escape", "GET", "/connectors/a%")
    step("name bad utf-8 escape", "GET", "/connectors/a%ff%feb")
    step("name encoded backslash", "GET", "/connectors/a%5Cb")
    step("name encoded dot dot", "GET", "/connectors/%2e%2e/status")
    step("name encoded percent", "GET", "/connectors/a%25b")
    step("name with path parameter", "GET", "/connectors/a;b=c/status")
    step("empty name", "GET", "/connectors//status")
    step("PUT config on encoded name", "PUT", "/connectors/g%20put/config", body={**src("x")["config"], "topic": "golden-names"})
    step("delete encoded put", "DELETE", "/connectors/g%20put")
    step("names list in the end", "GET", "/connectors", poll=until(["$body", "len", 0], t=20))

    # ---- failures
    group("12-loggers")
    A = "/admin/loggers"
    L = "org.apache.kafka.connect.runtime.WorkerSinkTask"
    step("loggers", "GET", A)
    step("loggers trailing slash", "GET", A + "/")
    step("logger root", "GET", A + "/root")
    step("logger known", "GET", A + "/" + L)
    step("logger namespace", "GET", A + "/org.apache.kafka.connect")
    step("logger unknown", "GET", A + "/no.such.logger")
    step("set level", "PUT", A + "/" + L, body={"level": "DEBUG"})
    step("level after set", "GET", A + "/" + L)
    step("loggers after set", "GET", A)
    step("set level lower case", "PUT", A + "/" + L, body={"level": "info"})
    step("set level bad", "PUT", A + "/" + L, body={"level": "LOUD"})
    step("set level missing", "PUT", A + "/" + L, body={})
    step("set level null", "PUT", A + "/" + L, body={"level": None})
    step("set level number", "PUT", A + "/" + L, body={"level": 1})
    step("set level empty", "PUT", A + "/" + L, body={"level": ""})
    step("set level extra field", "PUT", A + "/" + L, body={"level": "INFO", "x": "y"})
    step("set level empty body", "PUT", A + "/" + L, body="")
    step("set level null body", "PUT", A + "/" + L, body="null")
    step("set level array body", "PUT", A + "/" + L, body="[]")
    step("set level bad json", "PUT", A + "/" + L, body="{bad")
    step("set level text/plain", "PUT", A + "/" + L, body="x", ctype="text/plain")
    step("set level no content type", "PUT", A + "/" + L, body={"level": "INFO"}, ctype=None)
    step("set level scope worker", "PUT", A + "/" + L + "?scope=worker", body={"level": "WARN"})
    step("set level scope cluster", "PUT", A + "/" + L + "?scope=cluster", body={"level": "ERROR"})
    step("level after cluster scope", "GET", A + "/" + L, poll=until(["level", "==", "ERROR"], t=15))
    step("set level scope CLUSTER upper", "PUT", A + "/" + L + "?scope=CLUSTER", body={"level": "WARN"})
    step("set level scope garbage", "PUT", A + "/" + L + "?scope=galaxy", body={"level": "INFO"})
    step("set level scope empty", "PUT", A + "/" + L + "?scope=", body={"level": "INFO"})
    step("set level scope cluster bad level", "PUT", A + "/" + L + "?scope=cluster", body={"level": "LOUD"})
    step("set level scope cluster no level", "PUT", A + "/" + L + "?scope=cluster", body={})
    step("set level of a namespace", "PUT", A + "/org.apache.kafka.connect.runtime.rest", body={"level": "INFO"})
    step("set level of an unknown logger", "PUT", A + "/golden.made.up", body={"level": "TRACE"})
    step("made up logger", "GET", A + "/golden.made.up")
    step("set level of root", "PUT", A + "/root", body={"level": "INFO"})
    for lv in ("OFF", "FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "ALL"):
        step(f"set level {lv}", "PUT", A + "/golden.levels", body={"level": lv})
    for m in ("POST", "PUT", "DELETE", "PATCH"):
        step(f"loggers {m}", m, A, body="{}" if m != "DELETE" else None)
    for m in ("POST", "DELETE", "PATCH"):
        step(f"logger {m}", m, A + "/root", body="{}" if m != "DELETE" else None)
    step("loggers OPTIONS", "OPTIONS", A)
    step("logger OPTIONS", "OPTIONS", A + "/root")
    step("logger restore", "PUT", A + "/" + L, body={"level": "INFO"})

    # ---- query garbage and forward
    group("20-basic-auth")     # rest.extension.classes=org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension
    cred = lambda t: {"Authorization": "Basic " + base64.b64encode(t.encode()).decode()}
    for m, p in (("GET", "/"), ("GET", "/health"), ("GET", "/connectors"), ("POST", "/connectors"), ("GET", "/nope"), ("OPTIONS", "/connectors"),
                 ("GET", "/connector-plugins"), ("GET", "/admin/loggers"), ("DELETE", "/connectors/x"), ("POST", "/connectors/x/tasks"), ("PUT", "/connectors/x/fence")):
        step(f"auth: {m} {p} without", m, p, body="{}" if m in ("POST", "PUT") else None)
    step("auth: right", "GET", "/connectors", headers=cred("alice:alice-secret"))
    step("auth: right, root", "GET", "/", headers=cred("alice:alice-secret"))
    step("auth: right, unknown path", "GET", "/nope", headers=cred("alice:alice-secret"))
    step("auth: wrong password", "GET", "/connectors", headers=cred("alice:wrong"))
    step("auth: unknown user", "GET", "/connectors", headers=cred("carol:x"))
    step("auth: no colon", "GET", "/connectors", headers=cred("alice"))
    step("auth: empty", "GET", "/connectors", headers=cred(":"))
    step("auth: not base64", "GET", "/connectors", headers={"Authorization": "Basic ???"})
    step("auth: bearer", "GET", "/connectors", headers={"Authorization": "Bearer abc"})
    step("auth: lower case scheme", "GET", "/connectors", headers={"Authorization": cred("alice:alice-secret")["Authorization"].replace("Basic", "basic")})
    step("auth: no scheme", "GET", "/connectors", headers={"Authorization": "x"})
    group("21-cors")           # access.control.allow.origin=http://ui.test, access.control.allow.methods=GET,POST,PUT,DELETE,PATCH
    step("cors: origin", "GET", "/connectors", headers={"Origin": "http://ui.test"})
    step("cors: other origin", "GET", "/connectors", headers={"Origin": "http://other.test"})
    step("cors: preflight", "OPTIONS", "/connectors", headers={"Origin": "http://ui.test", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"})
    step("cors: preflight of another method", "OPTIONS", "/connectors", headers={"Origin": "http://ui.test", "Access-Control-Request-Method": "BREW"})
    step("cors: preflight of another origin", "OPTIONS", "/connectors", headers={"Origin": "http://other.test", "Access-Control-Request-Method": "POST"})
    step("cors: error answer", "GET", "/connectors/nope", headers={"Origin": "http://ui.test"})


# ------------------------------------------------------------------------------------------------ sending
class Conn(http.client.HTTPConnection):
    def _validate_path(self, url):      # send what the step says, escapes or not
        pass

    def _encode_request(self, request):
        return request.encode("utf-8")

    def _validate_method(self, method):
        pass


class Ctx:
    def __init__(self, base, maps):
        u = urlsplit(base)
        self.host, self.port, self.prefix = u.hostname, u.port or 80, u.path.rstrip("/")
        self.maps = maps
        self.dir = tempfile.mkdtemp(prefix="golden-")
        self.version = ""
        try:
            self.version = json.loads(once(self, {"method": "GET", "path": "/", "headers": {}, "body": None})[2])["version"]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        with open(os.path.join(self.dir, "in.txt"), "w") as f:
            f.write("one\ntwo\nthree\n")

    def expand(self, s):
        s = s.replace("{{dir}}", self.dir)
        s = re.sub(r"\{\{pad:(\d+)\}\}", lambda m: "x" * int(m.group(1)), s)
        for a, b in self.maps:
            s = s.replace(a, b)
        return s


def once(ctx, s):
    """One exchange: (status, headers, body text)."""
    if s.get("raw"):
        with socket.create_connection((ctx.host, ctx.port), timeout=20) as k:
            k.sendall(ctx.expand(s["raw"]).encode())
            data = b""
            k.settimeout(5)
            try:
                while chunk := k.recv(65536):
                    data += chunk
                    if len(data) > 1 << 20:
                        break
            except OSError:
                pass
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        st = lines[0].split(" ", 2)
        hd = {k.strip().lower(): v.strip() for k, _, v in (x.partition(":") for x in lines[1:])}
        return (int(st[1]) if len(st) > 1 and st[1].isdigit() else 0), hd, body.decode("utf-8", "replace")
    headers = {k: ctx.expand(v) for k, v in s["headers"].items()}
    data = None if s["body"] is None else ctx.expand(s["body"]).encode("utf-8", "surrogatepass")
    b64 = headers.pop("X-Body-Base64", None)
    if b64:
        data = base64.b64decode(b64)
    c = Conn(ctx.host, ctx.port, timeout=120)
    try:
        c.putrequest(s["method"], ctx.prefix + ctx.expand(s["path"]), skip_accept_encoding=True)
        for k, v in headers.items():
            c.putheader(k, v)
        if data is not None or s["method"] in ("POST", "PUT", "PATCH"):
            c.putheader("Content-Length", str(len(data or b"")))
        c.endheaders(data)
        r = c.getresponse()
        raw = r.read()
        hd = {k.lower(): v for k, v in r.getheaders()}
        if hd.get("content-encoding") == "gzip":
            import gzip
            raw = gzip.decompress(raw)
        return r.status, hd, raw.decode("utf-8", "replace")
    finally:
        c.close()


def get(doc, path):
    """Values that a dotted path finds; a dot in a key is written \\."""
    cur = [doc]
    for part in re.split(r"(?<!\\)\.", path):
        part = part.replace("\\.", ".")
        nxt = []
        for x in cur:
            if part == "*" and isinstance(x, list):
                nxt += x
            elif isinstance(x, list) and part.isdigit() and int(part) < len(x):
                nxt.append(x[int(part)])
            elif isinstance(x, dict) and part in x:
                nxt.append(x[part])
        cur = nxt
    return cur


def holds(cond, status, doc):
    path, op, want = cond
    if path == "$status":
        return status == want
    vals = [doc] if path == "$body" else get(doc, path)
    if op == "all":
        return all(v == want for v in vals)
    if op == "any":
        return any(v == want for v in vals)
    if not vals:
        return False
    if op == "len":
        return hasattr(vals[0], "__len__") and len(vals[0]) == want
    if op == "has":
        return want in vals[0]
    return vals[0] == want


def parse(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


REBALANCE = re.compile(r"rebalance|stale configuration|momentarily", re.I)


def agreement(differences):
    """How far a step agrees with the golden answer."""
    kinds = {d[0] for d in differences}
    if ("status", "", 500, 400) in differences:
        return "refused"  # the client's mistake is called so, where Java shows its own exception
    return "none" if "status" in kinds else "status" if "shape" in kinds else "shape" if kinds else "exact"


def exchange(ctx, s, patience=120.0):
    if s.get("sleep_s"):
        time.sleep(s["sleep_s"])
    t0, retries, polls = time.time(), 0, 0
    poll = s.get("poll")
    while True:
        t1 = time.time()
        try:
            status, hd, text = once(ctx, s)
        except (OSError, http.client.HTTPException) as e:
            status, hd, text = 0, {}, f"<no answer: {type(e).__name__}>"
        ms = round((time.time() - t1) * 1000, 1)
        doc = parse(text)
        if status in (409, 500) and REBALANCE.search(text) and time.time() - t0 < min(patience, s.get("retry_s", 30)):
            retries += 1
            time.sleep(0.25)
            continue
        if poll and time.time() - t0 < min(patience, poll["timeout_s"]) and not all(holds(c, status, doc) for c in poll["until"]):
            polls += 1
            time.sleep(0.1)
            continue
        met = not poll or all(holds(c, status, doc) for c in poll["until"])
        return status, hd, doc, {"elapsed_ms": ms, "total_ms": round((time.time() - t0) * 1000), "conflict_retries": retries,
                                 "polls": polls, "poll_met": met}


# ------------------------------------------------------------------------------------------------ normalising
def normal(ctx, doc, key=None):
    if isinstance(doc, dict):
        return {normal(ctx, k): normal(ctx, v, k) for k, v in doc.items()}
    if isinstance(doc, list):
        return [normal(ctx, v) for v in doc]
    if key == "last_modified" and isinstance(doc, (int, float)):
        return "<millis>"
    if not isinstance(doc, str):
        return doc
    if key == "kafka_cluster_id":
        return "<cluster>"
    if key == "commit":
        return "<commit>"
    if key == "version" and doc not in ("undefined", ""):
        return "<version>"
    if key == "trace":
        return doc.split("\n", 1)[0] + "\n<trace>"
    s = doc.replace(ctx.dir, "{{dir}}")
    for a, b in ctx.maps:
        s = s.replace(b, a)
    s = re.sub(r"\b(?:127\.0\.0\.1|localhost):\d{2,5}\b", "<worker>", s)
    if ctx.version and key != "default_value":
        s = re.sub(r"(?<![\w.])%s(?![\w.]*\d)" % re.escape(ctx.version), "<version>", s)
    s = re.sub(r"@[0-9a-f]{5,8}\b", "@<hash>", s)
    s = re.sub(r"file:[^\s']*/plugins-[^/']*/", "file:{{plugins}}/", s)
    s = re.sub(r"x{300,}", lambda m: "{{pad:%d}}" % len(m.group(0)), s)
    s = re.sub(r"Jetty\([^)]*\)|Jetty:// ?[0-9.]+", "Jetty(<version>)", s)
    return s


def pick(ctx, hd):
    return {k: normal(ctx, hd[k]) for k in KEEP if k in hd}


# ------------------------------------------------------------------------------------------------ comparing
def kind(v):
    return "null" if v is None else "bool" if isinstance(v, bool) else "number" if isinstance(v, (int, float)) else type(v).__name__


def diff(a, b, at=""):
    """[(kind, pointer, golden, got)]: kind is shape or value."""
    if kind(a) != kind(b):
        return [("shape", at or "/", a, b)]
    if isinstance(a, dict):
        out = [("shape", f"{at}/{k}", a.get(k, "<absent>"), b.get(k, "<absent>")) for k in sorted(set(a) ^ set(b))]
        for k in a:
            if k in b:
                out += diff(a[k], b[k], f"{at}/{k}")
        return out
    if isinstance(a, list):
        if a and all(isinstance(x, str) for x in a + b):
            a, b = sorted(a), sorted(b)
        elif a and all(isinstance(x, dict) and "partition" in x for x in a + b):      # offsets come in any order
            a, b = (sorted(x, key=lambda o: json.dumps(o, sort_keys=True)) for x in (a, b))
        out = [] if len(a) == len(b) else [("shape", at + "/length", len(a), len(b))]
        for i, (x, y) in enumerate(zip(a, b)):
            out += diff(x, y, f"{at}/{i}")
        return out
    if a != b:
        if at.endswith("/trace") and a and b:
            return []
        return [("message" if at in ("/message",) else "value", at or "/", a, b)]
    return []


def short(v, n=160):
    t = json.dumps(v, ensure_ascii=False) if not isinstance(v, str) else v
    return t if len(t) <= n else t[:n] + "…"


def chosen(names, only):
    return [n for n in names if (any(o in n for o in only) if only else not n.startswith("2"))]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="cmd", required=True)
    r = sub.add_parser("record")
    r.add_argument("--base", required=True)
    r.add_argument("--out", default=os.path.join(HERE, "golden"))
    r.add_argument("--force", action="store_true", help="record although the cluster has connectors")
    p = sub.add_parser("replay")
    p.add_argument("--base", required=True)
    p.add_argument("--in", dest="src", default=os.path.join(HERE, "golden"))
    p.add_argument("--map", action="append", default=[], metavar="OLD=NEW")
    p.add_argument("--outcome", help="write how far each step agrees here, tab separated")
    p.add_argument("--patience", type=float, default=120.0, help="seconds; upper bound of every wait")
    p.add_argument("--report", help="write every difference here, as JSON Lines")
    p.add_argument("--level", choices=("status", "shape", "exact"), default="exact", help="what makes the exit status 1")
    p.add_argument("-v", action="store_true")
    for x in (r, p):
        x.add_argument("--only", action="append", default=[])
    sub.add_parser("list")
    a = ap.parse_args()
    define()
    if a.cmd == "list":
        for g, steps in GROUPS.items():
            print(f"{g}: {len(steps)} requests")
        print(f"{sum(map(len, GROUPS.values()))} requests in {len(GROUPS)} groups")
        return 0

    maps = [tuple(m.split("=", 1)) for m in getattr(a, "map", [])]
    ctx = Ctx(a.base, maps)
    try:
        if a.cmd == "record":
            have = once(ctx, {"method": "GET", "path": "/connectors", "headers": {}, "body": None})
            if parse(have[2]) not in ([], {}) and not a.force:
                sys.exit(f"the cluster has connectors already ({have[2][:100]}); use an empty one, or --force")
            os.makedirs(a.out, exist_ok=True)
            for g in chosen(GROUPS, a.only):
                t0, unmet = time.time(), []
                with open(os.path.join(a.out, g + ".jsonl"), "w") as f:
                    for s in GROUPS[g]:
                        status, hd, doc, info = exchange(ctx, s)
                        rec = {**s, "status": status, "response_headers": pick(ctx, hd), "response_body": normal(ctx, doc), **info}
                        if not info["poll_met"]:
                            unmet.append(s["name"])
                        f.write(json.dumps(rec, ensure_ascii=False) + "\n")
                        f.flush()
                print(f"{g}: {len(GROUPS[g])} requests in {time.time() - t0:.1f} s" + (f"; waits not met: {unmet}" if unmet else ""), flush=True)
            return 0

        counts = {"same": 0, "status": 0, "header": 0, "shape": 0, "value": 0, "message": 0}
        total, rep = 0, open(a.report, "w") if a.report else None
        outcome = open(a.outcome, "w") if a.outcome else None
        files = chosen(sorted(n for n in os.listdir(a.src) if n.endswith(".jsonl")), a.only)
        for n in files:
            per = {k: 0 for k in counts}
            for number, line in enumerate(open(os.path.join(a.src, n)), 1):
                g = json.loads(line)
                status, hd, doc, info = exchange(ctx, g, a.patience)
                got_h, got = pick(ctx, hd), normal(ctx, doc)
                ds = []
                if status != g["status"]:
                    ds.append(("status", "", g["status"], status))
                for k in KEEP:
                    x, y = g["response_headers"].get(k), got_h.get(k)
                    if k == "content-type":
                        x, y = (x or "").split(";")[0], (y or "").split(";")[0]
                    if k in ("allow", "access-control-allow-methods") and x and y:
                        x, y = sorted(re.split(r",\s*", x)), sorted(re.split(r",\s*", y))
                    if x != y:
                        ds.append(("header", k, x, y))
                ds += diff(g["response_body"], got)
                total += 1
                if outcome:
                    outcome.write(f"{n[:-6]}\t{number}\t{agreement(ds)}\t{g['name']}\n")
                for k in {d[0] for d in ds} or {"same"}:
                    per[k] += 1
                    counts[k] += 1
                if ds and (a.v or rep):
                    for d in ds[:6]:
                        if a.v:
                            print(f"{n[:-6]} | {g['name']} | {g['method']} {short(g['path'], 60)} | {d[0]} {d[1]}: golden {short(d[2])} got {short(d[3])}")
                    if rep:
                        rep.write(json.dumps({"group": n[:-6], "number": number, "name": g["name"], "method": g["method"], "path": g["path"],
                                              "body": g["body"], "differences": [dict(zip(("kind", "at", "golden", "got"), d)) for d in ds[:50]]},
                                             ensure_ascii=False) + "\n")
            print(f"{n[:-6]}: " + ", ".join(f"{k} {v}" for k, v in per.items() if v), flush=True)
        print(f"{total} requests: " + ", ".join(f"{k} {v}" for k, v in counts.items()))
        bad = counts["status"] + (counts["shape"] if a.level != "status" else 0) + \
            (counts["header"] + counts["value"] + counts["message"] if a.level == "exact" else 0)
        return 1 if bad else 0
    finally:
        shutil.rmtree(ctx.dir, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
