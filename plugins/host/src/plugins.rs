//! The plugins of a worker: what was found, and which connector a `connector.class` means.
mod names;
mod version;

use crate::discovery::{Looked, look};
use crate::{Connector, ConnectorInfo, Discovery, Listed, Reason};
use std::path::Path;

/// Everything that was found when the worker started. Libraries stay loaded when this is dropped.
#[derive(Debug, Default)]
pub struct Plugins {
    listed: Vec<Listed>,
    connectors: Vec<Connector>,
}

impl Plugins {
    /// Looks through the folders. Whatever is wrong with a file or folder is listed, and does no harm.
    pub fn discover(discovery: &Discovery) -> Self {
        let mut plugins = Self::default();
        for looked in look(discovery) {
            plugins.add(looked);
        }
        plugins
    }

    /// Each file, in the order of the folders and of the names in them.
    pub fn listed(&self) -> &[Listed] {
        &self.listed
    }

    /// All that can be used, every version.
    pub fn connectors(&self) -> &[Connector] {
        &self.connectors
    }

    /// What `connector.class` means: a class, an alias, or either without package and the end `Connector`,
    /// `SourceConnector` or `SinkConnector`; the highest version. Nothing when short names fit several classes.
    pub fn find(&self, class: &str) -> Option<Connector> {
        let mut fitting = self.fitting(class);
        // Of equal versions, which `add` does not let in, the first would do.
        fitting.sort_by(|a, b| version::compare(b.version(), a.version()));
        fitting.first().map(|connector| (*connector).clone())
    }

    /// As [`Self::find`], but this version and no other.
    pub fn find_version(&self, class: &str, version: &str) -> Option<Connector> {
        self.fitting(class).into_iter().find(|connector| connector.version() == version).cloned()
    }

    /// The versions of the one class that is meant.
    fn fitting(&self, class: &str) -> Vec<&Connector> {
        for way in names::WAYS {
            let fits = |connector: &&Connector| {
                let own = std::iter::once(connector.class());
                way.fits(class, own.chain(connector.aliases().iter().map(String::as_str)))
            };
            let fitting: Vec<&Connector> = self.connectors.iter().filter(fits).collect();
            if let Some(first) = fitting.first() {
                let is_one_class = fitting.iter().all(|other| other.class() == first.class());
                return if is_one_class { fitting } else { Vec::new() };
            }
        }
        Vec::new()
    }

    fn add(&mut self, looked: Looked) {
        let Looked { path, mut warnings, loaded } = looked;
        let outcome = loaded.and_then(|connectors| self.take(connectors, &mut warnings));
        self.listed.push(Listed { path, outcome, warnings });
    }

    /// Takes the connectors that are new; a library of nothing but duplicates is of no use.
    fn take(
        &mut self,
        connectors: Vec<Connector>,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<ConnectorInfo>, Reason> {
        let (mut offered, mut duplicates) = (Vec::new(), Vec::new());
        for connector in connectors {
            if let Some(first) = self.twin(&connector) {
                duplicates.push(duplicate(&connector, first));
            } else {
                offered.push(connector.info());
                self.connectors.push(connector);
            }
        }
        if !offered.is_empty() {
            warnings.append(&mut duplicates);
            return Ok(offered);
        }
        Err(Reason::new(if duplicates.is_empty() {
            "it offers no connectors".to_owned()
        } else {
            duplicates.join("; ")
        }))
    }

    fn twin(&self, connector: &Connector) -> Option<&Path> {
        let is_twin =
            |other: &&Connector| other.class() == connector.class() && other.version() == connector.version();
        self.connectors.iter().find(is_twin).map(Connector::path)
    }
}

fn duplicate(connector: &Connector, first: &Path) -> String {
    let (class, version, first) = (connector.class(), connector.version(), first.display());
    format!("{class} {version} is a duplicate of the one in {first}, which is used")
}
