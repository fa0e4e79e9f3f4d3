//! Settings of Java configurations, and those that are refused with a reason.
use super::*;
use crate::shape::{Events, Version};

fn config(pairs: &[(&str, &str)]) -> Config {
    pairs.iter().copied().collect()
}

fn settings(pairs: &[(&str, &str)]) -> Settings {
    Settings::parse(&config(pairs)).unwrap()
}

fn refused(pairs: &[(&str, &str)], expected: &str) {
    let error = Settings::parse(&config(pairs)).unwrap_err();
    assert_eq!(error.message(), expected, "{pairs:?}");
}

#[test]
fn a_java_configuration_is_understood() {
    let settings = settings(&[
        ("hostname", "ch.example"),
        ("port", "8443"),
        ("ssl", "true"),
        ("database", "shop"),
        ("username", "writer"),
        ("password", "s3cret"),
        ("topic2TableMap", "orders=orders_raw, clicks=clicks_raw"),
        ("clickhouseSettings", "insert_quorum=2,async_insert=0"),
        ("tableRefreshInterval", "60"),
        ("exactlyOnce", "false"),
        ("jdbcConnectionProperties", "?socket_timeout=300000&compress=true"),
        ("retryCount", "3"),
        ("zkPath", "/kafka-connect"),
    ]);
    assert_eq!(settings.connection.hosts[0].url, "https://ch.example:8443");
    assert_eq!(settings.database, "shop");
    assert!(matches!(&settings.connection.login, Login::Password { user, .. } if user == "writer"));
    assert_eq!(settings.tables["clicks"], "clicks_raw");
    assert_eq!(settings.parameters, [("insert_quorum".to_owned(), "2".to_owned())]);
    assert_eq!(settings.refresh, Some(Duration::from_secs(60)));
    assert_eq!(settings.insert_timeout, Duration::from_secs(300));
    assert!(!format!("{settings:?}").contains("s3cret"));
}

#[test]
fn the_port_follows_ssl_and_url_stands_for_all_three() {
    let host = |pairs: &[(&str, &str)]| settings(pairs).connection.hosts.remove(0);
    assert_eq!(host(&[("hostname", "a")]).url, "http://a:8123");
    assert_eq!(host(&[("hostname", "a"), ("ssl", "true")]).url, "https://a:8443");
    assert_eq!(host(&[("hostname", "a"), ("jdbcConnectionProperties", "ssl=true")]).url, "https://a:8443");
    assert_eq!(host(&[("hostname", "::1")]).url, "http://[::1]:8123");
    assert_eq!(host(&[("url", "https://a.b:9/")]).address, "a.b:9");
}

#[test]
fn what_may_be_lost_is_a_word() {
    let loss = |value: &str| settings(&[("hostname", "a"), ("precisionLoss", value)]).loss;
    assert_eq!((loss(""), loss("times")), (Loss::Times, Loss::Times));
    assert_eq!((loss("refuse"), loss("allow")), (Loss::Refused, Loss::Allowed));
}

#[test]
fn what_the_sink_cannot_do_is_refused_by_name() {
    refused(&[], "hostname: a value is required, or a value of url");
    refused(&[("hostname", "a b")], "hostname: expected a host name or an IP address, got \"a b\"");
    refused(
        &[("url", "http://u:p@a")],
        "url: expected http://host:port or https://host:port, without user, password and path",
    );
    refused(
        &[("hostname", "a"), ("exactlyOnce", "true"), ("clickhouseSettings", "insert_deduplicate=0")],
        "clickhouseSettings: insert_deduplicate must be 1, because exactlyOnce relies on it",
    );
    refused(
        &[("hostname", "a"), ("topic2TableMap", "a")],
        "topic2TableMap: expected name=value between commas, got \"a\"",
    );
    refused(&[("hostname", "a"), ("topic2TableMap", "a=b,a=c")], "topic2TableMap: a comes twice");
    refused(
        &[("hostname", "a"), ("clickhouseSettings", "wait_for_async_insert=0")],
        "clickhouseSettings: wait_for_async_insert must be 1, because the sink relies on it",
    );
    let sentence = "asynchronous inserts do not go together with exactlyOnce, whose tokens name whole inserts; use \
                    one of the two";
    refused(
        &[("hostname", "a"), ("clickhouseSettings", "async_insert=1"), ("exactlyOnce", "true")],
        &format!("clickhouseSettings: {sentence}"),
    );
    refused(
        &[("hostname", "a"), ("asyncInsert", "true"), ("exactlyOnce", "true")],
        &format!("asyncInsert: {sentence}"),
    );
    refused(
        &[("hostname", "a"), ("clickhouseSettings", "query=x")],
        "clickhouseSettings: query is no setting of an insert",
    );
    refused(
        &[("hostname", "a"), ("enableDbTopicSplit", "true")],
        "dbTopicSplitChar: a value is required when enableDbTopicSplit is true",
    );
    refused(
        &[("hostname", "a"), ("jdbcConnectionProperties", "max_threads=1")],
        "jdbcConnectionProperties: unknown property max_threads; settings of the server belong into clickhouseSettings",
    );
}

