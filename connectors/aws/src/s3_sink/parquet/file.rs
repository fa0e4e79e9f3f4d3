//! A Parquet file that grows: columns are kept until a row group is large enough, then they go out.
use std::sync::Arc;

use parquet::basic::{Compression as Codec, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::kind::{Field, Kind};
use super::shred::{self, Column, DECIMAL_BYTES, Data};
use crate::s3_sink::cell::Cell;
use crate::s3_sink::settings::Compression;

/// Records in, bytes of an object out.
pub struct File {
    fields: Vec<Field>,
    columns: Vec<Column>,
    writer: SerializedFileWriter<Vec<u8>>,
}

impl File {
    pub fn new(fields: Vec<Field>, compression: Compression) -> Result<Self> {
        let types =
            fields.iter().map(|field| column(&field.name, &field.kind)).collect::<Result<Vec<_>>>()?;
        let schema = Type::group_type_builder("record").with_fields(types).build()?;
        let codec = match compression {
            Compression::None => Codec::UNCOMPRESSED,
            Compression::Gzip => Codec::GZIP(parquet::basic::GzipLevel::default()),
            Compression::Zstd => Codec::ZSTD(ZstdLevel::default()),
            Compression::Snappy => Codec::SNAPPY,
        };
        let properties = WriterProperties::builder()
            .set_compression(codec)
            .set_created_by(format!("penstock version {}", env!("CARGO_PKG_VERSION")))
            .build();
        let writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
        let columns = fields.iter().flat_map(|field| shred::columns(&field.kind)).collect();
        Ok(Self { fields, columns, writer })
    }

    /// `places` go to the first fields, one each, and the value's members to the others.
    pub fn push(&mut self, places: &[Option<serde_json::Value>], value: Cell<'_>) -> Result<()> {
        let (own, others) = self.fields.split_at(places.len());
        let (first, rest) = self.columns.split_at_mut(own.len());
        for ((field, place), column) in own.iter().zip(places).zip(first) {
            let place = place.as_ref().map(Cell::Json);
            shred::value(&field.kind, place, std::slice::from_mut(column));
        }
        shred::record(others, value, rest);
        let bytes: usize = self.columns.iter().map(|column| column.bytes).sum();
        if bytes >= GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    /// What has come out so far; it may be taken away.
    pub fn out(&mut self) -> &mut Vec<u8> {
        self.writer.inner_mut()
    }

    /// The rest.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.flush()?;
        self.writer.into_inner()
    }

    fn flush(&mut self) -> Result<()> {
        let next = self.fields.iter().flat_map(|field| shred::columns(&field.kind)).collect();
        let mut columns = std::mem::replace(&mut self.columns, next).into_iter();
        let mut group = self.writer.next_row_group()?;
        while let Some(writer) = group.next_column()? {
            let column = columns.next().ok_or_else(|| ParquetError::General("a column is missing".into()))?;
            write(writer, &column)?;
        }
        group.close().map(drop)
    }
}

fn write(mut writer: SerializedColumnWriter<'_>, column: &Column) -> Result<()> {
    match &column.data {
        Data::Boolean(data) => batch::<BoolType>(&mut writer, data, column)?,
        Data::Int32(data) => batch::<Int32Type>(&mut writer, data, column)?,
        Data::Int64(data) => batch::<Int64Type>(&mut writer, data, column)?,
        Data::Float32(data) => batch::<FloatType>(&mut writer, data, column)?,
        Data::Float64(data) => batch::<DoubleType>(&mut writer, data, column)?,
        Data::Bytes(data) => batch::<ByteArrayType>(&mut writer, data, column)?,
        Data::Decimal(data) => batch::<FixedLenByteArrayType>(&mut writer, data, column)?,
    }
    writer.close()
}

fn batch<T: DataType>(writer: &mut SerializedColumnWriter<'_>, data: &[T::T], column: &Column) -> Result<()> {
    writer.typed::<T>().write_batch(data, Some(&column.defined), Some(&column.repeats)).map(drop)
}

/// A field that may be missing.
fn column(name: &str, kind: &Kind) -> Result<TypePtr> {
    typed(name, kind, Repetition::OPTIONAL)
}

fn typed(name: &str, kind: &Kind, repetition: Repetition) -> Result<TypePtr> {
    let group = |logical, fields: Vec<TypePtr>| {
        let builder = Type::group_type_builder(name).with_repetition(repetition);
        builder.with_logical_type(logical).with_fields(fields).build().map(Arc::new)
    };
    let repeated = |name: &str, fields: Vec<TypePtr>| {
        let builder = Type::group_type_builder(name).with_repetition(Repetition::REPEATED);
        builder.with_fields(fields).build().map(Arc::new)
    };
    match kind {
        Kind::Struct(fields) => {
            let fields =
                fields.iter().map(|field| column(&field.name, &field.kind)).collect::<Result<_>>()?;
            group(None, fields)
        }
        Kind::List(kind) => {
            group(Some(LogicalType::List), vec![repeated("list", vec![column("element", kind)?])?])
        }
        Kind::Map(key, value) => {
            let pair = vec![typed("key", key, Repetition::REQUIRED)?, column("value", value)?];
            group(Some(LogicalType::Map), vec![repeated("key_value", pair)?])
        }
        kind => primitive(name, kind, repetition),
    }
}

fn primitive(name: &str, kind: &Kind, repetition: Repetition) -> Result<TypePtr> {
    let (physical, logical) = match kind {
        Kind::Boolean => (Physical::BOOLEAN, None),
        Kind::Int32 => (Physical::INT32, None),
        Kind::Int64 => (Physical::INT64, None),
        Kind::Float32 => (Physical::FLOAT, None),
        Kind::Float64 => (Physical::DOUBLE, None),
        Kind::Date => (Physical::INT32, Some(LogicalType::Date)),
        Kind::Time => (Physical::INT32, Some(LogicalType::time(true, TimeUnit::MILLIS))),
        Kind::Timestamp => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        Kind::Decimal { scale, precision } => {
            (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(*scale, *precision)))
        }
        Kind::Bytes => (Physical::BYTE_ARRAY, None),
        Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        _ => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let builder = Type::primitive_type_builder(name, physical).with_repetition(repetition);
    let builder = match kind {
        Kind::Decimal { scale, precision } => {
            builder.with_length(DECIMAL_BYTES as i32).with_scale(*scale).with_precision(*precision)
        }
        _ => builder,
    };
    builder.with_logical_type(logical).build().map(Arc::new)
}

/// What a row group takes in memory before it is written.
const GROUP_BYTES: usize = 32 << 20;
