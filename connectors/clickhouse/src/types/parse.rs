//! Parses the type names of `system.columns`.
use super::{Element, Enum, Type, Variant};

/// The sink cannot write a column of this type.
#[derive(Debug, PartialEq)]
pub struct Unsupported {
    /// What to do instead, where there is something to say.
    pub advice: Option<&'static str>,
}

/// Parses the text of a type; what it does not know makes the whole column unsupported.
pub fn parse(text: &str) -> Result<Type, Unsupported> {
    let mut parser = Parser { rest: text, depth: 0, variants: 0 };
    let ty = parser.ty()?;
    parser.space();
    if parser.rest.is_empty() { Ok(ty) } else { Err(UNKNOWN) }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
    /// The variants that are open here.
    variants: usize,
}

impl<'a> Parser<'a> {
    fn ty(&mut self) -> Result<Type, Unsupported> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(UNKNOWN);
        }
        self.space();
        let start = self.rest;
        let name = self.word()?;
        let ty = match plain(&name).or_else(|| geometry(&name)) {
            Some(ty) => ty,
            None => self.with_arguments(&name, start)?,
        };
        self.depth -= 1;
        Ok(ty)
    }

    /// `start` is the text from the type's name on.
    fn with_arguments(&mut self, name: &str, start: &'a str) -> Result<Type, Unsupported> {
        if let Some(advice) = advice(name) {
            return Err(Unsupported { advice: Some(advice) });
        }
        match name {
            "DateTime" => self.date_time(),
            "JSON" => {
                let text = self.whole(start)?;
                Ok(Type::Json(if self.variants > 0 { Some(text) } else { None }))
            }
            "Dynamic" => self.whole(start).map(Type::Dynamic),
            _ => {
                self.expect('(')?;
                let ty = self.arguments(name)?;
                self.expect(')')?;
                Ok(ty)
            }
        }
    }

    fn arguments(&mut self, name: &str) -> Result<Type, Unsupported> {
        match name {
            "Nullable" => Ok(Type::Nullable(Box::new(self.ty()?))),
            "LowCardinality" => {
                let inner = self.ty()?;
                Ok(if self.variants > 0 { Type::LowCardinality(Box::new(inner)) } else { inner })
            }
            "Variant" => self.variant(),
            // The server casts no member of a variant, and this one would have to be cast.
            "SimpleAggregateFunction" if self.variants == 0 => {
                self.function()?;
                self.expect(',')?;
                self.ty()
            }
            "Array" => Ok(Type::Array(Box::new(self.ty()?))),
            "Map" => {
                let key = self.ty()?;
                self.expect(',')?;
                Ok(Type::Map(Box::new(key), Box::new(self.ty()?)))
            }
            "Tuple" => Ok(Type::Tuple(self.elements()?)),
            "Nested" => Ok(Type::Array(Box::new(Type::Tuple(self.elements()?)))),
            "FixedString" => self.number(1, FIXED_MAX).map(Type::FixedString),
            "DateTime64" => {
                let scale = self.number(0, 9)? as u32;
                let zone = if self.take(',') { Some(self.quoted('\'')?) } else { None };
                Ok(Type::DateTime64(scale, zone))
            }
            "Time64" => Ok(Type::Time64(self.number(0, 9)? as u32)),
            "Enum8" => self.names(1),
            "Enum16" => self.names(2),
            _ => self.decimal(name),
        }
    }

    fn decimal(&mut self, name: &str) -> Result<Type, Unsupported> {
        let precision = match name {
            "Decimal" => {
                let precision = self.number(1, 76)?;
                self.expect(',')?;
                precision
            }
            "Decimal32" => 9,
            "Decimal64" => 18,
            "Decimal128" => 38,
            "Decimal256" => 76,
            _ => return Err(UNKNOWN),
        };
        Ok(Type::Decimal { precision, scale: self.number(0, precision)? })
    }

    fn date_time(&mut self) -> Result<Type, Unsupported> {
        if !self.take('(') {
            return Ok(Type::DateTime(None));
        }
        let zone = self.quoted('\'')?;
        self.expect(')')?;
        Ok(Type::DateTime(Some(zone)))
    }

    /// The text of a type whose arguments concern the server only.
    fn whole(&mut self, start: &'a str) -> Result<String, Unsupported> {
        if self.take('(') {
            self.skip_to_close()?;
        }
        Ok(start[..start.len() - self.rest.len()].trim_end().to_owned())
    }

    fn variant(&mut self) -> Result<Type, Unsupported> {
        self.variants += 1;
        if self.variants > VARIANTS_MAX {
            return Err(UNKNOWN);
        }
        let mut members = vec![self.ty()?];
        while self.take(',') {
            members.push(self.ty()?);
        }
        self.variants -= 1;
        if members.len() > MEMBERS_MAX {
            Err(UNKNOWN)
        } else {
            Ok(Type::Variant(Variant { name: None, members }))
        }
    }

    fn skip_to_close(&mut self) -> Result<(), Unsupported> {
        let mut open = 1_usize;
        while open > 0 {
            match self.rest.chars().next().ok_or(UNKNOWN)? {
                quote @ ('\'' | '`') => {
                    self.quoted(quote)?;
                    continue;
                }
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
            let mut chars = self.rest.chars();
            chars.next();
            self.rest = chars.as_str();
        }
        Ok(())
    }

    fn function(&mut self) -> Result<(), Unsupported> {
        self.word()?;
        if self.take('(') { self.skip_to_close() } else { Ok(()) }
    }

    fn names(&mut self, width: usize) -> Result<Type, Unsupported> {
        let mut entries = Vec::new();
        loop {
            let name = self.quoted('\'')?;
            self.expect('=')?;
            let negative = self.take('-');
            let value = self.number(0, 32_768)? as i32;
            let value = i16::try_from(if negative { -value } else { value }).map_err(|_| UNKNOWN)?;
            if width == 1 && i8::try_from(value).is_err() {
                return Err(UNKNOWN);
            }
            entries.push((name, value));
            if !self.take(',') {
                return Ok(Type::Enum(Enum { width, entries }));
            }
        }
    }

    fn elements(&mut self) -> Result<Vec<Element>, Unsupported> {
        let mut elements = Vec::new();
        loop {
            let name = self.element_name()?;
            elements.push(Element { name, ty: self.ty()? });
            if !self.take(',') {
                return Ok(elements);
            }
        }
    }

    /// An element has a name if a word or a quoted identifier is followed by another word.
    fn element_name(&mut self) -> Result<Option<String>, Unsupported> {
        self.space();
        if self.rest.starts_with('`') {
            return self.quoted('`').map(Some);
        }
        let before = self.rest;
        let word = self.word()?;
        if self.rest.starts_with(' ') && self.rest.trim_start().starts_with(is_word) {
            return Ok(Some(word));
        }
        self.rest = before;
        Ok(None)
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, char: char) -> bool {
        self.space();
        let stripped = self.rest.strip_prefix(char);
        self.rest = stripped.unwrap_or(self.rest);
        stripped.is_some()
    }

    fn expect(&mut self, char: char) -> Result<(), Unsupported> {
        if self.take(char) { Ok(()) } else { Err(UNKNOWN) }
    }

    fn word(&mut self) -> Result<String, Unsupported> {
        self.space();
        let end = self.rest.find(|char| !is_word(char)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if word.is_empty() { Err(UNKNOWN) } else { Ok(word.to_owned()) }
    }

    fn number(&mut self, min: usize, max: usize) -> Result<usize, Unsupported> {
        let number = self.word()?.parse().map_err(|_| UNKNOWN)?;
        if (min..=max).contains(&number) { Ok(number) } else { Err(UNKNOWN) }
    }

    fn quoted(&mut self, quote: char) -> Result<String, Unsupported> {
        self.expect(quote)?;
        let mut text = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next().ok_or(UNKNOWN)? {
                // Written twice, a quote stands for itself.
                char if char == quote && chars.as_str().starts_with(quote) => text.extend(chars.next()),
                '\\' => text.push(unescaped(chars.next().ok_or(UNKNOWN)?)),
                char if char == quote => break,
                char => text.push(char),
            }
        }
        self.rest = chars.as_str();
        Ok(text)
    }
}

