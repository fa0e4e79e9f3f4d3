//! Reads what a table is to be made for: records, or the schema of a writer.
use penstock_sdk::{Error, Result};

use super::schema::Given;
use crate::json::{Cursor, Fault};

type Read<T> = std::result::Result<T, Fault>;

/// What a table is to be made for.
#[derive(Debug, Default)]
pub struct Input {
    pub topic: Option<String>,
    pub records: Vec<Sent>,
    pub schema: Option<Given>,
}

/// A record as it would be in Kafka.
#[derive(Debug, Default)]
pub struct Sent {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
}

impl Input {
    pub fn read(text: &str) -> Result<Self> {
        if text.trim() == "null" {
            return Ok(Input::default());
        }
        let mut json = Cursor::new(text);
        let (mut input, mut given, mut schema) = (Input::default(), Given::default(), None);
        let read = object(&mut json, &mut |name, json| {
            match name {
                "topic" => input.topic = word(json)?,
                "records" => input.records = list(json, "a list of records", sent)?,
                "schema" => schema = word(json)?,
                "schemaType" => given.format = word(json)?,
                "message" => given.message = word(json)?,
                "references" => given.references = list(json, "a list of references", reference)?,
                _ => return Err(json.fault(MEMBERS)),
            }
            Ok(())
        });
        read.and_then(|()| json.end()).map_err(|fault| match fault {
            Fault::Syntax { at, expected } => {
                Error::config(format!("input: expected {expected} at byte {at} of {text:.60}"))
            }
            _ => Error::config("input: it is nested too deeply".to_owned()),
        })?;
        if !input.records.is_empty() && schema.is_some() {
            return Err(Error::config(NOTHING));
        }
        input.schema = schema.map(|text| Given { text, ..given });
        Ok(input)
    }

    /// Whether there is nothing to make a table for.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.schema.is_none()
    }
}

fn sent(json: &mut Cursor<'_>) -> Read<Sent> {
    let mut sent = Sent::default();
    object(json, &mut |name, json| {
        match name {
            "key" => sent.key = content(json)?,
            "value" => sent.value = content(json)?,
            _ => return Err(json.fault("key or value")),
        }
        Ok(())
    })?;
    Ok(sent)
}

/// A schema that another one needs, by its name.
fn reference(json: &mut Cursor<'_>) -> Read<(String, String)> {
    let mut found = (String::new(), String::new());
    object(json, &mut |name, json| {
        match name {
            "name" => found.0 = word(json)?.unwrap_or_default(),
            "schema" => found.1 = word(json)?.unwrap_or_default(),
            _ => return Err(json.fault("name or schema")),
        }
        Ok(())
    })?;
    Ok(found)
}

fn list<T>(
    json: &mut Cursor<'_>,
    expected: &'static str,
    item: fn(&mut Cursor<'_>) -> Read<T>,
) -> Read<Vec<T>> {
    let mut items = Vec::new();
    if json.peek() != b'[' {
        return Err(json.fault(expected));
    }
    json.enter()?;
    let mut more = json.any(b']')?;
    while more {
        items.push(item(json)?);
        more = json.more(b']')?;
    }
    Ok(items)
}

/// What a string says, or the text of any other value; none for null.
fn word(json: &mut Cursor<'_>) -> Read<Option<String>> {
    Ok(match json.peek() {
        b'"' => Some(json.string()?.into_owned()),
        _ => Some(json.raw()?).filter(|raw| *raw != "null").map(str::to_owned),
    })
}

fn content(json: &mut Cursor<'_>) -> Read<Option<Vec<u8>>> {
    Ok(word(json)?.map(String::into_bytes))
}

fn object(json: &mut Cursor<'_>, field: &mut dyn FnMut(&str, &mut Cursor<'_>) -> Read<()>) -> Read<()> {
    if json.peek() != b'{' {
        return Err(json.fault("an object"));
    }
    json.enter()?;
    let mut more = json.any(b'}')?;
    while more {
        let name = json.string()?;
        json.expect(b':', "\":\"")?;
        field(&name, json)?;
        more = json.more(b'}')?;
    }
    Ok(())
}

pub const NOTHING: &str = "input: expected either records, a list of objects with key and value, or schema; neither is \
     needed where value.converter has a registry with the schema of Avro or Protobuf";
const MEMBERS: &str = "topic, records, schema, schemaType, message or references";
