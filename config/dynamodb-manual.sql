-- Loading a snapshot by hand: an export that lies in S3 is read by ClickHouse itself into a table of its own, and a
-- materialized view makes rows of it for the table that a connector with source.dynamodb.snapshot=never fills with changes.
-- Put in your bucket, region, table key and attributes. Queries say FINAL.
CREATE TABLE IF NOT EXISTS orders
(
    customer_id String,
    order_no Decimal(38, 0),
    status String,
    total Nullable(String),
    tags Array(String),
    ship String,
    _version UInt256,
    _is_deleted Bool
)
ENGINE = ReplacingMergeTree(_version, _is_deleted)
ORDER BY (customer_id, order_no);

CREATE TABLE IF NOT EXISTS orders_snapshot
(
    Item String
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS orders_snapshot_rows TO orders AS
SELECT
    JSONExtractString(Item, 'customer_id', 'S') AS customer_id,
    toDecimal128(JSONExtractString(Item, 'order_no', 'N'), 0) AS order_no,
    JSONExtractString(Item, 'status', 'S') AS status,
    JSONExtract(Item, 'total', 'N', 'Nullable(String)') AS total,
    JSONExtract(Item, 'tags', 'SS', 'Array(String)') AS tags,
    JSONExtractRaw(Item, 'ship', 'M') AS ship,
    -- Older than any change.
    toUInt256('1000000000000000000000000000000000000000000000000000000000') AS _version,
    false AS _is_deleted
FROM orders_snapshot;

INSERT INTO orders_snapshot
SELECT Item
FROM s3('https://orders-exports.s3.eu-central-1.amazonaws.com/penstock/AWSDynamoDB/*/data/*.json.gz', 'JSONEachRow', 'Item String');
