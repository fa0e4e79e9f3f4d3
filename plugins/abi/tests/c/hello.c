/* A plugin in C11: a sink that appends values to a file, and a source that counts. SPDX-License-Identifier: Apache-2.0 */
#include "penstock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

static penstock_str text(const char *words) {
    penstock_str made = { (const uint8_t *)words, strlen(words) };
    return made;
}

static int same(penstock_str left, const char *right) {
    return left.len == strlen(right) && memcmp(left.ptr, right, left.len) == 0;
}

/* The value of a setting as a C string that the caller frees; NULL when it is absent. */
static char *setting(penstock_pairs config, const char *key) {
    for (size_t i = 0; i < config.len; i++) {
        if (same(config.ptr[i].key, key)) {
            penstock_str value = config.ptr[i].value;
            char *copy = malloc(value.len + 1);
            if (copy) {
                memcpy(copy, value.ptr, value.len);
                copy[value.len] = 0;
            }
            return copy;
        }
    }
    return NULL;
}

static uint32_t fail(const penstock_report *report, uint32_t status, const char *words) {
    report->message(report->context, text(words));
    return status;
}

static uint32_t validate(penstock_pairs config, const penstock_report *report) {
    for (size_t i = 0; i < config.len; i++) {
        if (same(config.ptr[i].key, "colour")) {
            report->problem(report->context, PENSTOCK_SEVERITY_UNKNOWN, config.ptr[i].key, text("is no setting of this connector"));
        }
    }
    return PENSTOCK_STATUS_OK;
}

static uint32_t plan(penstock_pairs config, uint32_t tasks_max, const penstock_report *report) {
    if (tasks_max > 0) {
        report->task(report->context, config);
    }
    return PENSTOCK_STATUS_OK;
}

/* The sink. */

typedef struct { FILE *file; const penstock_host *host; } sink;

static uint32_t sink_open(const penstock_open *open, void **instance, const penstock_report *report) {
    char *path = setting(open->config, "file");
    if (!path) {
        return fail(report, PENSTOCK_STATUS_CONFIG, "file: a value is required");
    }
    FILE *file = fopen(path, "ab");
    free(path);
    if (!file) {
        return fail(report, PENSTOCK_STATUS_CONFIG, "file: it cannot be opened");
    }
    sink *made = malloc(sizeof *made);
    if (!made) {
        fclose(file);
        return fail(report, PENSTOCK_STATUS_FATAL, "out of memory");
    }
    made->file = file;
    made->host = open->host;
    *instance = made;
    return PENSTOCK_STATUS_OK;
}

static uint32_t sink_write(void *instance, const penstock_batch *batch, const penstock_report *report) {
    sink *self = instance;
    uint32_t status = PENSTOCK_STATUS_OK;
    for (size_t i = 0; i < batch->records_len; i++) {
        penstock_bytes value = batch->records[i].value;
        if (!value.ptr) {
            report->reject(report->context, i, text("a value is required"));
            status = PENSTOCK_STATUS_RECORDS;
        } else if (fwrite(value.ptr, 1, value.len, self->file) != value.len || fputc('\n', self->file) == EOF) {
            return fail(report, PENSTOCK_STATUS_FATAL, "writing the file failed");
        }
    }
    if (fflush(self->file) != 0) {
        return fail(report, PENSTOCK_STATUS_RETRY, "the file cannot be flushed");
    }
    self->host->count(self->host->context, text("written"), batch->records_len);
    return status;
}

static void sink_close(void *instance) {
    sink *self = instance;
    fclose(self->file);
    free(self);
}

/* The source. What poll hands over lies in its instance until the next call. */

#define RECORDS 3

typedef struct {
    const penstock_host *host;
    int64_t next, end;
    char values[RECORDS][32];
    penstock_record records[RECORDS];
    penstock_str topic;
    penstock_field partition, offset;
    penstock_position position;
} source;

static void take_offset(void *context, penstock_fields fields) {
    for (size_t i = 0; i < fields.len; i++) {
        if (same(fields.ptr[i].name, "position") && fields.ptr[i].kind == PENSTOCK_FIELD_INTEGER) {
            ((source *)context)->next = fields.ptr[i].integer;
        }
    }
}