fn plain(name: &str) -> Option<Type> {
    Some(match name {
        "Int8" => Type::Int(1),
        "Int16" => Type::Int(2),
        "Int32" => Type::Int(4),
        "Int64" => Type::Int(8),
        "Int128" => Type::Int(16),
        "Int256" => Type::Int(32),
        "UInt8" => Type::UInt(1),
        "UInt16" => Type::UInt(2),
        "UInt32" => Type::UInt(4),
        "UInt64" => Type::UInt(8),
        "UInt128" => Type::UInt(16),
        "UInt256" => Type::UInt(32),
        "BFloat16" => Type::BFloat16,
        "Float32" => Type::Float32,
        "Float64" => Type::Float64,
        "Bool" => Type::Bool,
        "String" => Type::String,
        "Date" => Type::Date,
        "Date32" => Type::Date32,
        "Time" => Type::Time,
        "UUID" => Type::Uuid,
        "IPv4" => Type::Ipv4,
        "IPv6" => Type::Ipv6,
        _ => return None,
    })
}

fn geometry(name: &str) -> Option<Type> {
    let many = |name: &str| geometry(name).map(|inner| Type::Array(Box::new(inner)));
    Some(match name {
        "Point" => {
            let axis = || Element { name: None, ty: Type::Float64 };
            Type::Geo("Point", Box::new(Type::Tuple(vec![axis(), axis()])))
        }
        "Ring" => Type::Geo("Ring", Box::new(many("Point")?)),
        "LineString" => Type::Geo("LineString", Box::new(many("Point")?)),
        "MultiPoint" => Type::Geo("MultiPoint", Box::new(many("Point")?)),
        "MultiLineString" => Type::Geo("MultiLineString", Box::new(many("LineString")?)),
        "Polygon" => Type::Geo("Polygon", Box::new(many("Ring")?)),
        "MultiPolygon" => Type::Geo("MultiPolygon", Box::new(many("Polygon")?)),
        "Geometry" => {
            let members = GEOMETRY.iter().filter_map(|name| geometry(name)).collect();
            Type::Variant(Variant { name: Some("Geometry"), members })
        }
        _ => return None,
    })
}

