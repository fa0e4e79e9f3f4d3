//! The settings of the way to AWS, parsed and checked against each other.
use penstock_sdk::{Config, Error, Problem, Result, Secret};

/// Where AWS is and who asks.
#[derive(Clone, Debug)]
pub struct Access {
    pub region: Option<String>,
    pub endpoint: Option<String>,
    pub is_fips: bool,
    pub proxy: Option<Proxy>,
    pub login: Login,
    pub role: Option<Role>,
}

#[derive(Clone, Debug)]
pub struct Proxy {
    pub url: String,
    pub user: Option<(String, Secret)>,
}

/// Where credentials come from.
#[derive(Clone, Debug)]
pub enum Login {
    /// Environment, profile, web identity, container, instance.
    Chain,
    Profile(String),
    Keys {
        id: String,
        secret: Secret,
        token: Option<Secret>,
    },
}

#[derive(Clone, Debug)]
pub struct Role {
    pub arn: String,
    pub external_id: Option<Secret>,
    pub session: String,
    pub endpoint: Option<String>,
}

impl Access {
    /// Expects settings without [`problems`]. `region` is what an ARN says, for want of a setting.
    pub fn parse(config: &Config, region: Option<&str>) -> Result<Self> {
        let login = match (text(config, KEY), text(config, PROFILE)) {
            (Some(id), _) => Login::Keys {
                id,
                secret: secret(config, SECRET)?,
                token: optional(config, "aws.session.token"),
            },
            (None, Some(profile)) => Login::Profile(profile),
            (None, None) => Login::Chain,
        };
        let role = text(config, ROLE).map(|arn| Role {
            arn,
            external_id: optional(config, "aws.role.external.id"),
            session: text(config, "aws.role.session.name").unwrap_or_else(|| "penstock".into()),
            endpoint: text(config, STS),
        });
        let user = text(config, PROXY_USER)
            .map(|user| (user, optional(config, "aws.proxy.password").unwrap_or_default()));
        Ok(Self {
            region: text(config, "aws.region").or_else(|| region.map(str::to_owned)),
            endpoint: text(config, ENDPOINT),
            is_fips: config.flag("aws.fips", false)?,
            proxy: text(config, PROXY).map(|url| Proxy { url, user }),
            login,
            role,
        })
    }

    /// Who asks, for a person.
    pub fn who(&self) -> String {
        match (&self.role, &self.login) {
            (Some(role), _) => format!("role {}", role.arn),
            (None, Login::Keys { id, .. }) => format!("access key {id}"),
            (None, Login::Profile(name)) => format!("profile {name}"),
            (None, Login::Chain) => "the default chain of credentials".into(),
        }
    }

    /// Whether credentials that have expired can be replaced by newer ones.
    pub fn is_renewed(&self) -> bool {
        !matches!(self.login, Login::Keys { token: Some(_), .. })
    }
}

/// The setting that an error is about: the one that it begins with, if its name begins with `aws.` or one of `own`.
pub fn problem(error: &Error, own: &[&str], otherwise: &str) -> Problem {
    let is_ours = |name: &str| name.starts_with("aws.") || own.iter().any(|own| name.starts_with(own));
    let (setting, message) = match error.message().split_once(": ") {
        Some((name, reason)) if is_ours(name) => (name, reason),
        _ => (otherwise, error.message()),
    };
    Problem { setting: setting.into(), message: message.into() }
}

/// What is wrong with them.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut wrong = |setting: &str, message: &str| {
        found.push(Problem { setting: setting.into(), message: message.into() });
    };
    let has = |name| text(config, name).is_some();
    if has(KEY) && !has(SECRET) {
        wrong(SECRET, "a value is required beside aws.access.key.id");
    }
    if !has(KEY) && has(SECRET) {
        wrong(KEY, "a value is required beside aws.secret.access.key");
    }
    if !has(KEY) && has("aws.session.token") {
        wrong(KEY, "a value is required beside aws.session.token");
    }
    if has(KEY) && has(PROFILE) {
        wrong(PROFILE, "expected either a profile or an access key, got both");
    }
    if !has(ROLE) && has("aws.role.external.id") {
        wrong(ROLE, "a value is required beside aws.role.external.id");
    }
    if text(config, ROLE).is_some_and(|arn| !arn.starts_with("arn:") || !arn.contains(":role/")) {
        wrong(ROLE, "expected an ARN such as arn:aws:iam::123456789012:role/reader");
    }
    if !has(PROXY) && has(PROXY_USER) {
        wrong(PROXY, "a value is required beside aws.proxy.user");
    }
    for name in [ENDPOINT, STS, PROXY] {
        if let Some(url) = text(config, name)
            && !is_url(&url)
        {
            // What has an @ may hold a login.
            let got = if url.contains('@') { "something else".into() } else { format!("{url:?}") };
            wrong(name, &format!("expected a URL that begins with http:// or https://, got {got}"));
        }
    }
    found
}