static uint32_t source_open(const penstock_open *open, void **instance, const penstock_report *report) {
    source *self = calloc(1, sizeof *self);
    if (!self) {
        return fail(report, PENSTOCK_STATUS_FATAL, "out of memory");
    }
    char *count = setting(open->config, "count");
    self->end = count ? strtoll(count, NULL, 10) : 10;
    free(count);
    self->host = open->host;
    self->topic = text("hello");
    self->partition = (penstock_field){ .name = text("source"), .kind = PENSTOCK_FIELD_TEXT, .text = text("hello") };
    self->offset = (penstock_field){ .name = text("position"), .kind = PENSTOCK_FIELD_INTEGER };
    penstock_fields partition = { &self->partition, 1 }, offset = { &self->offset, 1 };
    self->position = (penstock_position){ partition, offset };
    self->host->resume(self->host->context, partition, self, take_offset);
    *instance = self;
    return PENSTOCK_STATUS_OK;
}

static uint32_t source_poll(void *instance, penstock_source_batch *out, const penstock_report *report) {
    source *self = instance;
    (void)report;
    memset(out, 0, sizeof *out);
    if (self->next >= self->end) {
        self->host->wait(self->host->context, 1000);
        return PENSTOCK_STATUS_OK;
    }
    size_t made = 0;
    while (made < RECORDS && self->next < self->end) {
        int length = snprintf(self->values[made], sizeof self->values[made], "hello %lld", (long long)self->next++);
        self->records[made] = (penstock_record){
            .value = { (const uint8_t *)self->values[made], (size_t)length },
            .value_kind = PENSTOCK_VALUE_TEXT,
            .partition = -1,
            .key_schema = PENSTOCK_NO_SCHEMA,
            .value_schema = PENSTOCK_NO_SCHEMA,
            .timestamp_ms = -1,
        };
        made++;
    }
    self->offset.integer = self->next;
    out->batch.records = self->records;
    out->batch.records_len = made;
    out->batch.topics = &self->topic;
    out->batch.topics_len = 1;
    out->positions = &self->position;
    out->positions_len = 1;
    return PENSTOCK_STATUS_OK;
}

static void source_committed(void *instance, const penstock_position *positions, size_t len) {
    source *self = instance;
    (void)positions;
    self->host->count(self->host->context, text("committed"), len);
}

/* The catalog. */

static const penstock_str aliases[] = { TEXT("com.example.HelloSinkConnector") };

static const penstock_connector hello_sink = {
    .size = sizeof(penstock_connector),
    .kind = PENSTOCK_KIND_SINK,
    .class_ = TEXT("HelloSink"),
    .aliases = aliases,
    .aliases_len = 1,
    .version = TEXT("1.2.3"),
    .documentation = TEXT("Appends each value to a file."),
    .settings = TEXT("[{\"name\":\"file\",\"type\":\"STRING\",\"required\":true,\"documentation\":\"Where to.\"}]"),
    .validate = validate,
    .plan = plan,
    .open = sink_open,
    .write = sink_write,
    .close = sink_close,
};

static const penstock_connector hello_source = {
    .size = sizeof(penstock_connector),
    .kind = PENSTOCK_KIND_SOURCE,
    .class_ = TEXT("HelloSource"),
    .version = TEXT("1.2.3"),
    .documentation = TEXT("Counts hellos."),
    .settings = TEXT("[{\"name\":\"count\",\"type\":\"LONG\",\"default\":\"10\",\"documentation\":\"How many.\"}]"),
    .validate = validate,
    .plan = plan,
    .open = source_open,
    .poll = source_poll,
    .committed = source_committed,
    .close = free,
};

static const penstock_connector *const connectors[] = { &hello_sink, &hello_source };

static const penstock_catalog *catalog(void) {
    static const penstock_catalog offered = {
        .size = sizeof(penstock_catalog),
        .built_with = TEXT("hello.c"),
        .connectors = connectors,
        .connectors_len = 2,
    };
    return &offered;
}

const penstock_entry PENSTOCK_PLUGIN = {
    .magic = PENSTOCK_MAGIC,
    .major = PENSTOCK_MAJOR,
    .minor = PENSTOCK_MINOR,
    .layout = PENSTOCK_LAYOUT_HASH,
    .catalog = catalog,
};
