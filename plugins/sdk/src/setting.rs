//! Declares a setting once; validation, REST answers, forms and documentation are made from it.
use crate::{Config, Error, Result, json};
use std::fmt::Write;

/// Connect's types of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Boolean,
    Class,
    Double,
    Int,
    List,
    Long,
    Password,
    Short,
    String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Importance {
    High,
    Medium,
    Low,
}

/// How wide a form shows the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    None,
    Short,
    Medium,
    Long,
}

/// A rule beyond the type.
#[derive(Debug, Clone, PartialEq)]
pub enum Validator {
    /// A number within bounds, both included.
    Range { min: Option<i64>, max: Option<i64> },
    /// One of these words.
    OneOf(Vec<String>),
    /// Not the empty text.
    NonEmpty,
}

/// One setting, built step by step: `Setting::int("rate").default("10").doc("records per second")`.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    pub(crate) name: String,
    pub(crate) kind: Type,
    pub(crate) default: Option<String>,
    pub(crate) required: bool,
    pub(crate) validator: Option<Validator>,
    importance: Importance,
    documentation: String,
    group: Option<String>,
    display_name: Option<String>,
    width: Width,
    dependents: Vec<String>,
    recommended: Vec<String>,
}

impl Setting {
    pub fn new(name: impl Into<String>, kind: Type) -> Self {
        Self {
            name: name.into(),
            kind,
            default: None,
            required: false,
            validator: None,
            importance: Importance::Medium,
            documentation: String::new(),
            group: None,
            display_name: None,
            width: Width::None,
            dependents: Vec::new(),
            recommended: Vec::new(),
        }
    }

    pub fn string(name: impl Into<String>) -> Self {
        Self::new(name, Type::String)
    }

    pub fn int(name: impl Into<String>) -> Self {
        Self::new(name, Type::Int)
    }

    pub fn long(name: impl Into<String>) -> Self {
        Self::new(name, Type::Long)
    }

    pub fn boolean(name: impl Into<String>) -> Self {
        Self::new(name, Type::Boolean)
    }

    pub fn list(name: impl Into<String>) -> Self {
        Self::new(name, Type::List)
    }

    /// A secret: never shown in a log, an error or an answer of the worker.
    pub fn password(name: impl Into<String>) -> Self {
        Self::new(name, Type::Password)
    }

    /// Without a value the connector is refused. Importance becomes high.
    #[must_use]
    pub fn required(mut self) -> Self {
        (self.required, self.importance) = (true, Importance::High);
        self
    }

