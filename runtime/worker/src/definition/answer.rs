//! The JSON in which clients see declared settings and the outcome of a validation: Connect's shape, key by key.

use serde::ser::{SerializeStruct as _, Serializer};
use serde::{Deserialize, Serialize};

use super::framework;
use super::setting::{Definition, Type};
use super::validate::{Kind, Worker};
use super::value::{self, HIDDEN};

/// The outcome of a validation.
#[derive(Debug, Clone, Serialize)]
pub struct Validation {
    /// The connector's class as the config names it.
    pub name: String,
    pub error_count: usize,
    pub groups: Vec<String>,
    pub configs: Vec<Setting>,
    /// Keys that nobody declares, each with the nearest declared one: for the log, as Connect accepts them.
    #[serde(skip)]
    pub unknown: Vec<(String, Option<String>)>,
}

/// One setting and its value.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    pub definition: Definition,
    pub value: Value,
}

/// What a config gives a setting, with everything that is wrong about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    pub name: String,
    pub value: Option<String>,
    pub recommended_values: Vec<String>,
    pub errors: Vec<String>,
    pub visible: bool,
}

impl Validation {
    /// The refusal of a config with errors; `None` when it has none.
    pub fn refusal(&self) -> Option<String> {
        if self.error_count == 0 {
            return None;
        }
        let mut text = format!(
            "Connector configuration is invalid and contains the following {} error(s):",
            self.error_count
        );
        for error in self.configs.iter().flat_map(|setting| &setting.value.errors) {
            text.push('\n');
            text.push_str(error);
        }
        text.push_str("\nYou can also find the above list of errors at the endpoint ");
        text.push_str("`/connector-plugins/{connectorType}/config/validate`");
        Some(text)
    }
}

/// What `GET /connector-plugins/PLUGIN/config` lists: the plugin's own settings, then the framework's.
pub fn plugin_config(kind: Kind, version: &str, own: &[Definition]) -> Vec<Definition> {
    let mut all = own.to_vec();
    let mut framework = framework::settings(kind, version, &Worker::default());
    framework.retain(|setting| !own.iter().any(|o| o.name == setting.name));
    for setting in &mut framework {
        // Which converter a connector gets by default is the worker's affair, not the plugin's.
        if setting.name.contains(".converter") {
            setting.default = None;
        }
    }
    all.extend(framework);
    all
}

impl Serialize for Definition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Definition", 11)?;
        out.serialize_field("name", &self.name)?;
        out.serialize_field("type", &self.kind)?;
        out.serialize_field("required", &self.required)?;
        out.serialize_field("default_value", &self.default_shown())?;
        out.serialize_field("importance", &self.importance)?;
        out.serialize_field("documentation", &self.documentation)?;
        out.serialize_field("group", &self.group)?;
        out.serialize_field("order_in_group", &self.order_in_group)?;
        out.serialize_field("width", &self.width)?;
        out.serialize_field("display_name", &self.display_name)?;
        out.serialize_field("dependents", &self.dependents)?;
        out.end()
    }
}

impl Definition {
    /// The default as clients see it: a secret's is hidden, a number is written as its type is.
    fn default_shown(&self) -> Option<String> {
        let default = self.default.as_deref()?;
        if self.kind == Type::Password {
            return Some(HIDDEN.to_owned());
        }
        Some(value::parse(&self.name, self.kind, default).map_or_else(|_| default.to_owned(), |v| v.shown()))
    }
}
