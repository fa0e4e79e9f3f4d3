//! Who the worker is at AWS, looked up in the order of AWS's own clients.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use super::{profile, remote};
use crate::oauth::source::Failure;

/// Signs requests. The secret parts are never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Keys {
    pub id: String,
    pub secret: String,
    pub session: Option<String>,
}

/// Keys, and when they end.
pub(super) type Found = (Keys, Option<SystemTime>);

/// What a process knows of where it runs: its variables.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Surroundings(BTreeMap<String, String>);

impl Surroundings {
    pub(crate) fn of_process() -> Self {
        let named = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            (name.starts_with("AWS_") || name == "HOME").then_some((name, value))
        };
        Self(std::env::vars_os().filter_map(named).collect())
    }

    #[cfg(test)]
    pub(crate) fn of(vars: BTreeMap<String, String>) -> Self {
        Self(vars)
    }

    /// A variable that is empty counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn region(&self) -> Option<&str> {
        self.get("AWS_REGION").or_else(|| self.get("AWS_DEFAULT_REGION"))
    }
}

/// A role that the worker takes on before it signs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Role {
    pub arn: String,
    pub session: String,
    pub external_id: Option<String>,
    /// Where the role is asked for.
    pub region: String,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(super) surroundings: Surroundings,
    /// Only this profile, instead of the whole chain.
    pub(crate) profile: Option<String>,
    pub(crate) role: Option<Role>,
}

impl Chain {
    pub(crate) fn new(surroundings: Surroundings) -> Self {
        Self { surroundings, profile: None, role: None }
    }

    pub(super) fn fetch(&self, now: SystemTime) -> Result<Found, Failure> {
        let own = self.own()?;
        match &self.role {
            None => Ok(own),
            Some(role) => remote::assume(&self.surroundings, role, &own.0, now),
        }
    }

    fn own(&self) -> Result<Found, Failure> {
        let around = &self.surroundings;
        if let Some(name) = &self.profile {
            return self.of_profile(name)?.map(|keys| (keys, None)).ok_or_else(|| {
                Failure::lasting(format!("awsProfileName: expected a profile of AWS's files, got \"{name}\""))
            });
        }
        if let Some(keys) = of_variables(around) {
            return Ok((keys, None));
        }
        if around.get("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() {
            return remote::web_identity(around);
        }
        if let Some(keys) = self.of_profile(around.get("AWS_PROFILE").unwrap_or("default"))? {
            return Ok((keys, None));
        }
        if let Some(url) = remote::container_url(around) {
            return remote::container(around, &url);
        }
        if around.get("AWS_EC2_METADATA_DISABLED").is_some_and(|off| off.eq_ignore_ascii_case("true")) {
            return Err(Failure::lasting(NONE_FOUND));
        }
        remote::instance(around)
            .map_err(|failure| Failure { sentence: format!("{NONE_FOUND}; {}", failure.sentence), ..failure })
    }

    fn of_profile(&self, name: &str) -> Result<Option<Keys>, Failure> {
        let home = |file: &str| {
            self.surroundings.get("HOME").map(|home| PathBuf::from(home).join(".aws").join(file))
        };
        let named =
            |variable, file| self.surroundings.get(variable).map(PathBuf::from).or_else(|| home(file));
        let shared = named("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let config = named("AWS_CONFIG_FILE", "config");
        for (path, section) in [(shared, name.to_owned()), (config, profile::section_of_config(name))] {
            if let Some(keys) = path.map_or(Ok(None), |path| profile::read(&path, &section))? {
                return Ok(Some(keys));
            }
        }
        Ok(None)
    }
}

const NONE_FOUND: &str = "no AWS credentials: expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, \
                          a web identity, or a role of the container or the machine";

fn of_variables(around: &Surroundings) -> Option<Keys> {
    Some(Keys {
        id: around.get("AWS_ACCESS_KEY_ID")?.to_owned(),
        secret: around.get("AWS_SECRET_ACCESS_KEY")?.to_owned(),
        session: around.get("AWS_SESSION_TOKEN").map(ToOwned::to_owned),
    })
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
