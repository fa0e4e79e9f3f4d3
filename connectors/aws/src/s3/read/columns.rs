//! Columns of Arrow, written as JSON row by row, without a value in between.
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, TimeUnit};

use super::avro::uuid;
use super::times::{self, Unit};
use super::{Form, decimal, json};

/// The columns of one batch.
#[derive(Default)]
pub struct Columns(Vec<(Box<[u8]>, Column)>);

type Write = Box<dyn Fn(usize, &mut Vec<u8>) -> Result<(), String> + Send>;

/// One column, or one field of values in a column.
struct Column {
    nulls: Option<NullBuffer>,
    write: Write,
}

impl Columns {
    pub fn of(batch: &StructArray, form: Form) -> Self {
        let fields = batch.fields().iter().zip(batch.columns());
        Self(
            fields
                .map(|(field, array)| (json::name(field.name()), Column::named(field, array, form)))
                .collect(),
        )
    }

    /// Appends a row as an object.
    pub fn row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
        out.push(b'{');
        for (at, (name, column)) in self.0.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(name);
            column.write(row, out)?;
        }
        out.push(b'}');
        Ok(())
    }
}

impl Column {
    fn named(field: &Field, array: &ArrayRef, form: Form) -> Self {
        let is_uuid = field.metadata().get(EXTENSION).is_some_and(|name| name == UUID);
        match array.as_fixed_size_binary_opt().filter(|array| is_uuid && array.value_length() == 16).cloned()
        {
            Some(ids) => {
                let write = move |row: usize, out: &mut Vec<u8>| {
                    uuid(ids.value(row), out);
                    Ok(())
                };
                Self { nulls: array.logical_nulls(), write: Box::new(write) }
            }
            None => Self::of(array, form),
        }
    }

    fn of(array: &ArrayRef, form: Form) -> Self {
        Self { nulls: array.logical_nulls(), write: writer(array, form) }
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        (self.write)(row, out)
    }
}

fn writer(array: &ArrayRef, form: Form) -> Write {
    match array.data_type() {
        DataType::Boolean => {
            let array = array.as_boolean().clone();
            Box::new(move |row, out| {
                out.extend_from_slice(if array.value(row) { b"true" } else { b"false" });
                Ok(())
            })
        }
        DataType::Int8 => plain::<Int8Type>(array),
        DataType::Int16 => plain::<Int16Type>(array),
        DataType::Int32 => plain::<Int32Type>(array),
        DataType::Int64 => plain::<Int64Type>(array),
        DataType::UInt8 => plain::<UInt8Type>(array),
        DataType::UInt16 => plain::<UInt16Type>(array),
        DataType::UInt32 => plain::<UInt32Type>(array),
        DataType::UInt64 => plain::<UInt64Type>(array),
        DataType::Float16 => each::<Float16Type>(array, |value, out| json::float(value.to_f32(), out)),
        DataType::Float32 => each::<Float32Type>(array, json::float),
        DataType::Float64 => each::<Float64Type>(array, json::double),
        DataType::Date32 => each::<Date32Type>(array, |days, out| times::date(i64::from(days), out)),
        DataType::Date64 => {
            each::<Date64Type>(array, |value, out| times::timestamp(value, Unit::Millis, false, out))
        }
        DataType::Time32(_) | DataType::Time64(_) | DataType::Timestamp(..) => time(array),
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => digits(array),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => text(array),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            bytes(array, form)
        }
        _ => nested(array, form),
    }
}

fn each<T: ArrowPrimitiveType>(array: &ArrayRef, write: fn(T::Native, &mut Vec<u8>)) -> Write {
    let array: PrimitiveArray<T> = array.as_primitive().clone();
    Box::new(move |row, out| {
        write(array.value(row), out);
        Ok(())
    })
}

fn plain<T: ArrowPrimitiveType>(array: &ArrayRef) -> Write
where
    T::Native: std::fmt::Display,
{
    each::<T>(array, json::number)
}

fn time(array: &ArrayRef) -> Write {
    match array.data_type() {
        DataType::Time32(TimeUnit::Second) => {
            each::<Time32SecondType>(array, |value, out| times::time(value.into(), Unit::Seconds, out))
        }
        DataType::Time32(_) => {
            each::<Time32MillisecondType>(array, |value, out| times::time(value.into(), Unit::Millis, out))
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            each::<Time64MicrosecondType>(array, |value, out| times::time(value, Unit::Micros, out))
        }
        DataType::Time64(_) => {
            each::<Time64NanosecondType>(array, |value, out| times::time(value, Unit::Nanos, out))
        }
        DataType::Timestamp(TimeUnit::Second, zone) => {
            moment::<TimestampSecondType>(array, Unit::Seconds, zone.is_some())
        }
        DataType::Timestamp(TimeUnit::Millisecond, zone) => {
            moment::<TimestampMillisecondType>(array, Unit::Millis, zone.is_some())
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            moment::<TimestampMicrosecondType>(array, Unit::Micros, zone.is_some())
        }
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            moment::<TimestampNanosecondType>(array, Unit::Nanos, zone.is_some())
        }
        other => unknown(other),
    }
}