pub fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace) && !rest.starts_with('/'))
}

fn text(config: &Config, name: &str) -> Option<String> {
    config.get(name).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn secret(config: &Config, name: &str) -> Result<Secret> {
    config.required(name).map(Secret::new)
}

fn optional(config: &Config, name: &str) -> Option<Secret> {
    text(config, name).map(Secret::new)
}

const KEY: &str = "aws.access.key.id";
const SECRET: &str = "aws.secret.access.key";
const PROFILE: &str = "aws.profile";
const ROLE: &str = "aws.role.arn";
const ENDPOINT: &str = "aws.endpoint";
const STS: &str = "aws.sts.endpoint";
const PROXY: &str = "aws.proxy";
const PROXY_USER: &str = "aws.proxy.user";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&str, &str)], expected: &[&str]) {
        let found: Vec<String> = problems(&pairs.iter().copied().collect())
            .into_iter()
            .map(|problem| format!("{}: {}", problem.setting, problem.message))
            .collect();
        let same = found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| f.contains(e));
        assert!(same, "{pairs:?}: expected {expected:?}, got {found:?}");
    }

    #[test]
    fn settings_that_need_each_other_are_checked() {
        check(&[], &[]);
        check(&[(KEY, "a"), (SECRET, "b")], &[]);
        check(&[(KEY, "a")], &["aws.secret.access.key: a value is required"]);
        check(&[(SECRET, "a")], &["aws.access.key.id: a value is required"]);
        check(&[("aws.session.token", "a")], &["aws.access.key.id: a value is required"]);
        check(&[(KEY, "a"), (SECRET, "b"), (PROFILE, "p")], &["either a profile or an access key"]);
        check(&[("aws.role.external.id", "x")], &["aws.role.arn: a value is required"]);
        check(&[(ROLE, "reader")], &["expected an ARN such as"]);
        check(&[(ROLE, "arn:aws-us-gov:iam::123456789012:role/path/reader")], &[]);
        check(&[(PROXY_USER, "u")], &["aws.proxy: a value is required"]);
        check(&[(ENDPOINT, "localhost:4567")], &["expected a URL"]);
        check(&[(PROXY, "http:// x")], &["expected a URL"]);
    }

    #[test]
    fn a_login_in_an_address_is_not_shown() {
        for name in [ENDPOINT, STS, PROXY] {
            for url in ["me:hush@proxy:3128", "http:///me:hush@proxy", "http://me:hush @proxy"] {
                let found = problems(&[(name, url)].into_iter().collect());
                assert_eq!(found.len(), 1, "{name}={url}");
                assert!(!found[0].message.contains("hush"), "{}", found[0].message);
            }
        }
    }

    #[test]
    fn secrets_are_not_shown_and_the_identity_is() {
        let pairs =
            [(KEY, "AKID"), (SECRET, "hush"), ("aws.session.token", "whisper"), ("aws.region", " eu-1 ")];
        let access = Access::parse(&pairs.into_iter().collect(), Some("other")).unwrap();
        let shown = format!("{access:?}");
        assert!(!shown.contains("hush") && !shown.contains("whisper"), "{shown}");
        assert_eq!((access.who().as_str(), access.region.as_deref()), ("access key AKID", Some("eu-1")));
        assert!(!access.is_renewed());
        let role = [(ROLE, "arn:aws:iam::1:role/r")];
        let access = Access::parse(&role.into_iter().collect(), Some("eu-2")).unwrap();
        assert_eq!(access.who(), "role arn:aws:iam::1:role/r");
        assert_eq!(access.region.as_deref(), Some("eu-2"));
        assert!(access.is_renewed());
    }
}
