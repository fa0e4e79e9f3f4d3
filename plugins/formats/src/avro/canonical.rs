//! Avro's canonical form of schemas, and the 64 bits that stand for one.

use super::schema::{Schema, Type};
use std::collections::HashSet;
use std::fmt::Write as _;

pub fn text(schema: &Schema) -> String {
    let mut form = Form { schema, out: String::new(), named: HashSet::new() };
    form.write(schema.root);
    form.out
}

struct Form<'a> {
    schema: &'a Schema,
    out: String,
    /// A name stands for its type from the second time on.
    named: HashSet<usize>,
}

impl Form<'_> {
    fn write(&mut self, place: usize) {
        let node = self.schema.node(place);
        let name = node.type_name();
        if node.name.is_some() && !self.named.insert(place) {
            return self.quoted(name);
        }
        match &node.kind {
            Type::Array(items) => {
                self.out.push_str("{\"type\":\"array\",\"items\":");
                self.write(*items);
                self.out.push('}');
            }
            Type::Map(values) => {
                self.out.push_str("{\"type\":\"map\",\"values\":");
                self.write(*values);
                self.out.push('}');
            }
            Type::Union(branches) => self.list(branches, |form, branch| form.write(*branch)),
            Type::Record(fields) => {
                self.begin(name, "record");
                self.out.push_str(",\"fields\":");
                self.list(fields, |form, field| {
                    form.out.push_str("{\"name\":");
                    form.quoted(&field.name);
                    form.out.push_str(",\"type\":");
                    form.write(field.node);
                    form.out.push('}');
                });
                self.out.push('}');
            }
            Type::Enum(symbols) => {
                self.begin(name, "enum");
                self.out.push_str(",\"symbols\":");
                self.list(symbols, |form, symbol| form.quoted(symbol));
                self.out.push('}');
            }
            Type::Fixed(size) => {
                self.begin(name, "fixed");
                let _ = write!(self.out, ",\"size\":{size}}}");
            }
            _ => self.quoted(name),
        }
    }

    fn begin(&mut self, name: &str, kind: &str) {
        self.out.push_str("{\"name\":");
        self.quoted(name);
        let _ = write!(self.out, ",\"type\":\"{kind}\"");
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.out.push('[');
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.out.push(',');
            }
            write(self, item);
        }
        self.out.push(']');
    }

    /// Names have nothing to escape.
    fn quoted(&mut self, text: &str) {
        let _ = write!(self.out, "\"{text}\"");
    }
}

/// CRC-64-AVRO.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(EMPTY, |print, &byte| {
        let mut low = (print ^ u64::from(byte)) & 0xff;
        for _ in 0..8 {
            low = (low >> 1) ^ (EMPTY & (low & 1).wrapping_neg());
        }
        (print >> 8) ^ low
    })
}

const EMPTY: u64 = 0xc15d_213a_a4d7_a795;
