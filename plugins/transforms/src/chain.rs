//! The transforms of one connector in their order, each bound to its predicate.
use crate::catalog::{Side, find};
use crate::ops::Op;
use crate::predicate::Predicate;
use crate::record::{Given, Record};
use crate::settings::Settings;
use crate::{Class, Error, Result};

/// A configured transform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub alias: String,
    /// Java's name of the class, or a shorter one that [`find`] knows.
    pub class: String,
    /// Without their prefix.
    pub settings: Vec<(String, String)>,
    pub condition: Option<Condition>,
}

/// The predicate that a transform is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub alias: String,
    pub class: String,
    pub settings: Vec<(String, String)>,
    pub is_negated: bool,
}

/// What a chain reads and writes, whatever records come: the rest of a record can be left as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Touches {
    pub key: Touch,
    pub value: Touch,
    /// Whether it asks if the value is null, which need not take reading all of it.
    pub asks_for_tombstones: bool,
    pub headers: bool,
}

/// What a chain does to a key or value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Touch {
    pub reads: bool,
    pub writes: bool,
}

impl Touch {
    pub fn any(self) -> bool {
        self.reads || self.writes
    }
}

/// What becomes of a record.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// It goes on as this.
    Kept(&'a Record),
    Dropped,
}

/// A transform that could not take a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Java's name of the transform's class.
    pub class: &'static str,
    /// Begins with the transform's alias.
    pub reason: String,
}

/// Opened transforms, and the record that passes them.
#[derive(Debug)]
pub struct Chain {
    links: Vec<Link>,
    touches: Touches,
    record: Record,
}

#[derive(Debug)]
struct Link {
    alias: String,
    class: Class,
    op: Op,
    condition: Option<(Predicate, bool)>,
}

impl Chain {
    /// Opens every transform; an error names the setting that is wrong in full.
    pub fn open(steps: &[Step]) -> Result<Self> {
        let links: Vec<Link> = steps.iter().map(open).collect::<Result<_>>()?;
        let mut touches = Touches::default();
        for link in &links {
            touches.add(link);
        }
        Ok(Self { links, touches, record: Record::default() })
    }

    pub fn touches(&self) -> Touches {
        self.touches
    }

    /// Passes one record through. Of a part that the chain does not read only null or not null has to be right,
    /// and that only where it asks for tombstones.
    pub fn apply(&mut self, given: &Given<'_>) -> Result<Verdict<'_>, Failed> {
        let Self { links, touches, record } = self;
        record.begin(given);
        if touches.key.any() {
            record.key.load(&given.key);
        } else {
            record.key.forget();
        }
        if touches.value.any() {
            record.value.load(&given.value);
        } else if touches.asks_for_tombstones {
            record.value.load_presence(&given.value);
        } else {
            record.value.forget();
        }
        for link in links {
            let applied = link.apply(record, given);
            let failed = |error: Error| Failed {
                class: link.class.name,
                reason: format!("transforms.{}: {error}", link.alias),
            };
            if !applied.map_err(failed)? {
                return Ok(Verdict::Dropped);
            }
        }
        Ok(Verdict::Kept(record))
    }
}

impl Link {
    fn apply(&mut self, record: &mut Record, given: &Given<'_>) -> Result<bool> {
        if let Some((predicate, is_negated)) = &mut self.condition
            && predicate.holds(record, given)? == *is_negated
        {
            return Ok(true);
        }
        self.op.apply(record, given)
    }
}

impl Touches {
    fn add(&mut self, link: &Link) {
        let (reads, writes) = link.op.sides();
        self.key.reads |= reads == Some(Side::Key);
        self.value.reads |= reads == Some(Side::Value);
        self.key.writes |= writes == Some(Side::Key);
        self.value.writes |= writes == Some(Side::Value);
        self.headers |= link.op.touches_headers();
        match &link.condition {
            Some((Predicate::RecordIsTombstone, _)) => self.asks_for_tombstones = true,
            Some((Predicate::HasHeaderKey(_), _)) => self.headers = true,
            Some((Predicate::TopicNameMatches { .. }, _)) | None => {}
        }
    }
}

fn open(step: &Step) -> Result<Link> {
    let prefix = format!("transforms.{}", step.alias);
    let class = class(&prefix, &step.class)?;
    let settings = Settings::open(class, &step.settings).map_err(|error| within(&prefix, &error))?;
    let op = Op::open(class, &settings).map_err(|error| within(&prefix, &error))?;
    let condition = match &step.condition {
        None => None,
        Some(condition) => {
            let prefix = format!("predicates.{}", condition.alias);
            let class = self::class(&prefix, &condition.class)?;
            let settings =
                Settings::open(class, &condition.settings).map_err(|error| within(&prefix, &error))?;
            let predicate = Predicate::open(class, &settings).map_err(|error| within(&prefix, &error))?;
            Some((predicate, condition.is_negated))
        }
    };
    Ok(Link { alias: step.alias.clone(), class, op, condition })
}

fn class(prefix: &str, name: &str) -> Result<Class> {
    find(name).ok_or_else(|| Error::new(format!("{prefix}.type: this worker has no {name}")))
}

fn within(prefix: &str, error: &Error) -> Error {
    let text = error.to_string();
    // What a class says about a setting begins with the setting's name.
    let is_setting = text.split_once(": ").is_some_and(|(name, _)| !name.contains(' '));
    Error::new(if is_setting { format!("{prefix}.{text}") } else { format!("{prefix}: {text}") })
}
