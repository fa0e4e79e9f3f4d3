//! Parses the type names of `system.columns`.
use super::{Element, Enum, Type};

/// The sink cannot write a column of this type.
#[derive(Debug, PartialEq)]
pub struct Unsupported;

/// Parses the text of a type; what it does not know makes the whole column unsupported.
pub fn parse(text: &str) -> Result<Type, Unsupported> {
    let mut parser = Parser { rest: text, depth: 0 };
    let ty = parser.ty()?;
    parser.space();
    if parser.rest.is_empty() { Ok(ty) } else { Err(Unsupported) }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn ty(&mut self) -> Result<Type, Unsupported> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Unsupported);
        }
        let name = self.word()?;
        let ty = match plain(&name) {
            Some(ty) => ty,
            None => self.with_arguments(&name)?,
        };
        self.depth -= 1;
        Ok(ty)
    }

    fn with_arguments(&mut self, name: &str) -> Result<Type, Unsupported> {
        match name {
            "DateTime" => self.date_time(),
            "JSON" => self.json(),
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
            "LowCardinality" => self.ty(),
            "SimpleAggregateFunction" => {
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
            _ => return Err(Unsupported),
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

    /// The arguments of a JSON type concern the server only, which parses the text that it is sent.
    fn json(&mut self) -> Result<Type, Unsupported> {
        if self.take('(') {
            self.skip_to_close()?;
        }
        Ok(Type::Json)
    }

    fn skip_to_close(&mut self) -> Result<(), Unsupported> {
        let mut open = 1_usize;
        while open > 0 {
            match self.rest.chars().next().ok_or(Unsupported)? {
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
            let value = i16::try_from(if negative { -value } else { value }).map_err(|_| Unsupported)?;
            if width == 1 && i8::try_from(value).is_err() {
                return Err(Unsupported);
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
        if self.take(char) { Ok(()) } else { Err(Unsupported) }
    }

    fn word(&mut self) -> Result<String, Unsupported> {
        self.space();
        let end = self.rest.find(|char| !is_word(char)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if word.is_empty() { Err(Unsupported) } else { Ok(word.to_owned()) }
    }

    fn number(&mut self, min: usize, max: usize) -> Result<usize, Unsupported> {
        let number = self.word()?.parse().map_err(|_| Unsupported)?;
        if (min..=max).contains(&number) { Ok(number) } else { Err(Unsupported) }
    }

    fn quoted(&mut self, quote: char) -> Result<String, Unsupported> {
        self.expect(quote)?;
        let mut text = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next().ok_or(Unsupported)? {
                // Written twice, a quote stands for itself.
                char if char == quote && chars.as_str().starts_with(quote) => text.extend(chars.next()),
                '\\' => text.push(unescaped(chars.next().ok_or(Unsupported)?)),
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
        "Float32" => Type::Float32,
        "Float64" => Type::Float64,
        "Bool" => Type::Bool,
        "String" => Type::String,
        "Date" => Type::Date,
        "Date32" => Type::Date32,
        "UUID" => Type::Uuid,
        "IPv4" => Type::Ipv4,
        "IPv6" => Type::Ipv6,
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

/// Nesting beyond this is refused, so that a type cannot exhaust the stack of the functions that follow it.
const DEPTH_MAX: usize = 32;
/// The server's own limit for `FixedString`.
const FIXED_MAX: usize = 0x00FF_FFFF;