/// What to do about a type that the sink knows and does not write.
fn advice(name: &str) -> Option<&'static str> {
    Some(match name {
        "AggregateFunction" => {
            "insert the plain values into another table and let a materialized view aggregate them, or use SimpleAggregateFunction"
        }
        "Object" => "use JSON, which has replaced it",
        "QBit" => "use Array(Float32), from which the server casts",
        "Nothing" => "no value has this type",
        interval if interval.starts_with("Interval") => {
            "keep the number in an Int64 column and make the interval in queries"
        }
        _ => return None,
    })
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

fn unescaped(char: char) -> char {
    match char {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        other => other,
    }
}

const UNKNOWN: Unsupported = Unsupported { advice: None };
/// The members of `Geometry` in the server's order.
const GEOMETRY: &[&str] = &["LineString", "MultiLineString", "MultiPolygon", "Point", "Polygon", "Ring"];
/// A value that belongs to a variant is read twice, and twice again in each variant around it.
const VARIANTS_MAX: usize = 4;
/// One byte says which member a value has, and 255 stands for NULL.
const MEMBERS_MAX: usize = 255;
/// Nesting beyond this is refused, so that a type cannot exhaust the stack of the functions that follow it.
const DEPTH_MAX: usize = 32;
/// The server's own limit for `FixedString`.
const FIXED_MAX: usize = 0x00FF_FFFF;
