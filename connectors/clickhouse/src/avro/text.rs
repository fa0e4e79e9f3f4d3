//! Writes values as JSON text, for columns that keep whole objects.
use formats::avro::{Schema, Type};

use super::scalar::Scalar;
use super::skip::too_deep;
use super::wire;
use crate::binary::{Fault, Taken, text};
use crate::json::DEPTH_MAX;

/// For each type of a schema, how its values are written.
#[derive(Debug)]
pub struct Texts(Vec<Text>);

#[derive(Debug)]
enum Text {
    Null,
    Scalar(Scalar),
    Names(Vec<Box<str>>),
    Array(usize),
    Map(usize),
    /// Names with quotes and colon.
    Fields(Vec<(Box<[u8]>, usize)>),
    Union(Vec<usize>),
    /// No value of the type has a text.
    Wordless,
}

impl Texts {
    pub fn new(schema: &Schema) -> Self {
        Texts((0..schema.places()).map(|place| form(schema, place)).collect())
    }

    /// Appends the value that comes next, and takes the bytes that it has off the budget.
    pub fn write(&self, place: usize, rest: &mut &[u8], out: &mut Vec<u8>, budget: &mut usize) -> Taken<()> {
        let start = out.len();
        let limit = start.saturating_add(*budget);
        Writing { texts: &self.0, out, limit }.value(place, rest, DEPTH_MAX)?;
        *budget = budget.saturating_sub(out.len() - start);
        Ok(())
    }
}

struct Writing<'a> {
    texts: &'a [Text],
    out: &'a mut Vec<u8>,
    limit: usize,
}

impl Writing<'_> {
    fn value(&mut self, place: usize, rest: &mut &[u8], depth: u32) -> Taken<()> {
        let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
        if self.out.len() > self.limit {
            return Err(Fault::broken("the value becomes too large as text"));
        }
        match self.texts.get(place).ok_or_else(wire::cut)? {
            Text::Null => self.out.extend_from_slice(b"null"),
            Text::Scalar(scalar) => text::given(&scalar.take(rest)?, self.out),
            Text::Names(names) => {
                let index = wire::index(rest, names.len(), "symbol")?;
                text::quoted(&names[index], self.out);
            }
            Text::Array(items) => {
                self.blocks(rest, *b"[]", |writing, rest| writing.value(*items, rest, depth))?;
            }
            Text::Map(values) => self.blocks(rest, *b"{}", |writing, rest| {
                text::quoted(wire::text(rest)?, writing.out);
                writing.out.push(b':');
                writing.value(*values, rest, depth)
            })?,
            Text::Fields(fields) => {
                self.out.push(b'{');
                for (number, (name, field)) in fields.iter().enumerate() {
                    if number > 0 {
                        self.out.push(b',');
                    }
                    self.out.extend_from_slice(name);
                    self.value(*field, rest, depth)?;
                }
                self.out.push(b'}');
            }
            Text::Union(branches) => {
                let branch = wire::index(rest, branches.len(), "branch")?;
                self.value(branches[branch], rest, depth)?;
            }
            Text::Wordless => return Err(Fault::broken("a decimal with more places than any column has")),
        }
        Ok(())
    }

    fn blocks(
        &mut self,
        rest: &mut &[u8],
        brackets: [u8; 2],
        mut item: impl FnMut(&mut Self, &mut &[u8]) -> Taken<()>,
    ) -> Taken<()> {
        self.out.push(brackets[0]);
        let start = self.out.len();
        loop {
            let (count, _) = wire::block(rest)?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                if self.out.len() > start {
                    self.out.push(b',');
                }
                item(self, rest)?;
            }
        }
        self.out.push(brackets[1]);
        Ok(())
    }
}

fn form(schema: &Schema, place: usize) -> Text {
    let node = schema.node(place);
    match &node.kind {
        Type::Null => Text::Null,
        Type::Array(items) => Text::Array(*items),
        Type::Map(values) => Text::Map(*values),
        Type::Union(branches) => Text::Union(branches.clone()),
        Type::Enum(symbols) => Text::Names(symbols.iter().map(|symbol| symbol.as_str().into()).collect()),
        Type::Record(fields) => Text::Fields(
            fields
                .iter()
                .map(|field| {
                    let mut name = Vec::new();
                    text::quoted(&field.name, &mut name);
                    name.push(b':');
                    (name.into(), field.node)
                })
                .collect(),
        ),
        _ => Scalar::of(node).map_or(Text::Wordless, Text::Scalar),
    }
}
