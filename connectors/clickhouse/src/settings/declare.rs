//! Declares every setting: the names of clickhouse-kafka-connect, and `url`.
use penstock_sdk::{Importance, Setting};

use super::{RECORD_BYTES, flush};

/// All settings, in the order in which a form shows them.
pub fn declare() -> Vec<Setting> {
    Setting::grouped([
        ("Connection", connection()),
        ("Target", target()),
        ("Rows", rows()),
        ("Tables", super::tables::declare()),
        ("Batches", batches()),
        ("Delivery", delivery()),
        ("Compatibility", ignored()),
    ])
}

/// How a server is reached, which the source needs as well.
pub fn connection() -> Vec<Setting> {
    vec![
        Setting::string("hostname").importance(Importance::High).doc(
            "Host names or IP addresses of the ClickHouse servers, separated by commas, each with a port of its own as \
             in a:8123 if it needs one. With several, one that does not answer is set aside and the next is asked. \
             Either this or url is needed.",
        ),
        Setting::int("port")
            .range(1, 65_535)
            .importance(Importance::High)
            .doc("HTTP port of the servers. Without a value it is 8123, or 8443 when ssl is true."),
        Setting::boolean("ssl")
            .importance(Importance::High)
            .doc("Whether to connect by HTTPS; false without a value. The server's certificate is verified."),
        Setting::string("url").doc(
            "Addresses of the servers as http://host:port or https://host:port, separated by commas, in place of \
             hostname, port and ssl.",
        ),
        Setting::string("username").default("default").importance(Importance::High).doc(
            "User. A sink needs INSERT on the tables, a source SELECT.",
        ),
        Setting::password("password").default("").importance(Importance::High).doc("Password of the user."),
        Setting::password("accessToken").default("").doc(
            "Token (JWT) that is sent as bearer in place of user and password, as ClickHouse Cloud takes it.",
        ),
        Setting::string("sslRootCertificate").default("").doc(
            "File in PEM on the worker, or its text, with the authorities that may have issued the server's \
             certificate. Without a value they are those that browsers trust.",
        ),
        Setting::string("sslClientCertificate").default("").doc(
            "File in PEM on the worker, or its text, with the certificate that this client shows, for servers that ask \
             for one.",
        ),
        Setting::password("sslClientKey")
            .default("")
            .doc("File in PEM on the worker, or its text, with the key of sslClientCertificate, without a password."),
        Setting::boolean("sslClientAuthentication").default("false").doc(
            "Whether the certificate stands for the user's password, as for users that are IDENTIFIED WITH \
             ssl_certificate.",
        ),
        Setting::string("ssl_socket_sni")
            .default("")
            .importance(Importance::Low)
            .doc("Name that TLS asks for and finds in the certificate, when it is not the hostname. It needs ssl=true."),
        Setting::string("jdbcConnectionProperties").default("").importance(Importance::Low).doc(
            "Properties in the form of a query string. Of these ssl, sslmode=strict, sslrootcert, sslcert, sslkey, \
             ssl_authentication, database, socket_timeout and connection_timeout are used, a timeout of 0 as none given; \
             those that steer the Java driver's own connections are passed over, others are refused.",
        ),
    ]
    .into_iter()
    .chain(way())
    .collect()
}

/// What lies between the worker and a server.
fn way() -> Vec<Setting> {
    vec![
        Setting::string("compression").default("auto").one_of(&["auto", "lz4", "none"]).doc(
            "What blocks are compressed with on their way. lz4 halves the bytes for a fifth to a third of a sink's \
             processor time; none is for a network that has room. auto takes none for a server that is called localhost \
             or has a loopback address, and lz4 for any other.",
        ),
        Setting::string("proxyType").default("IGNORE").recommended(&["IGNORE", "HTTP", "SOCKS"]).doc(
            "Whether to go through a proxy: IGNORE or DIRECT does not, HTTP opens tunnels for HTTPS and lets the proxy \
             read what is plain, SOCKS is version 5.",
        ),
        Setting::string("proxyHost").default("").doc("Host name or IP address of the proxy."),
        Setting::int("proxyPort").default("-1").doc("Port of the proxy."),
        Setting::string("proxyUser").default("").doc("User at the proxy, if it asks for one."),
        Setting::password("proxyPassword").default("").doc("Password of proxyUser."),
    ]
}