    #[must_use]
    pub fn default(mut self, value: impl Into<String>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Bounds of a number, both included.
    #[must_use]
    pub fn range(mut self, min: impl Into<Option<i64>>, max: impl Into<Option<i64>>) -> Self {
        self.validator = Some(Validator::Range { min: min.into(), max: max.into() });
        self
    }

    #[must_use]
    pub fn one_of(mut self, words: &[&str]) -> Self {
        self.recommended = words.iter().map(ToString::to_string).collect();
        self.validator = Some(Validator::OneOf(self.recommended.clone()));
        self
    }

    #[must_use]
    pub fn non_empty(mut self) -> Self {
        self.validator = Some(Validator::NonEmpty);
        self
    }

    /// One sentence of effect, then when to change it. Plain text.
    #[must_use]
    pub fn doc(mut self, text: impl Into<String>) -> Self {
        self.documentation = text.into();
        self
    }

    #[must_use]
    pub fn importance(mut self, importance: Importance) -> Self {
        self.importance = importance;
        self
    }

    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Settings in groups, which follow each other as a form shows them. A name may come again.
    ///
    /// ```
    /// use penstock_sdk::{About, Setting};
    ///
    /// let target = vec![Setting::string("url").required().doc("Where records go.")];
    /// let batches = vec![Setting::int("rows.max").default("1000").doc("Records of a request.")];
    /// let settings = Setting::grouped([("Target", target), ("Batches", batches)]);
    /// let about = About::new("MySink", "Writes somewhere.").settings(settings);
    /// # let _ = about;
    /// ```
    #[must_use]
    pub fn grouped<const N: usize>(groups: [(&str, Vec<Self>); N]) -> Vec<Self> {
        let of = |(name, settings): (&str, Vec<Self>)| {
            settings.into_iter().map(|setting| setting.group(name)).collect::<Vec<_>>()
        };
        groups.into_iter().flat_map(of).collect()
    }

    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    #[must_use]
    pub fn width(mut self, width: Width) -> Self {
        self.width = width;
        self
    }

    /// Settings whose meaning depends on this one.
    #[must_use]
    pub fn dependents(mut self, names: &[&str]) -> Self {
        self.dependents = names.iter().map(ToString::to_string).collect();
        self
    }

    /// Values that a form offers.
    #[must_use]
    pub fn recommended(mut self, values: &[&str]) -> Self {
        self.recommended = values.iter().map(ToString::to_string).collect();
        self
    }

    fn write_json(&self, order: usize, out: &mut String) {
        out.push('{');
        json::member(out, "name", &self.name);
        json::member(out, "type", upper(&format!("{:?}", self.kind)));
        let _ = write!(out, ",\"required\":{},\"order\":{order}", self.required);
        json::optional(out, "default", self.default.as_deref());
        json::member(out, "importance", upper(&format!("{:?}", self.importance)));
        json::member(out, "documentation", &self.documentation);
        json::optional(out, "group", self.group.as_deref());
        json::member(out, "width", upper(&format!("{:?}", self.width)));
        json::member(out, "display_name", self.display_name.as_deref().unwrap_or(&self.name));
        json::list(out, "dependents", &self.dependents);
        json::list(out, "recommended", &self.recommended);
        out.push_str(",\"validator\":");
        self.write_validator(out);
        out.push('}');
    }

    fn write_validator(&self, out: &mut String) {
        let number = |bound: &Option<i64>| bound.map_or("null".into(), |value| value.to_string());
        match &self.validator {
            None => out.push_str("null"),
            Some(Validator::NonEmpty) => out.push_str("{\"kind\":\"non_empty\"}"),
            Some(Validator::Range { min, max }) => {
                let _ = write!(out, "{{\"kind\":\"range\",\"min\":{},\"max\":{}}}", number(min), number(max));
            }
            Some(Validator::OneOf(words)) => {
                out.push_str("{\"kind\":\"one_of\",\"case_sensitive\":false");
                json::list(out, "values", words);
                out.push('}');
            }
        }
    }
}

fn upper(text: &str) -> String {
    text.to_ascii_uppercase()
}

/// The declaration as it crosses the boundary.
pub(crate) fn to_json(settings: &[Setting]) -> String {
    let mut out = String::from("[");
    for (order, setting) in settings.iter().enumerate() {
        if order > 0 {
            out.push(',');
        }
        setting.write_json(order + 1, &mut out);
    }
    out.push(']');
    out
}

impl Setting {
    /// The value against type and rule; absent values pass.
    pub(crate) fn check(&self, config: &Config) -> Result<()> {
        match self.kind {
            Type::Boolean => config.flag(&self.name, false).map(drop),
            Type::Short => config.parsed::<i16>(&self.name).map(drop),
            Type::Int => config.parsed::<i32>(&self.name).map(drop),
            Type::Long => config.parsed::<i64>(&self.name).map(drop),
            Type::Double => config.parsed::<f64>(&self.name).map(drop),
            Type::Class | Type::List | Type::Password | Type::String => Ok(()),
        }?;
        match &self.validator {
            Some(Validator::Range { min, max }) => self.check_range(config, *min, *max),
            Some(Validator::OneOf(words)) => match config.get(&self.name) {
                Some(value) if !words.iter().any(|word| word.eq_ignore_ascii_case(value.trim())) => {
                    let words = words.join(", ");
                    Err(Error::config(format!("{}: expected one of {words}, got {value:?}", self.name)))
                }
                _ => Ok(()),
            },
            Some(Validator::NonEmpty) if config.get(&self.name).is_some_and(str::is_empty) => {
                Err(Error::config(format!("{}: expected a value, got an empty one", self.name)))
            }
            Some(Validator::NonEmpty) | None => Ok(()),
        }
    }

    fn check_range(&self, config: &Config, min: Option<i64>, max: Option<i64>) -> Result<()> {
        let Some(value) = config.parsed::<f64>(&self.name)? else { return Ok(()) };
        let is_inside =
            min.is_none_or(|min| value >= min as f64) && max.is_none_or(|max| value <= max as f64);
        if is_inside {
            return Ok(());
        }
        let bound = |bound: Option<i64>| bound.map_or(String::new(), |bound| bound.to_string());
        Err(Error::config(format!("{}: expected {}..={}, got {value}", self.name, bound(min), bound(max))))
    }
}
