//! Follows a schema through a value, within a bound of steps and of depth.

use super::Node;
use super::keyword::{Keyword, Properties, canonical, is_multiple};
use super::pattern::Pattern;
use serde_json::{Map, Value};
use std::collections::HashSet;

pub struct Checking<'v> {
    nodes: &'v [Node],
    /// How many schemas may yet be held against values: choices in choices would be tried without end.
    steps: usize,
    depth: usize,
}

/// Why a check ended early.
pub enum Stop {
    Unfit(Box<Unfit>),
    GaveUp(String),
}

/// Which keyword of which schema a value does not keep.
#[derive(Default)]
pub struct Unfit {
    pub node: usize,
    pub keyword: usize,
    /// What is missing or too much.
    pub detail: String,
    /// Innermost first.
    pub path: Vec<String>,
}

type Checked = Result<(), Stop>;

impl<'v> Checking<'v> {
    pub fn new(nodes: &'v [Node], size: usize) -> Self {
        Self { nodes, steps: STEPS_MAX.saturating_add(size.saturating_mul(STEPS_OF_BYTE)), depth: DEPTH_MAX }
    }

    pub fn node(&mut self, place: usize, value: &Value) -> Checked {
        let nodes = self.nodes;
        let Some(node) = nodes.get(place) else { return Ok(()) };
        self.depth = self.depth.checked_sub(1).ok_or_else(|| {
            Stop::GaveUp(format!("the value and its schema nest deeper than {DEPTH_MAX} together"))
        })?;
        self.spend(1 + node.keywords.len())?;
        for (at, keyword) in node.keywords.iter().enumerate() {
            self.keyword(keyword, value).map_err(|stop| match stop {
                // Said by the keyword itself, not by a schema in it.
                Stop::Unfit(unfit) if unfit.node == HERE => {
                    Stop::Unfit(Box::new(Unfit { node: place, keyword: at, ..*unfit }))
                }
                stop => stop,
            })?;
        }
        self.depth += 1;
        Ok(())
    }

    /// Whether a schema takes a value.
    fn fits(&mut self, place: usize, value: &Value) -> Result<bool, Stop> {
        let depth = self.depth;
        match self.node(place, value) {
            Ok(()) => Ok(true),
            Err(Stop::Unfit(_)) => {
                self.depth = depth;
                Ok(false)
            }
            Err(stop) => Err(stop),
        }
    }

    fn keyword(&mut self, keyword: &Keyword, value: &Value) -> Checked {
        match (keyword, value) {
            (Keyword::Nothing, _) => unfit(""),
            (Keyword::Type(types), value) => kept(types.iter().any(|of| of.has(value))),
            (Keyword::Values(values, _), value) => {
                let mut text = String::new();
                canonical(value, &mut text);
                self.spend(text.len() / BYTES_OF_STEP)?;
                kept(values.contains(&text))
            }
            (Keyword::All(places), value) => places.iter().try_for_each(|place| self.node(*place, value)),
            (Keyword::Any(_) | Keyword::One(_) | Keyword::Not(_) | Keyword::If { .. }, value) => {
                self.choice(keyword, value)
            }
            (Keyword::Bound(bound), Value::Number(number)) => kept(bound.keeps(number)),
            (Keyword::MultipleOf(of), Value::Number(number)) => kept(is_multiple(number, of)),
            (Keyword::Length(limit), Value::String(text)) => kept(limit.keeps(text.chars().count())),
            (Keyword::Pattern(pattern), Value::String(text)) => {
                let matches = self.matches(pattern, text)?;
                kept(matches)
            }
            (Keyword::Format(_, keeps), Value::String(text)) => {
                self.spend(text.len() / BYTES_OF_STEP)?;
                kept(keeps(text))
            }
            (keyword, Value::Array(items)) => self.array(keyword, items),
            (keyword, Value::Object(properties)) => self.object(keyword, properties, value),
            _ => Ok(()),
        }
    }

    fn choice(&mut self, keyword: &Keyword, value: &Value) -> Checked {
        match keyword {
            Keyword::Any(places) => {
                for place in places {
                    if self.fits(*place, value)? {
                        return Ok(());
                    }
                }
                unfit("")
            }
            Keyword::One(places) => {
                let mut count = 0;
                for place in places {
                    count += usize::from(self.fits(*place, value)?);
                }
                if count == 1 { Ok(()) } else { unfit(&count.to_string()) }
            }
            Keyword::Not(place) => {
                let fits = self.fits(*place, value)?;
                kept(!fits)
            }
            Keyword::If { condition, then, otherwise } => {
                let branch = if self.fits(*condition, value)? { then } else { otherwise };
                branch.map_or(Ok(()), |place| self.node(place, value))
            }
            _ => Ok(()),
        }
    }