fn target() -> Vec<Setting> {
    vec![
        Setting::string("database")
            .default("default")
            .importance(Importance::High)
            .doc("Database of the tables, unless enableDbTopicSplit takes it from the topic."),
        Setting::list("topic2TableMap").default("").importance(Importance::High).doc(
            "Tables of topics as topic=table, separated by commas. A topic without an entry goes to the table of \
             its own name. Several topics may go to one table.",
        ),
        Setting::boolean("enableDbTopicSplit")
            .default("false")
            .dependents(&["dbTopicSplitChar"])
            .doc("Whether a topic's name holds database and table, separated by dbTopicSplitChar."),
        Setting::string("dbTopicSplitChar")
            .default("")
            .doc("What separates database and table in a topic's name; the first one counts."),
        Setting::boolean("suppressTableExistenceException").default("false").doc(
            "Whether records of topics without a table are passed over and counted. Otherwise the task fails.",
        ),
        Setting::long("tableRefreshInterval").default("0").range(0, 600).doc(
            "Seconds after which a table's columns are read again. With 0 they are read again when an insert \
             fails for a reason that another set of columns would mend, so set it when new columns with a \
             DEFAULT shall be filled from records soon after they were added.",
        ),
        Setting::string("precisionLoss").default("times").one_of(&["refuse", "times", "allow"]).doc(
            "What a value may lose in a column that holds less. With times, points in time are cut to the \
             column's resolution and a decimal with more digits than the scale is rejected; with allow, such a \
             decimal is cut as well, as ClickHouse's own parser does; with refuse, neither is.",
        ),
        Setting::list("clickhouseSettings").default("").doc(
            "Settings of the server for each insert as name=value, separated by commas, for instance \
             insert_quorum=2.",
        ),
    ]
}

fn rows() -> Vec<Setting> {
    vec![
        Setting::list("field2ColumnMap").default("").doc(
            "Columns of fields as path=column, separated by commas, for instance user.id=user_id,_key=order_id. A \
             path has dots between its names, and \\. for a dot in a name; _key, _timestamp, _partition, _offset, \
             _topic, _header_keys, _header_values and _raw_message stand for what Kafka knows of the record, _stream, \
             _shard and _sequence_number for what Kinesis does. \
             Fields without an entry go to the column of their own name.",
        ),
        Setting::string("flattenSeparator").default("").doc(
            "What stands in a column's name between the names of nested fields: with _ the field id of the object \
             user goes to column user_id. A column that has an object's own name takes it whole. Without a value \
             objects stay whole.",
        ),
        Setting::boolean("rawOnly").default("false").doc(
            "Whether values are left unread, so that only the columns for what Kafka knows of a record are filled. \
             It goes without saying where a table has no other columns to insert into.",
        ),
        Setting::string("insertFormat").default("none").recommended(&["none", "json", "csv", "tsv"]).doc(
            "What values are: none or json for JSON objects, or what the converter reads; csv or tsv for a line of \
             cells in each record, with the StringConverter or the ByteArrayConverter.",
        ),
        Setting::list("lineColumns").default("").doc(
            "Fields that the cells of a line are, by their places; a name without a column is passed over. Without a \
             value the places are the table's columns in their order, but for those that have the record's metadata.",
        ),
        Setting::string("csvDelimiter").default("").doc(
            "The character between the cells of csv, or \\t for a tab. A comma without a value.",
        ),
        Setting::string("upsertMode").default("none").recommended(&["none", "tombstones", "debezium"]).doc(
            "How rows replace and delete earlier rows of their key, for tables with the engine \
             ReplacingMergeTree(version, is_deleted): none inserts only; with tombstones a record without a value \
             deletes the row of its key; with debezium records are change events of Debezium.",
        ),
        Setting::boolean("debeziumCDCEnabled").default("false").doc(
            "The same as upsertMode=debezium with upsertVersionField=source, as clickhouse-kafka-connect does it.",
        ),
        Setting::string("upsertVersionField").default("").doc(
            "What decides which row of a key is the newest: _offset, which it is without a value, _timestamp, or, \
             in change events, source for the position in the source's log or the path of a field such as \
             source.ts_ms.",
        ),
        Setting::string("upsertKeyColumn").default("").doc(
            "Column of a record key that is no JSON object. Without a value it is the column that the table is \
             sorted by, if that is a single one.",
        ),
        Setting::string("upsertVersionColumn").default("").importance(Importance::Low).doc(
            "Column of the version. It is needed only where the table's engine does not tell, as with Distributed.",
        ),
        Setting::string("upsertDeletedColumn").default("").importance(Importance::Low).doc(
            "Column that marks deletes. It is needed only where the table's engine does not tell.",
        ),
    ]
}

