//! One declared setting: its name, type, default, place in a form, and what its values have to keep.

use serde::{Deserialize, Serialize};

use super::validator::Validator;

/// The closed set of types that Connect's clients know; anything richer is a STRING or LIST with recommended values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Type {
    Boolean,
    Class,
    Double,
    Int,
    List,
    Long,
    Password,
    Short,
    #[default]
    String,
}

impl Type {
    /// The name in messages and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Class => "CLASS",
            Self::Double => "DOUBLE",
            Self::Int => "INT",
            Self::List => "LIST",
            Self::Long => "LONG",
            Self::Password => "PASSWORD",
            Self::Short => "SHORT",
            Self::String => "STRING",
        }
    }
}

/// How much a setting matters to somebody who fills in a form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Importance {
    High,
    #[default]
    Medium,
    Low,
}

/// How wide a form's field should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Width {
    #[default]
    None,
    Short,
    Medium,
    Long,
}

/// A setting as a plugin or the framework declares it.
#[derive(Debug, Clone)]
pub struct Definition {
    pub name: String,
    pub kind: Type,
    pub required: bool,
    pub default: Option<String>,
    pub importance: Importance,
    pub documentation: String,
    pub group: Option<String>,
    pub order_in_group: i32,
    pub width: Width,
    pub display_name: String,
    pub dependents: Vec<String>,
    /// Place in the list of declared settings.
    pub order: usize,
    pub validator: Option<Validator>,
    pub recommended: Vec<String>,
}

impl Definition {
    /// An optional setting without a default, outside of any group.
    pub fn new(name: impl Into<String>, kind: Type) -> Self {
        let name = name.into();
        Self {
            display_name: name.clone(),
            name,
            kind,
            required: false,
            default: None,
            importance: Importance::Medium,
            documentation: String::new(),
            group: None,
            order_in_group: -1,
            width: Width::None,
            dependents: Vec::new(),
            order: 0,
            validator: None,
            recommended: Vec::new(),
        }
    }

    /// The same setting as that of a part whose settings begin with `prefix`.
    #[must_use]
    pub fn prefixed(mut self, prefix: &str) -> Self {
        let longer = |name: &mut String| name.insert_str(0, prefix);
        longer(&mut self.name);
        self.dependents.iter_mut().for_each(longer);
        let place = prefix.trim_end_matches('.');
        self.group = Some(self.group.map_or_else(|| place.to_owned(), |group| format!("{place}: {group}")));
        self
    }

    pub(super) fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) fn default(mut self, default: impl Into<String>) -> Self {
        self.default = Some(default.into());
        self
    }

    pub(super) fn checked(mut self, validator: Validator) -> Self {
        self.validator = Some(validator);
        self
    }

    /// How much it matters, and what it does in one sentence.
    pub(super) fn about(mut self, importance: Importance, documentation: impl Into<String>) -> Self {
        self.importance = importance;
        self.documentation = documentation.into();
        self
    }

    pub(super) fn placed(mut self, group: &str, order: i32, width: Width) -> Self {
        self.group = Some(group.to_owned());
        self.order_in_group = order;
        self.width = width;
        self
    }

    pub(super) fn titled(mut self, display_name: impl Into<String>) -> Self {
        self.display_name = display_name.into();
        self
    }
}