#[test]
fn asynchronous_inserts_are_asked_for_by_either_name() {
    let wanted = |key, value| settings(&[("hostname", "a"), (key, value)]).async_insert;
    assert!(wanted("asyncInsert", "true"));
    assert!(wanted("clickhouseSettings", "async_insert=1,wait_for_async_insert=1"));
    assert!(!wanted("clickhouseSettings", "async_insert=0"));
}

#[test]
fn settings_of_rows_are_understood() {
    let shape = settings(&[
        ("hostname", "a"),
        ("field2ColumnMap", r"a.b=c, x\.y=z,_key=id"),
        ("flattenSeparator", "__"),
        ("upsertMode", "debezium"),
        ("upsertVersionField", "source.ts_ms"),
        ("errors.tolerance", "all"),
        ("errorTableEnabled", "true"),
        ("clusterName", "main"),
    ]);
    let columns: Vec<_> = shape
        .shape
        .map
        .iter()
        .map(|entry| (entry.source(), entry.path.len(), entry.column.as_str()))
        .collect();
    assert_eq!(
        columns,
        [("a.b".to_owned(), 2, "c"), (r"x\.y".to_owned(), 1, "z"), ("_key".to_owned(), 1, "id")]
    );
    assert_eq!(shape.shape.separator.as_deref(), Some("__"));
    let upserts = shape.shape.upserts.unwrap();
    assert_eq!(upserts.version, Version::Field(vec!["source".to_owned(), "ts_ms".to_owned()]));
    assert_eq!(shape.errors.unwrap().cluster.as_deref(), Some("main"));
    let java = settings(&[("hostname", "a"), ("debeziumCDCEnabled", "true")]).shape.upserts.unwrap();
    assert_eq!((java.events, java.version), (Events::Debezium, Version::Source));
    let plain = settings(&[("hostname", "a"), ("upsertMode", "Tombstones")]).shape.upserts.unwrap();
    assert_eq!((plain.events, plain.version), (Events::States, Version::Offset));
    assert_eq!(settings(&[("hostname", "a"), ("debeziumCDCEnabled", "false")]).shape.upserts, None);
}

#[test]
fn settings_of_rows_that_do_not_go_together_are_refused_by_name() {
    let refused =
        |pairs: &[(&str, &str)], expected| refused(&[&[("hostname", "a")], pairs].concat(), expected);
    refused(
        &[("field2ColumnMap", "a..b=c")],
        "field2ColumnMap: expected names between dots, got \"a..b\"; a dot in a name is \\.",
    );
    refused(&[("field2ColumnMap", "a=c,b=c")], "field2ColumnMap: two fields go to column c");
    refused(&[("field2ColumnMap", "a=b,a=c")], "field2ColumnMap: a comes twice");
    refused(&[("upsertMode", "both")], "upsertMode: expected none, tombstones or debezium, got \"both\"");
    refused(
        &[("upsertMode", "tombstones"), ("debeziumCDCEnabled", "true")],
        "upsertMode: must be debezium or empty when debeziumCDCEnabled is true",
    );
    refused(
        &[("upsertMode", "tombstones"), ("upsertVersionField", "ts")],
        "upsertVersionField: a record without a value has no fields; expected _offset or _timestamp",
    );
    refused(&[("upsertKeyColumn", "id")], "upsertKeyColumn: has no effect without upsertMode");
    refused(
        &[("upsertMode", "tombstones"), ("rawOnly", "true")],
        "rawOnly: values are to be read for upsertMode, so it must be false",
    );
    refused(
        &[("errorTableEnabled", "true"), ("errors.tolerance", "none")],
        "errorTableEnabled: the task fails at the first record that does not fit; set errors.tolerance=all",
    );
}