fn batches() -> Vec<Setting> {
    vec![
        Setting::long(flush::ROWS).default("100000").range(1, 1_000_000).doc(
            "Records of a batch, which is one insert for each table. More make fewer and larger parts.",
        ),
        Setting::long(flush::BYTES).range(1, 256 << 20).doc(
            "Bytes of a batch. Without a value they are 16777216, or 32 MB for each GB of \
             penstock.memory.budget.bytes where that is more.",
        ),
        Setting::long(flush::AGE_MS).default("1000").range(1, 600_000).doc(
            "Milliseconds after which a batch is inserted that is not full. Less brings rows sooner and makes more \
             parts; 5000 is what ClickPipes takes.",
        ),
        Setting::int("insertConnections").default("4").range(1, 64).doc(
            "Inserts into different tables that a task has on their way at the same time.",
        ),
        Setting::long(RECORD_BYTES).default("16777216").range(1, 1 << 30).doc(
            "Bytes of a record's key and value together. Larger records are rejected with their size: what one takes \
             of memory on its way is a multiple of it.",
        ),
        Setting::boolean("asyncInsert").default("false").doc(
            "Whether the server may gather the rows of many small inserts before it stores them (async_insert). A batch \
             counts as delivered when they are stored, as before. It does not go together with exactlyOnce.",
        ),
    ]
}

fn delivery() -> Vec<Setting> {
    vec![
        Setting::boolean("errorTableEnabled").default("false").dependents(&["clusterName"]).doc(
            "Whether records that are rejected go to a table beside their own, named like it with _penstock_error \
             behind, which is created when it is first needed and keeps them for seven days. It needs \
             errors.tolerance=all and works with or without a dead letter topic.",
        ),
        Setting::string("clusterName").default("").importance(Importance::Low).doc(
            "Cluster on which tables and error tables are created and altered. Without a value that is done on the \
             server alone.",
        ),
        Setting::boolean("exactlyOnce")
            .default("false")
            .importance(Importance::High)
            .doc(
                "Whether each record arrives exactly once: inserts are planned in the offsets of the connector's group and \
                 carry deduplication tokens. Tables need an engine of the MergeTree family that keeps tokens; see \
                 the connector's page. Otherwise an insert whose answer got lost is sent again.",
            ),
        Setting::string("stateImport").default("auto").one_of(&["auto", "on", "off"]).doc(
            "Whether exactlyOnce takes partitions over from clickhouse-kafka-connect by its state table: with auto if \
             connector.class is that connector's or one of zkPath, zkDatabase and keeperOnCluster is set, and the table \
             exists; with on the table must exist, and its state counts for partitions that are read from their start, too.",
        ),
        Setting::string("zkDatabase").default("connect_state").importance(Importance::Low).doc(
            "The table, within database, in which clickhouse-kafka-connect keeps its state, and from which stateImport \
             takes over. Nothing else needs one: exactlyOnce keeps its own state in the group's offsets.",
        ),
        Setting::long("clickhouseClientInsertTimeoutMs").range(100, None).doc(
            "Milliseconds after which an insert, or a statement that creates or alters a table, is given up without an \
             answer and tried again; 240000 without a value.",
        ),
        Setting::int("timeoutSeconds")
            .default("30")
            .range(0, 600)
            .doc("Seconds after which a question for a table's columns is given up and asked again."),
        Setting::boolean("customInsertFormat")
            .default("false")
            .importance(Importance::Low)
            .doc("Ignored: insertFormat alone says what records are."),
        Setting::list("dateTimeFormats").default("").importance(Importance::Low).doc(
            "Must be empty: dates and times are read as ISO 8601, or as numbers of seconds, milliseconds, \
             microseconds or nanoseconds, by their size.",
        ),
    ]
}

/// Settings that steer parts of the Java connector which do not exist here. They are accepted so that its
/// configurations work unchanged.
fn ignored() -> Vec<Setting> {
    let low =
        |setting: Setting, why: &str| setting.importance(Importance::Low).doc(format!("Ignored: {why}."));
    let state = "no state table is needed: exactlyOnce keeps its state in the group's offsets";
    let batches = "the worker decides how many records an insert has, and one insert spans partitions";
    vec![
        low(Setting::int("retryCount").default("3"), "the worker repeats an insert until it succeeds"),
        low(Setting::string("clientVersion").default("V1"), "there is one client"),
        low(Setting::string("zkPath").default("/kafka-connect"), state),
        low(Setting::string("keeperOnCluster").default(""), state),
        low(Setting::boolean("tolerateStateMismatch").default("false"), state),
        low(Setting::boolean("ignorePartitionsWhenBatching").default("false"), batches),
        low(Setting::int("bufferCount").default("0"), batches),
        low(Setting::long("bufferFlushTime").default("0"), batches),
        low(
            Setting::boolean("reportInsertedOffsets").default("false"),
            "only inserted offsets are ever committed",
        ),
        low(Setting::boolean("bypassRowBinary").default("false"), "inserts are sent in the Native format"),
        low(
            Setting::boolean("bypassSchemaValidation").default("false"),
            "each record is checked by decoding it",
        ),
        low(Setting::boolean("bypassFieldCleanup").default("false"), "unknown fields cost nothing"),
    ]
}
