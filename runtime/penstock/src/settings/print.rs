//! Writes every setting with where it came from, secrets masked.

use std::fmt::Write as _;

use super::keys::{self, Default, Effect};
use super::layers::Raw;
use super::{check, secrets};

/// What was set, then the defaults in force, each as `key = value  (origin)`.
pub fn print(raw: &Raw) -> String {
    let mut text = String::new();
    for (key, entry) in raw {
        let value = secrets::shown(key, &entry.value).escape_debug().to_string();
        let note = note(key);
        let _ = writeln!(text, "{key} = {value}  ({}{note})", entry.origin);
    }
    let mut defaults: Vec<_> = keys::all().filter(|key| key.effect == Effect::Used).collect();
    defaults.retain(|key| !raw.contains_key(key.name));
    defaults.sort_unstable_by_key(|key| key.name);
    for key in defaults {
        if let Default::Value(value) = key.default {
            let _ = writeln!(text, "{} = {value}  (default)", key.name);
        }
    }
    text
}

fn note(key: &str) -> String {
    let foreign = || keys::split_prefix(key).filter(|_| keys::slip(key).is_none()).map(|split| split.2);
    match keys::find(key).map(|key| key.effect).or_else(foreign) {
        Some(Effect::Inert) => ", accepted without effect".to_owned(),
        Some(Effect::Used | Effect::Client) => String::new(),
        None => format!(", unknown{}", check::hint(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::print;
    use crate::settings::Entry;

    fn check(given: (&str, &str, &str), expected: &str) {
        let (key, value, origin) = given;
        let entry = Entry { value: value.to_owned(), origin: origin.to_owned() };
        let printed = print(&[(key.to_owned(), entry)].into());
        assert_eq!(printed.lines().next(), Some(expected));
    }

    #[test]
    fn a_value_stands_beside_its_origin() {
        check(("group.id", "g", "file a.properties"), "group.id = g  (file a.properties)");
        check(
            ("plugin.discovery", "only_scan", "flag --set"),
            "plugin.discovery = only_scan  (flag --set, accepted without effect)",
        );
        check(("odd", "canary", "environment CONNECT_ODD"), "odd = ***  (environment CONNECT_ODD, unknown)");
        check(("gruop.id", "g", "x"), "gruop.id = ***  (x, unknown, did you mean group.id?)");
        check(("group.id", "a\nb = c", "x"), "group.id = a\\nb = c  (x)");
    }

    #[test]
    fn defaults_follow_unless_something_else_was_set() {
        let printed = print(&super::Raw::new());
        assert!(printed.contains("listeners = http://127.0.0.1:8083  (default)\n"), "{printed}");
        check(("topic.creation.enable", "false", "x"), "topic.creation.enable = false  (x)");
    }
}
