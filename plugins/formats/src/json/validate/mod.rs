//! Whether a value keeps all that its schema says: lengths, patterns and bounds, which the mapping does not look at.

mod check;
mod compile;
mod format;
mod keyword;
mod pattern;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use super::documents::Documents;
use crate::registry::Reference;
use crate::{Error, Result};
use check::{Checking, Stop};
use keyword::Keyword;
use serde_json::Value;

/// Checks the values of one schema. Nothing is fetched: whatever the schema refers to comes with it.
#[derive(Debug)]
pub struct Validator {
    /// Schemas may refer to themselves, so they lie side by side.
    nodes: Vec<Node>,
    root: usize,
}

#[derive(Debug, Default)]
struct Node {
    /// Where it stands, as a JSON pointer.
    pointer: String,
    keywords: Vec<Keyword>,
}

impl Validator {
    pub fn new(text: &str, references: &[Reference]) -> Result<Self> {
        compile::compile(&Documents::parse(text, references)?)
    }

    /// An error says where in the value what was expected; never what is there.
    pub fn check(&self, bytes: &[u8]) -> Result<()> {
        // The parser's own limit of 128 levels bounds what follows.
        let value: Value =
            serde_json::from_slice(bytes).map_err(|error| Error::record(format!("json: {error}")))?;
        let mut checking = Checking::new(&self.nodes, bytes.len());
        let Err(stop) = checking.node(self.root, &value) else { return Ok(()) };
        Err(Error::record(match stop {
            Stop::Unfit(unfit) => {
                let place = unfit.path.iter().rev().fold(String::new(), |path, part| path + "/" + part);
                let node = self.nodes.get(unfit.node);
                let keyword = node.and_then(|node| node.keywords.get(unfit.keyword));
                let expected = keyword.map(|keyword| keyword.expected(&unfit.detail)).unwrap_or_default();
                let place = if place.is_empty() { "the value" } else { short(&place) };
                let pointer = node.map_or("", |node| short(&node.pointer));
                format!("json: {place}: expected {expected}, by json.fail.invalid.schema and #{pointer}")
            }
            Stop::GaveUp(why) => format!("json: json.fail.invalid.schema: {why}"),
        }))
    }
}

/// Schemas may list thousands of values, or have patterns without end.
fn short(text: &str) -> &str {
    text.char_indices().nth(TEXT_MAX).map_or(text, |(end, _)| &text[..end])
}

/// Of what a message shows, in characters.
const TEXT_MAX: usize = 200;
