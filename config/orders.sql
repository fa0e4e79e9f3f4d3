-- The table for config/clickhouse-sink.json, with a column for every field of config/datagen-source.json.
CREATE TABLE IF NOT EXISTS orders
(
    id UInt64,
    ordered_at DateTime64(3),
    customer UUID,
    country LowCardinality(String),
    product String,
    quantity UInt8,
    price Decimal(10, 2),
    discount Float64,
    paid Bool,
    note String
)
ENGINE = MergeTree
ORDER BY id
