//! Turns environment variables into keys: `CONNECT_GROUP_ID`, as the Java images use it, means `group.id`.

use std::ffi::OsString;

use super::keys;

/// What one variable says; `value` is an error when it is no text.
pub struct Variable {
    pub name: String,
    pub key: String,
    pub value: Result<String, String>,
}

/// The variables that mean settings, `PENSTOCK_*` after `CONNECT_*`, because the later one wins.
pub fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<Variable> {
    let mut connect = Vec::new();
    let mut penstock = Vec::new();
    for (name, value) in variables {
        let Ok(name) = name.into_string() else { continue };
        let (found, rest) = if let Some(rest) = name.strip_prefix("PENSTOCK_") {
            (&mut penstock, rest)
        } else if let Some(rest) = name.strip_prefix("CONNECT_") {
            (&mut connect, rest)
        } else {
            continue;
        };
        if !is_ours(rest) {
            continue;
        }
        let key = key_of(rest, name.starts_with("PENSTOCK_"));
        let value = value.into_string().map_err(|_| "expected UTF-8 text".to_owned());
        found.push(Variable { name, key, value });
    }
    connect.append(&mut penstock);
    connect
}

/// Where a Java worker's start script is told its login file; the last one counts, as in Java.
pub fn jaas_file(variables: &[(OsString, OsString)]) -> Option<String> {
    let (_, options) = variables.iter().find(|(name, _)| name == "KAFKA_OPTS")?;
    let options = options.to_str()?.split_whitespace();
    let mut named = options.filter_map(|option| option.strip_prefix("-Djava.security.auth.login.config="));
    // An equals sign more means "this file and no other", which it is here anyway.
    named.next_back().map(|file| file.trim_start_matches('=').trim_matches(['"', '\'']).to_owned())
}

/// `_` is a dot, `__` an underscore and `___` a dash, as in the images of Kafka Connect.
///
/// Keys of our own need no second `PENSTOCK_`: `PENSTOCK_LOG_LEVEL` means `penstock.log.level`, and so
/// does `PENSTOCK_LOG`, which is what people who know `RUST_LOG` try first.
fn key_of(rest: &str, is_penstock: bool) -> String {
    if is_penstock && rest == "LOG" {
        return "penstock.log.level".to_owned();
    }
    let plain = rest.to_lowercase().replace("___", "-").replace("__", "\u{0}").replace('_', ".");
    let key = plain.replace('\u{0}', "_");
    let own = format!("penstock.{key}");
    if is_penstock && keys::find(&own).is_some() { own } else { key }
}

/// Images and Kubernetes set variables under the same prefixes that never were settings.
fn is_ours(rest: &str) -> bool {
    const ELSEWHERE: [&str; 8] =
        ["BIN", "PLUGINS", "PORT", "VERSION", "HOME", "JMX_PORT", "KAFKA_HOME", "REST_HOST_NAME"];
    const PREFIXES: [&str; 8] =
        ["TEST_", "SERVICES_", "BENCH_", "LOG4J_", "CUB_", "SERVICE_", "PORT_", "TOOLS_"];
    !rest.is_empty()
        && !ELSEWHERE.contains(&rest)
        && !PREFIXES.iter().any(|prefix| rest.starts_with(prefix))
        && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::{jaas_file, read};
    use std::ffi::OsString;

    fn check(given: &[(&str, &str)], expected: &[(&str, &str)]) {
        let given = given.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let read: Vec<_> = read(given).into_iter().map(|v| (v.key, v.value.unwrap())).collect();
        let read: Vec<_> = read.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn underscores_mean_dots_and_more_of_them_underscores_and_dashes() {
        check(&[("CONNECT_GROUP_ID", "g")], &[("group.id", "g")]);
        check(&[("CONNECT_PRODUCER_A__B___C", "1")], &[("producer.a_b-c", "1")]);
        check(&[("CONNECT_PLUGIN_PATH", "")], &[("plugin.path", "")]);
    }

    #[test]
    fn our_own_prefix_comes_last_and_reaches_our_own_keys() {
        check(
            &[("PENSTOCK_GROUP_ID", "b"), ("CONNECT_GROUP_ID", "a")],
            &[("group.id", "a"), ("group.id", "b")],
        );
        check(&[("PENSTOCK_LOG_LEVEL", "debug")], &[("penstock.log.level", "debug")]);
        check(&[("PENSTOCK_LOG", "debug")], &[("penstock.log.level", "debug")]);
        check(&[("CONNECT_PENSTOCK_LOG_LEVEL", "debug")], &[("penstock.log.level", "debug")]);
    }

    #[test]
    fn the_login_file_of_a_java_worker_is_found() {
        let check = |options: &str, expected: Option<&str>| {
            let given = [("HOME", "/x"), ("KAFKA_OPTS", options)].map(|(n, v)| (n.into(), v.into()));
            assert_eq!(jaas_file(&given).as_deref(), expected, "{options}");
        };
        check("-Xmx1g -Djava.security.auth.login.config=/etc/a.conf -Da=b", Some("/etc/a.conf"));
        check("-Djava.security.auth.login.config==\"/etc/a.conf\"", Some("/etc/a.conf"));
        check("-Xmx1g", None);
        assert_eq!(jaas_file(&[]), None);
    }

    #[test]
    fn variables_of_images_tests_and_kubernetes_are_not_settings() {
        let none = [
            "PENSTOCK_BIN",
            "PENSTOCK_TEST_KAFKA",
            "PENSTOCK_SERVICES_DIR",
            "PENSTOCK_PLUGINS",
            "CONNECT_PORT",
            "CONNECT_PORT_8083_TCP_ADDR",
            "CONNECT_SERVICE_HOST",
            "CONNECT_LOG4J_ROOT_LOGLEVEL",
            "CONNECT_",
            "CONNECT_lower",
            "HOME",
        ];
        check(&none.map(|name| (name, "x")), &[]);
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_text_is_reported() {
        use std::os::unix::ffi::OsStringExt;
        let bad = OsString::from_vec(vec![0xff]);
        let read = read([(OsString::from("CONNECT_GROUP_ID"), bad.clone()), (bad, OsString::new())]);
        assert_eq!(read[0].value, Err("expected UTF-8 text".to_owned()));
        assert_eq!(read.len(), 1);
    }
}
