//! The three classes of providers, under Java's names: what each is configured with and where it looks.
use super::Wrong;
use super::allowed::Allowed;
use super::properties;
use crate::definition::full_match;
use crate::settings::Provider;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// Where a provider's values are.
#[derive(Debug, Clone)]
pub enum Source {
    /// `${alias:/path/of.properties:key}`.
    File(Allowed),
    /// `${alias:/path/of/folder:name-of-file}`.
    Directory(Allowed),
    /// `${alias:NAME}`, out of those that may be known.
    Environment(Variables),
}

/// Variables with their values, which nobody prints.
#[derive(Clone)]
pub struct Variables(BTreeMap<String, OsString>);

impl std::fmt::Debug for Variables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Source {
    pub fn open(
        alias: &str,
        provider: &Provider,
        environment: &[(OsString, OsString)],
    ) -> Result<Self, Wrong> {
        let wrong = |setting: &str, expected: String| Wrong {
            key: format!("config.providers.{alias}.{setting}"),
            expected,
        };
        let param = |name: &str| provider.params.get(name).map_or("", str::trim);
        let allowed = || {
            Allowed::parse(param("allowed.paths")).map_err(|expected| wrong("param.allowed.paths", expected))
        };
        match kind(&provider.class) {
            Some(Kind::File) => Ok(Self::File(allowed()?)),
            Some(Kind::Directory) => Ok(Self::Directory(allowed()?)),
            Some(Kind::Environment) => variables(param("allowlist.pattern"), environment)
                .map(Self::Environment)
                .map_err(|expected| wrong("param.allowlist.pattern", expected)),
            None => {
                let known = "one of FileConfigProvider, DirectoryConfigProvider, EnvVarConfigProvider";
                Err(wrong("class", known.to_owned()))
            }
        }
    }

    /// Everything under a path, for providers whose paths have keys; `wanted` is all that is asked of it.
    pub fn read(&self, path: &str, wanted: &str) -> Result<BTreeMap<String, String>, String> {
        match self {
            Self::File(_) | Self::Directory(_) if path.is_empty() => Err("the path is missing".to_owned()),
            Self::File(allowed) => {
                let text = allowed.read(Path::new(path))?;
                properties::parse(&text).map(|pairs| pairs.into_iter().collect())
            }
            Self::Directory(allowed) => one_file(allowed, path, wanted),
            Self::Environment(_) if !path.is_empty() => Err("variables have no path".to_owned()),
            Self::Environment(variables) => variables.find(wanted),
        }
    }

    /// Whether one read answers for all keys of the path.
    pub fn reads_all(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

fn one_file(allowed: &Allowed, path: &str, name: &str) -> Result<BTreeMap<String, String>, String> {
    // The key is one file of the folder, never a way out of it.
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err("the key is not the name of a file".to_owned());
    }
    let text = allowed.read(&Path::new(path).join(name))?;
    Ok([(name.to_owned(), text)].into())
}

impl Variables {
    fn find(&self, name: &str) -> Result<BTreeMap<String, String>, String> {
        let value = self.0.get(name).ok_or("not set, or kept out by allowlist.pattern")?;
        let value = value.to_str().ok_or("the variable is not UTF-8 text")?;
        Ok([(name.to_owned(), value.to_owned())].into())
    }
}

fn variables(pattern: &str, environment: &[(OsString, OsString)]) -> Result<Variables, String> {
    if pattern.is_empty() {
        return Err("a pattern of the names that connectors may see, such as CONNECTOR_.*".to_owned());
    }
    let regex = full_match(pattern).map_err(|_| "a regular expression for whole names".to_owned())?;
    let allowed = environment.iter().filter_map(|(name, value)| {
        let name = name.to_str().filter(|name| regex.is_match(name))?;
        Some((name.to_owned(), value.clone()))
    });
    Ok(Variables(allowed.collect()))
}

enum Kind {
    File,
    Directory,
    Environment,
}

/// Java's class, its name without the package, or without the suffix too.
fn kind(class: &str) -> Option<Kind> {
    let simple = class.strip_prefix("org.apache.kafka.common.config.provider.").unwrap_or(class);
    match simple.strip_suffix("ConfigProvider").unwrap_or(simple) {
        "File" => Some(Kind::File),
        "Directory" => Some(Kind::Directory),
        "EnvVar" => Some(Kind::Environment),
        _ => None,
    }
}
