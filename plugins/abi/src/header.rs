//! Writes the contract as a C header, from the same declarations that Rust compiles.
use crate::layout::{CType, Layout};
#[allow(clippy::wildcard_imports)]
use crate::*;
use std::fmt::Write;

/// The text of `penstock.h`.
pub fn c_header() -> String {
    let mut text = String::from(
        "/* The Penstock plugin contract, generated from plugins/abi. SPDX-License-Identifier: Apache-2.0 */\n\
         #ifndef PENSTOCK_H\n#define PENSTOCK_H\n#include <stddef.h>\n#include <stdint.h>\n\n",
    );
    constants(&mut text);
    // Tables refer to each other in a circle: every name is declared before the first body.
    let structs: &[(String, &[FieldLayout])] = &[
        (Str::c_name(), Str::FIELDS),
        (Bytes::c_name(), Bytes::FIELDS),
        (Pair::c_name(), Pair::FIELDS),
        (Pairs::c_name(), Pairs::FIELDS),
        (Field::c_name(), Field::FIELDS),
        (Fields::c_name(), Fields::FIELDS),
        (Position::c_name(), Position::FIELDS),
        (Header::c_name(), Header::FIELDS),
        (Record::c_name(), Record::FIELDS),
        (Batch::c_name(), Batch::FIELDS),
        (SourceBatch::c_name(), SourceBatch::FIELDS),
        (Report::c_name(), Report::FIELDS),
        (Host::c_name(), Host::FIELDS),
        (Open::c_name(), Open::FIELDS),
        (Plan::c_name(), Plan::FIELDS),
        (Connector::c_name(), Connector::FIELDS),
        (Catalog::c_name(), Catalog::FIELDS),
        (Entry::c_name(), Entry::FIELDS),
    ];
    for (name, _) in structs {
        let _ = writeln!(text, "typedef struct {name} {name};");
    }
    for (name, fields) in structs {
        let _ = writeln!(text, "\nstruct {name} {{");
        for field in *fields {
            let _ = writeln!(text, "    {};", (field.declare)(c_field_name(field.name)));
        }
        text.push_str("};\n");
    }
    text.push_str("\n#endif\n");
    text
}

/// Words that C or C++ keep for themselves get an underscore.
fn c_field_name(name: &str) -> &str {
    match name {
        "class" => "class_",
        "float" => "float_",
        other => other,
    }
}

fn constants(text: &mut String) {
    let _ = writeln!(text, "#define PENSTOCK_MAGIC \"{}\"", String::from_utf8_lossy(&MAGIC));
    let _ = writeln!(text, "#define PENSTOCK_LAYOUT_HASH {LAYOUT_HASH:#018x}ull");
    let numbers: &[(&str, u64)] = &[
        ("MAJOR", MAJOR.into()),
        ("MINOR", MINOR.into()),
        ("STATUS_OK", STATUS_OK.into()),
        ("STATUS_CONFIG", STATUS_CONFIG.into()),
        ("STATUS_RETRY", STATUS_RETRY.into()),
        ("STATUS_RECORDS", STATUS_RECORDS.into()),
        ("STATUS_FATAL", STATUS_FATAL.into()),
        ("STATUS_PANIC", STATUS_PANIC.into()),
        ("KIND_SOURCE", KIND_SOURCE.into()),
        ("KIND_SINK", KIND_SINK.into()),
        ("FLAG_ENCODED", FLAG_ENCODED.into()),
        ("FLAG_PLANS", FLAG_PLANS.into()),
        ("PLAN_REPEATED", PLAN_REPEATED.into()),
        ("FLAG_REGISTRY", FLAG_REGISTRY.into()),
        ("FLAG_PROTOBUF", FLAG_PROTOBUF.into()),
        ("FLAG_EXACT", FLAG_EXACT.into()),
        ("FLAG_REPLAYS", FLAG_REPLAYS.into()),
        ("VALUE_NULL", KIND_NULL.into()),
        ("VALUE_BYTES", KIND_BYTES.into()),
        ("VALUE_TEXT", KIND_TEXT.into()),
        ("VALUE_FLAT", KIND_FLAT.into()),
        ("NO_SCHEMA", NO_SCHEMA.into()),
        ("FIELD_NULL", FIELD_NULL),
        ("FIELD_BOOLEAN", FIELD_BOOLEAN),
        ("FIELD_INTEGER", FIELD_INTEGER),
        ("FIELD_FLOAT", FIELD_FLOAT),
        ("FIELD_TEXT", FIELD_TEXT),
        ("LEVEL_ERROR", LEVEL_ERROR.into()),
        ("LEVEL_WARN", LEVEL_WARN.into()),
        ("LEVEL_INFO", LEVEL_INFO.into()),
        ("LEVEL_DEBUG", LEVEL_DEBUG.into()),
        ("LEVEL_TRACE", LEVEL_TRACE.into()),
        ("SEVERITY_ERROR", SEVERITY_ERROR.into()),
        ("SEVERITY_UNKNOWN", SEVERITY_UNKNOWN.into()),
    ];
    for (name, value) in numbers {
        let _ = writeln!(text, "#define PENSTOCK_{name} {value}u");
    }
    text.push('\n');
}
