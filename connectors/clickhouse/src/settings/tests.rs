//! Settings of Java configurations, and those that are refused with a reason.
use super::*;

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
    assert_eq!(settings.url, "https://ch.example:8443");
    assert_eq!((settings.database.as_str(), settings.username.as_str()), ("shop", "writer"));
    assert_eq!(settings.tables["clicks"], "clicks_raw");
    assert_eq!(settings.parameters, [("insert_quorum".to_owned(), "2".to_owned())]);
    assert_eq!(settings.refresh, Some(Duration::from_secs(60)));
    assert_eq!(settings.insert_timeout, Duration::from_secs(300));
    assert!(!format!("{settings:?}").contains("s3cret"));
}

#[test]
fn the_port_follows_ssl_and_url_stands_for_all_three() {
    assert_eq!(settings(&[("hostname", "a")]).url, "http://a:8123");
    assert_eq!(settings(&[("hostname", "a"), ("ssl", "true")]).url, "https://a:8443");
    assert_eq!(
        settings(&[("hostname", "a"), ("jdbcConnectionProperties", "ssl=true")]).url,
        "https://a:8443"
    );
    assert_eq!(settings(&[("hostname", "::1")]).url, "http://[::1]:8123");
    assert_eq!(settings(&[("url", "https://a.b:9/")]).address, "a.b:9");
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
        &[("hostname", "a"), ("exactlyOnce", "true")],
        "exactlyOnce: this sink delivers at least once; set it to false to run without exactly-once delivery",
    );
    refused(
        &[("hostname", "a"), ("proxyType", "HTTP")],
        "proxyType: this sink connects directly; expected IGNORE or DIRECT",
    );
    refused(
        &[("hostname", "a"), ("topic2TableMap", "a")],
        "topic2TableMap: expected name=value between commas, got \"a\"",
    );
    refused(&[("hostname", "a"), ("topic2TableMap", "a=b,a=c")], "topic2TableMap: a comes twice");
    refused(
        &[("hostname", "a"), ("clickhouseSettings", "async_insert=1")],
        "clickhouseSettings: async_insert must be 0, because the sink relies on it",
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
