//! Transforms and predicates of a connector: the settings of each configured alias, checked by their declarations.

use ::transforms::{Class, Rule, Typed as RuleValue};

use super::Config;
use super::draft::{Draft, Given};
use super::rules::given;
use super::setting::{Definition, Importance, Type, Width};
use super::validate::Worker;
use super::value::{Typed, invalid, list, parse};
use super::version::{Range, mismatch};

/// Adds the settings of each alias of a transform or predicate.
pub fn add(draft: &mut Draft, worker: &Worker, config: &Config) {
    for family in [TRANSFORMS, PREDICATES] {
        let Some(Some(text)) = config.get(family.list_key) else { continue };
        for alias in list(text).iter().take(ALIASES_MAX) {
            family.add_alias(draft, worker, config, alias);
        }
    }
}

/// What `GET /connector-plugins/PLUGIN/config` lists for a transform or predicate; `None` if it is neither.
pub fn settings(class: &str) -> Option<Vec<Definition>> {
    let class = ::transforms::find(class)?;
    Some(::transforms::settings(class.kind).iter().map(|own| definition(own.name, own)).collect())
}

/// The aliases of transforms, or of predicates.
#[derive(Clone, Copy)]
struct Family {
    list_key: &'static str,
    group: &'static str,
    noun: &'static str,
    interface: &'static str,
    is_predicate: bool,
}

const TRANSFORMS: Family = Family {
    list_key: "transforms",
    group: "Transforms",
    noun: "transform",
    interface: "Transformation",
    is_predicate: false,
};
const PREDICATES: Family = Family {
    list_key: "predicates",
    group: "Predicates",
    noun: "predicate",
    interface: "Predicate",
    is_predicate: true,
};

impl Family {
    fn add_alias(self, draft: &mut Draft, worker: &Worker, config: &Config, alias: &str) {
        let prefix = format!("{}.{alias}", self.list_key);
        let type_key = format!("{prefix}.type");
        if draft.get(&type_key).is_some() {
            return;
        }
        let named = given(config, &type_key);
        let class =
            named.and_then(::transforms::find).filter(|class| class.is_predicate() == self.is_predicate);
        self.add_identity(draft, config, alias, class.map(|_| worker.version.as_str()));
        match (named, class) {
            (_, Some(class)) => {
                set_value(draft, &type_key, Some(class.name));
                if is_of_version(draft, worker, config, &prefix, class) {
                    self.add_own(draft, config, alias, class);
                }
            }
            (Some(name), None) => self.refuse(draft, &type_key, name),
            (None, None) => {}
        }
    }

    /// `type` and `plugin.version`.
    fn add_identity(self, draft: &mut Draft, config: &Config, alias: &str, version: Option<&str>) {
        let (group, noun) = (format!("{}: {alias}", self.group), self.noun);
        let mut class = Definition::new(format!("{}.{alias}.type", self.list_key), Type::Class)
            .required()
            .about(Importance::High, format!("Class of the {noun} {alias}."))
            .placed(&group, 0, Width::Long)
            .titled(format!("{} type for {alias}", self.interface));
        class.recommended = self.classes().map(|class| class.name.to_owned()).collect();
        let mut plugin_version =
            Definition::new(format!("{}.{alias}.plugin.version", self.list_key), Type::String)
                .about(Importance::High, format!("Version, or range of versions, of the {noun} {alias}."))
                .placed(&group, 1, Width::Long)
                .titled(format!("{} version for {alias}", self.interface));
        plugin_version.default = version.map(str::to_owned);
        plugin_version.recommended = plugin_version.default.clone().into_iter().collect();
        draft.add(class, config);
        draft.add(plugin_version, config);
    }

    fn classes(self) -> impl Iterator<Item = Class> {
        Class::transforms()
            .chain(Class::predicates())
            .filter(move |class| class.is_predicate() == self.is_predicate)
    }

    fn refuse(self, draft: &mut Draft, type_key: &str, name: &str) {
        let pair = ::transforms::similar(name);
        let (value, error) = if !pair.is_empty() && !self.is_predicate {
            let offered = pair.join(", ");
            (Some(name), format!("This class is abstract and cannot be created. Did you mean {offered}?"))
        } else if ::transforms::find(name).is_some() || crate::converter::Class::find(name).is_some() {
            (Some(name), format!("Class class {name} does not implement the {} interface", self.interface))
        } else {
            (None, invalid(type_key, name, &format!("Class {name} could not be found.")))
        };
        set_value(draft, type_key, value);
        draft.refuse(type_key, error);
    }