    fn array(&mut self, keyword: &Keyword, items: &[Value]) -> Checked {
        match keyword {
            Keyword::ItemCount(limit) => kept(limit.keeps(items.len())),
            Keyword::Items { first, others } => {
                for (at, item) in items.iter().enumerate() {
                    let Some(place) = first.get(at).copied().or(*others) else { break };
                    self.inner(place, item, || at.to_string())?;
                }
                Ok(())
            }
            Keyword::Contains { item, least, most } => {
                let mut count = 0;
                for value in items {
                    count += u64::from(self.fits(*item, value)?);
                }
                kept((*least..=*most).contains(&count))
            }
            Keyword::Unique => {
                let mut known = HashSet::with_capacity(items.len());
                for item in items {
                    let mut text = String::new();
                    canonical(item, &mut text);
                    self.spend(1 + text.len() / BYTES_OF_STEP)?;
                    if !known.insert(text) {
                        return unfit("");
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn object(&mut self, keyword: &Keyword, properties: &Map<String, Value>, whole: &Value) -> Checked {
        let lacks = |names: &[String]| names.iter().find(|name| !properties.contains_key(*name)).cloned();
        match keyword {
            Keyword::PropertyCount(limit) => kept(limit.keeps(properties.len())),
            Keyword::Required(names) => lacks(names).map_or(Ok(()), |name| unfit(&name)),
            Keyword::Needs(needs) => {
                let needed = needs.iter().filter(|(name, _)| properties.contains_key(name));
                needed
                    .map(|(_, names)| lacks(names))
                    .find_map(|name| name)
                    .map_or(Ok(()), |name| unfit(&name))
            }
            Keyword::Brings(brought) => {
                let mut brought = brought.iter().filter(|(name, _)| properties.contains_key(name));
                brought.try_for_each(|(_, place)| self.node(*place, whole))
            }
            Keyword::Names(place) => {
                for name in properties.keys() {
                    if !self.fits(*place, &Value::String(name.clone()))? {
                        return unfit(name);
                    }
                }
                Ok(())
            }
            Keyword::Properties(of) => {
                properties.iter().try_for_each(|(name, value)| self.property(of, name, value))
            }
            _ => Ok(()),
        }
    }

    fn property(&mut self, of: &Properties, name: &str, value: &Value) -> Checked {
        let named = of.named.get(name).copied();
        let mut is_known = named.is_some();
        if let Some(place) = named {
            self.inner(place, value, || name.to_owned())?;
        }
        for (pattern, place) in &of.patterns {
            if self.matches(pattern, name)? {
                is_known = true;
                self.inner(*place, value, || name.to_owned())?;
            }
        }
        let Some(place) = of.others.filter(|_| !is_known) else { return Ok(()) };
        let is_closed =
            self.nodes.get(place).is_some_and(|node| matches!(node.keywords[..], [Keyword::Nothing]));
        if is_closed { unfit(name) } else { self.inner(place, value, || name.to_owned()) }
    }

    /// A part of the value, whose name an error's path gets.
    fn inner(&mut self, place: usize, value: &Value, name: impl FnOnce() -> String) -> Checked {
        self.node(place, value).map_err(|mut stop| {
            if let Stop::Unfit(unfit) = &mut stop {
                unfit.path.push(name());
            }
            stop
        })
    }

    fn matches(&mut self, pattern: &Pattern, text: &str) -> Result<bool, Stop> {
        self.spend(1 + text.len() / BYTES_OF_STEP)?;
        if let Some(matches) = pattern.matches(text) {
            return Ok(matches);
        }
        Err(Stop::GaveUp(format!("the pattern {} takes too long", super::short(pattern.text()))))
    }

    fn spend(&mut self, steps: usize) -> Checked {
        let left = self.steps.checked_sub(steps);
        self.steps = left.ok_or_else(|| {
            Stop::GaveUp("its schema has too many choices in choices to be followed to the end".to_owned())
        })?;
        Ok(())
    }
}

fn kept(is_kept: bool) -> Checked {
    if is_kept { Ok(()) } else { unfit("") }
}

fn unfit(detail: &str) -> Checked {
    Err(Stop::Unfit(Box::new(Unfit { node: HERE, detail: detail.to_owned(), ..Unfit::default() })))
}

/// The node that has the keyword.
const HERE: usize = usize::MAX;
/// A tenth of a second; longer records may take longer.
const STEPS_MAX: usize = 1_000_000;
const STEPS_OF_BYTE: usize = 64;
/// What is read of a text in the time that a step takes.
const BYTES_OF_STEP: usize = 16;
/// Schemas in schemas, each with a frame on the stack.
const DEPTH_MAX: usize = 600;
