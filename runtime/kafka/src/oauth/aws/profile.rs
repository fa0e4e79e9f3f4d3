//! Keys in the files of AWS's command line.

use std::path::Path;

use super::credentials::Keys;
use crate::oauth::source::Failure;

pub(super) fn section_of_config(profile: &str) -> String {
    if profile == "default" { profile.to_owned() } else { format!("profile {profile}") }
}

/// None when the file, the section or the keys are not there. An error when the section names another way to
/// keys, which is not there in this build.
pub(super) fn read(path: &Path, section: &str) -> Result<Option<Keys>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::passing(format!("{}: {error}", path.display()))),
    };
    parse(&text, section).map_err(|key| {
        Failure::lasting(format!(
            "{}: [{section}] uses {key}, which is not supported; give keys, or awsRoleArn in sasl.jaas.config",
            path.display()
        ))
    })
}

fn parse(text: &str, section: &str) -> Result<Option<Keys>, &'static str> {
    const OTHER_WAYS: [&str; 4] = ["role_arn", "credential_process", "sso_session", "sso_start_url"];
    let (mut is_inside, mut other) = (false, None);
    let (mut id, mut secret, mut session) = (None, None, None);
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_inside = name.split_whitespace().eq(section.split_whitespace());
        } else if let Some((key, value)) = line.split_once('=').filter(|_| is_inside) {
            let value = Some(value.trim().to_owned());
            match key.trim() {
                "aws_access_key_id" => id = value,
                "aws_secret_access_key" => secret = value,
                "aws_session_token" => session = value,
                key => other = other.or(OTHER_WAYS.into_iter().find(|way| *way == key)),
            }
        }
    }
    match (id, secret, other) {
        (Some(id), Some(secret), _) => Ok(Some(Keys { id, secret, session })),
        (_, _, Some(key)) => Err(key),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
        # mine\n[default]\naws_access_key_id = A\naws_secret_access_key=s=1\n\n\
        [ profile  other ]\r\naws_access_key_id=B\r\naws_secret_access_key=t\r\naws_session_token=u\r\n\
        [sso]\nsso_session=x\n[half]\naws_access_key_id=C\n";

    #[test]
    fn a_section_gives_its_own_keys_only() {
        let check = |section: &str, expected: Option<(&str, &str, Option<&str>)>| {
            let expected = expected.map(|(id, secret, session)| Keys {
                id: id.into(),
                secret: secret.into(),
                session: session.map(Into::into),
            });
            assert!(parse(FILE, section).unwrap() == expected, "{section}");
        };
        check("default", Some(("A", "s=1", None)));
        check("profile other", Some(("B", "t", Some("u"))));
        check("half", None);
        check("none", None);
    }

    #[test]
    fn ways_that_are_not_there_are_named() {
        assert_eq!(parse(FILE, "sso").err(), Some("sso_session"));
    }
}
