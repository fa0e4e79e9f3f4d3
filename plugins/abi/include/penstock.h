/* The Penstock plugin contract, generated from plugins/abi. SPDX-License-Identifier: Apache-2.0 */
#ifndef PENSTOCK_H
#define PENSTOCK_H
#include <stddef.h>
#include <stdint.h>

#define PENSTOCK_MAGIC "PENSTOCK"
#define PENSTOCK_LAYOUT_HASH 0x0e61d268d90bc502ull
#define PENSTOCK_MAJOR 1u
#define PENSTOCK_MINOR 4u
#define PENSTOCK_STATUS_OK 0u
#define PENSTOCK_STATUS_CONFIG 1u
#define PENSTOCK_STATUS_RETRY 2u
#define PENSTOCK_STATUS_RECORDS 3u
#define PENSTOCK_STATUS_FATAL 4u
#define PENSTOCK_STATUS_PANIC 5u
#define PENSTOCK_KIND_SOURCE 1u
#define PENSTOCK_KIND_SINK 2u
#define PENSTOCK_FLAG_ENCODED 1u
#define PENSTOCK_FLAG_PLANS 2u
#define PENSTOCK_PLAN_REPEATED 1u
#define PENSTOCK_FLAG_REGISTRY 4u
#define PENSTOCK_FLAG_PROTOBUF 8u
#define PENSTOCK_FLAG_EXACT 16u
#define PENSTOCK_FLAG_REPLAYS 32u
#define PENSTOCK_VALUE_NULL 0u
#define PENSTOCK_VALUE_BYTES 1u
#define PENSTOCK_VALUE_TEXT 2u
#define PENSTOCK_VALUE_FLAT 3u
#define PENSTOCK_NO_SCHEMA 4294967295u
#define PENSTOCK_FIELD_NULL 0u
#define PENSTOCK_FIELD_BOOLEAN 1u
#define PENSTOCK_FIELD_INTEGER 2u
#define PENSTOCK_FIELD_FLOAT 3u
#define PENSTOCK_FIELD_TEXT 4u
#define PENSTOCK_LEVEL_ERROR 1u
#define PENSTOCK_LEVEL_WARN 2u
#define PENSTOCK_LEVEL_INFO 3u
#define PENSTOCK_LEVEL_DEBUG 4u
#define PENSTOCK_LEVEL_TRACE 5u
#define PENSTOCK_SEVERITY_ERROR 1u
#define PENSTOCK_SEVERITY_UNKNOWN 2u

typedef struct penstock_str penstock_str;
typedef struct penstock_bytes penstock_bytes;
typedef struct penstock_pair penstock_pair;
typedef struct penstock_pairs penstock_pairs;
typedef struct penstock_field penstock_field;
typedef struct penstock_fields penstock_fields;
typedef struct penstock_position penstock_position;
typedef struct penstock_header penstock_header;
typedef struct penstock_record penstock_record;
typedef struct penstock_batch penstock_batch;
typedef struct penstock_source_batch penstock_source_batch;
typedef struct penstock_report penstock_report;
typedef struct penstock_host penstock_host;
typedef struct penstock_open penstock_open;
typedef struct penstock_plan penstock_plan;
typedef struct penstock_connector penstock_connector;
typedef struct penstock_catalog penstock_catalog;
typedef struct penstock_entry penstock_entry;

struct penstock_str {
    uint8_t const * ptr;
    size_t len;
};

struct penstock_bytes {
    uint8_t const * ptr;
    size_t len;
};

struct penstock_pair {
    penstock_str key;
    penstock_str value;
};

struct penstock_pairs {
    penstock_pair const * ptr;
    size_t len;
};

struct penstock_field {
    penstock_str name;
    uint64_t kind;
    int64_t integer;
    double float_;
    penstock_str text;
};

struct penstock_fields {
    penstock_field const * ptr;
    size_t len;
};

struct penstock_position {
    penstock_fields partition;
    penstock_fields offset;
};

struct penstock_header {
    penstock_str name;
    penstock_bytes value;
};

struct penstock_record {
    penstock_bytes key;
    penstock_bytes value;
    penstock_header const * headers;
    uint32_t headers_len;
    uint32_t topic;
    int32_t partition;
    uint8_t key_kind;
    uint8_t value_kind;
    uint16_t reserved;
    uint32_t key_schema;
    uint32_t value_schema;
    int64_t offset;
    int64_t timestamp_ms;
};

struct penstock_batch {
    penstock_record const * records;
    size_t records_len;
    penstock_str const * topics;
    size_t topics_len;
    penstock_str const * schemas;
    size_t schemas_len;
};

struct penstock_source_batch {
    penstock_batch batch;
    penstock_position const * positions;
    size_t positions_len;
};

struct penstock_report {
    size_t size;
    void * context;
    void (*message)(void *, penstock_str);
    void (*retry_after)(void *, uint64_t);
    void (*reject)(void *, uint64_t, penstock_str);
    void (*problem)(void *, uint32_t, penstock_str, penstock_str);
    void (*task)(void *, penstock_pairs);
    void (*answer)(void *, penstock_str);
};

struct penstock_host {
    size_t size;
    void * context;
    void (*log)(void *, uint32_t, penstock_str);
    void (*count)(void *, penstock_str, uint64_t);
    void (*gauge)(void *, penstock_str, double);
    uint32_t (*wait)(void *, uint64_t);
    void (*resume)(void *, penstock_fields, void *, void (*)(void *, penstock_fields));
    uint32_t (*may_write)(void *);
    void (*bounds)(void *, void *, void (*)(void *, penstock_fields, penstock_fields, penstock_fields));
};

struct penstock_open {
    size_t size;
    penstock_pairs config;
    penstock_str connector;
    uint32_t task;
    uint32_t reserved;
    penstock_str key_format;
    penstock_str value_format;
    penstock_host const * host;
};

struct penstock_plan {
    size_t size;
    penstock_str token;
    uint64_t age_ms;
    uint32_t flags;
    uint32_t reserved;
};

struct penstock_connector {
    size_t size;
    uint32_t kind;
    uint32_t flags;
    penstock_str class_;
    penstock_str const * aliases;
    size_t aliases_len;
    penstock_str version;
    penstock_str documentation;
    penstock_str settings;
    uint32_t (*validate)(penstock_pairs, penstock_report const *);
    uint32_t (*plan)(penstock_pairs, uint32_t, penstock_report const *);
    uint32_t (*open)(penstock_open const *, void * *, penstock_report const *);
    uint32_t (*poll)(void *, penstock_source_batch *, penstock_report const *);
    void (*committed)(void *, penstock_position const *, size_t);
    uint32_t (*write)(void *, penstock_batch const *, penstock_report const *);
    void (*close)(void *);
    uint32_t (*write_planned)(void *, penstock_batch const *, penstock_plan const *, penstock_report const *);
    uint32_t (*ask)(penstock_str, penstock_pairs, penstock_str, penstock_report const *);
    penstock_str replays_within;
};

struct penstock_catalog {
    size_t size;
    penstock_str built_with;
    penstock_connector const * const * connectors;
    size_t connectors_len;
};

struct penstock_entry {
    uint8_t magic[8];
    uint32_t major;
    uint32_t minor;
    uint64_t layout;
    penstock_catalog const * (*catalog)(void);
};

#endif