    /// What the class declares, and what every transform has, in the order in which Java sorts them.
    fn add_own(self, draft: &mut Draft, config: &Config, alias: &str, class: Class) {
        let mut own: Vec<(Definition, Rule)> = ::transforms::settings(class.kind)
            .iter()
            .map(|own| (definition(own.name, own), own.rule))
            .collect();
        if !self.is_predicate {
            refuse_lone_negation(draft, config, alias);
            own.extend(bindings().map(|binding| (binding, Rule::Any)));
        }
        own.sort_by_cached_key(|(setting, _)| place(setting));
        let group = format!("{}: {alias}", self.group);
        for (order, (mut setting, rule)) in own.into_iter().enumerate() {
            let short = std::mem::take(&mut setting.name);
            let full = format!("{}.{alias}.{short}", self.list_key);
            setting.name.clone_from(&full);
            setting.group = Some(group.clone());
            setting.order_in_group = order as i32 + 2;
            let error = broken(&setting, &short, rule, Given::of(config, &full));
            draft.add(setting, config);
            if let Some(error) = error {
                draft.refuse(&full, error);
            }
        }
    }
}

/// By what a transform is bound to a predicate.
fn bindings() -> impl Iterator<Item = Definition> {
    [
        Definition::new("predicate", Type::String)
            .about(Importance::Medium, "Alias of the predicate that decides which records are transformed."),
        Definition::new("negate", Type::Boolean).default("false").about(
            Importance::Medium,
            "Whether records are transformed that the predicate does not hold for.",
        ),
    ]
    .into_iter()
}

fn refuse_lone_negation(draft: &mut Draft, config: &Config, alias: &str) {
    let key = |name: &str| format!("transforms.{alias}.{name}");
    if config.contains_key(&key("negate")) && !config.contains_key(&key("predicate")) {
        let (negate, predicate) = (key("negate"), key("predicate"));
        let error = format!(
            "Config '{negate}' was provided but there is no config '{predicate}' defining a predicate to be negated."
        );
        draft.refuse(&key("type"), error);
    }
}

/// Settings that have to be given come first, then the important ones, then by name.
fn place(setting: &Definition) -> (bool, u8, String) {
    let importance = match setting.importance {
        Importance::High => 0,
        Importance::Medium => 1,
        Importance::Low => 2,
    };
    (!setting.required, importance, setting.name.clone())
}

/// What a rule says about a value; its message names the setting as the class knows it.
fn broken(setting: &Definition, short: &str, rule: Rule, given: Given<'_>) -> Option<String> {
    let text = match given {
        Given::Text(text) => Some(text),
        Given::Nothing => setting.default.as_deref(),
        Given::Null => return Some("Null value can not be supplied as the configuration value.".to_owned()),
    };
    let typed = text.and_then(|text| parse(short, setting.kind, text).ok());
    let value = match &typed {
        None => RuleValue::Null,
        Some(Typed::List(items)) => RuleValue::List(items),
        Some(Typed::Text(text)) => RuleValue::Text(text),
        Some(_) => return None,
    };
    rule.check(short, value).err()
}

fn definition(name: &str, own: &::transforms::Setting) -> Definition {
    let mut definition =
        Definition::new(name, of_type(own.kind)).about(of_importance(own.importance), own.documentation);
    definition.required = own.required;
    definition.default = own.default.map(str::to_owned);
    definition
}

fn of_type(kind: penstock_sdk::Type) -> Type {
    match kind {
        penstock_sdk::Type::Boolean => Type::Boolean,
        penstock_sdk::Type::Class => Type::Class,
        penstock_sdk::Type::Double => Type::Double,
        penstock_sdk::Type::Int => Type::Int,
        penstock_sdk::Type::List => Type::List,
        penstock_sdk::Type::Long => Type::Long,
        penstock_sdk::Type::Password => Type::Password,
        penstock_sdk::Type::Short => Type::Short,
        penstock_sdk::Type::String => Type::String,
    }
}

fn of_importance(importance: penstock_sdk::Importance) -> Importance {
    match importance {
        penstock_sdk::Importance::High => Importance::High,
        penstock_sdk::Importance::Medium => Importance::Medium,
        penstock_sdk::Importance::Low => Importance::Low,
    }
}

/// Whether the class is of a version that the config asks for; what it declares is not known otherwise.
fn is_of_version(draft: &mut Draft, worker: &Worker, config: &Config, prefix: &str, class: Class) -> bool {
    let (type_key, version_key) = (format!("{prefix}.type"), format!("{prefix}.plugin.version"));
    let Some(wanted) = given(config, &version_key) else { return true };
    match Range::parse(wanted) {
        Ok(range) if range.contains(&worker.version) => return true,
        Ok(range) => {
            let error = mismatch(class.name, &range, &worker.version);
            draft.refuse(&type_key, error.clone());
            draft.refuse(&version_key, error);
        }
        Err(error) => draft.refuse(&version_key, error),
    }
    false
}

fn set_value(draft: &mut Draft, key: &str, value: Option<&str>) {
    if let Some(setting) = draft.get(key) {
        setting.value.value = value.map(str::to_owned);
    }
}

/// A list of aliases comes from outside; an answer has to stay readable.
const ALIASES_MAX: usize = 100;