#[test]
fn every_setting_of_the_java_connector_is_declared() {
    let declared = format!("{:?}", declare());
    for name in [
        "hostname",
        "port",
        "database",
        "username",
        "password",
        "ssl",
        "ssl_socket_sni",
        "jdbcConnectionProperties",
        "timeoutSeconds",
        "clickhouseClientInsertTimeoutMs",
        "retryCount",
        "tableRefreshInterval",
        "exactlyOnce",
        "zkPath",
        "zkDatabase",
        "keeperOnCluster",
        "tolerateStateMismatch",
        "suppressTableExistenceException",
        "clickhouseSettings",
        "topic2TableMap",
        "enableDbTopicSplit",
        "dbTopicSplitChar",
        "customInsertFormat",
        "insertFormat",
        "proxyType",
        "proxyHost",
        "proxyPort",
        "bypassRowBinary",
        "bypassSchemaValidation",
        "bypassFieldCleanup",
        "dateTimeFormats",
        "clientVersion",
        "ignorePartitionsWhenBatching",
        "bufferCount",
        "bufferFlushTime",
        "reportInsertedOffsets",
        "debeziumCDCEnabled",
        "auto.evolve",
        "auto.evolve.ddl.refresh.retries",
        "auto.evolve.struct.to.json",
        "clusterName",
    ] {
        assert!(declared.contains(&format!("name: \"{name}\"")), "{name}");
    }
}

#[test]
fn lines_are_asked_for_by_insert_format() {
    use crate::shape::{Format, LineShape};
    let lines = |pairs: &[(&str, &str)]| settings(&[&[("hostname", "a")], pairs].concat()).shape.lines;
    let shape = |format, names: &[&str]| {
        Some(LineShape { format, names: names.iter().map(|name| (*name).to_owned()).collect() })
    };
    assert_eq!(lines(&[("insertFormat", "JSON")]), None);
    assert_eq!(lines(&[("insertFormat", "CSV")]), shape(Format::Csv(b','), &[]));
    assert_eq!(lines(&[("insertFormat", "csv"), ("csvDelimiter", ";")]), shape(Format::Csv(b';'), &[]));
    assert_eq!(lines(&[("insertFormat", "csv"), ("csvDelimiter", "\\t")]), shape(Format::Csv(b'\t'), &[]));
    assert_eq!(lines(&[("insertFormat", "tsv"), ("lineColumns", "a, b")]), shape(Format::Tsv, &["a", "b"]));
    for (more, expected) in [
        (&[("insertFormat", "xml")][..], r#"insertFormat: expected none, json, csv or tsv, got "xml""#),
        (&[("lineColumns", "a")], "lineColumns: has no effect unless insertFormat is csv or tsv"),
        (
            &[("insertFormat", "tsv"), ("csvDelimiter", ";")],
            "csvDelimiter: a tab is between the cells of tsv",
        ),
        (
            &[("insertFormat", "csv"), ("csvDelimiter", "ä")],
            "csvDelimiter: expected one character of ASCII other than a quote, or \\t, got \"ä\"",
        ),
        (
            &[("insertFormat", "csv"), ("rawOnly", "true")],
            "rawOnly: values are not read when it is true, and insertFormat asks for lines",
        ),
        (
            &[("insertFormat", "csv"), ("upsertMode", "debezium")],
            "upsertMode: change events of Debezium are objects, and insertFormat asks for lines",
        ),
        (
            &[("insertFormat", "csv"), ("field2ColumnMap", "a=b")],
            "field2ColumnMap: it names fields, which needs lineColumns, and insertFormat asks for lines",
        ),
        (
            &[("insertFormat", "csv"), ("schemaEvolution", "add")],
            "schemaEvolution: lines of cells have no names and types to go by; set it to off, or insertFormat to json",
        ),
        (
            &[("insertFormat", "csv"), ("tableCreation", "create")],
            "tableCreation: lines of cells have no names and types to go by; set it to off, or insertFormat to json",
        ),
    ] {
        refused(&[&[("hostname", "a")], more].concat(), expected);
    }
}