fn moment<T: ArrowPrimitiveType<Native = i64>>(array: &ArrayRef, unit: Unit, is_utc: bool) -> Write {
    let array: PrimitiveArray<T> = array.as_primitive().clone();
    Box::new(move |row, out| {
        times::timestamp(array.value(row), unit, is_utc, out);
        Ok(())
    })
}

fn digits(array: &ArrayRef) -> Write {
    fn of<T: ArrowPrimitiveType>(array: &ArrayRef, scale: i8) -> Write
    where
        i128: From<T::Native>,
    {
        let array: PrimitiveArray<T> = array.as_primitive().clone();
        Box::new(move |row, out| {
            decimal::small(array.value(row).into(), scale.into(), out);
            Ok(())
        })
    }
    match array.data_type() {
        DataType::Decimal32(_, scale) => of::<Decimal32Type>(array, *scale),
        DataType::Decimal64(_, scale) => of::<Decimal64Type>(array, *scale),
        DataType::Decimal128(_, scale) => of::<Decimal128Type>(array, *scale),
        DataType::Decimal256(_, scale) => {
            let (array, scale) = (array.as_primitive::<Decimal256Type>().clone(), i64::from(*scale));
            Box::new(move |row, out| {
                let written = decimal::write(&array.value(row).to_be_bytes(), scale, out);
                written.ok_or_else(|| "a decimal with more digits than any column has".to_owned())
            })
        }
        other => unknown(other),
    }
}

fn text(array: &ArrayRef) -> Write {
    if let Some(array) = array.as_string_opt::<i32>().cloned() {
        return Box::new(move |row, out| {
            json::quote(array.value(row), out);
            Ok(())
        });
    }
    if let Some(array) = array.as_string_opt::<i64>().cloned() {
        return Box::new(move |row, out| {
            json::quote(array.value(row), out);
            Ok(())
        });
    }
    let array = array.as_string_view().clone();
    Box::new(move |row, out| {
        json::quote(array.value(row), out);
        Ok(())
    })
}

fn bytes(array: &ArrayRef, form: Form) -> Write {
    let is_text = form.binary_is_text;
    if let Some(array) = array.as_binary_opt::<i32>().cloned() {
        return Box::new(move |row, out| json::bytes(array.value(row), is_text, out));
    }
    if let Some(array) = array.as_binary_opt::<i64>().cloned() {
        return Box::new(move |row, out| json::bytes(array.value(row), is_text, out));
    }
    if let Some(array) = array.as_fixed_size_binary_opt().cloned() {
        return Box::new(move |row, out| json::bytes(array.value(row), is_text, out));
    }
    let array = array.as_binary_view().clone();
    Box::new(move |row, out| json::bytes(array.value(row), is_text, out))
}

fn nested(array: &ArrayRef, form: Form) -> Write {
    match array.data_type() {
        DataType::Null => Box::new(|_, out| {
            out.extend_from_slice(b"null");
            Ok(())
        }),
        DataType::Struct(_) => {
            let columns = Columns::of(array.as_struct(), form);
            Box::new(move |row, out| columns.row(row, out))
        }
        DataType::List(_) => {
            let array = array.as_list::<i32>().clone();
            let items = Column::of(array.values(), form);
            Box::new(move |row, out| {
                let offsets = array.value_offsets();
                list(&items, offsets[row] as usize..offsets[row + 1] as usize, out)
            })
        }
        DataType::LargeList(_) => {
            let array = array.as_list::<i64>().clone();
            let items = Column::of(array.values(), form);
            Box::new(move |row, out| {
                let offsets = array.value_offsets();
                list(&items, offsets[row] as usize..offsets[row + 1] as usize, out)
            })
        }
        DataType::FixedSizeList(_, size) => {
            let size = usize::try_from(*size).unwrap_or(0);
            let items = Column::of(array.as_fixed_size_list().values(), form);
            Box::new(move |row, out| list(&items, row * size..(row + 1) * size, out))
        }
        DataType::Map(..) => map(array, form),
        other => unknown(other),
    }
}

fn list(items: &Column, range: std::ops::Range<usize>, out: &mut Vec<u8>) -> Result<(), String> {
    out.push(b'[');
    for (at, item) in range.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        items.write(item, out)?;
    }
    out.push(b']');
    Ok(())
}

/// JSON's names are text: other keys become it.
fn map(array: &ArrayRef, form: Form) -> Write {
    let array = array.as_map().clone();
    let (keys, values) = (Column::of(array.keys(), form), Column::of(array.values(), form));
    Box::new(move |row, out| {
        let offsets = array.value_offsets();
        out.push(b'{');
        for (at, item) in (offsets[row] as usize..offsets[row + 1] as usize).enumerate() {
            if at > 0 {
                out.push(b',');
            }
            let start = out.len();
            keys.write(item, out)?;
            if out.get(start) != Some(&b'"') {
                let key = String::from_utf8_lossy(&out[start..]).into_owned();
                out.truncate(start);
                json::quote(&key, out);
            }
            out.push(b':');
            values.write(item, out)?;
        }
        out.push(b'}');
        Ok(())
    })
}

fn unknown(other: &DataType) -> Write {
    let reason = format!("a column of the type {other} has no form in JSON; expected s3.columns without it");
    Box::new(move |_, _| Err(reason.clone()))
}

/// What the reader of Parquet notes of types that Arrow has none for.
const EXTENSION: &str = "ARROW:extension:name";
const UUID: &str = "arrow.uuid";
