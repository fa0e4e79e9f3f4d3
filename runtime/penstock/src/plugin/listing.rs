//! Shows what libraries offer, for people at a terminal.

use std::fmt::Write as _;

use host::{Connector, ConnectorInfo, ConnectorKind, Plugins};
use serde_json::Value;

/// One line for each connector, then one for each file that is of no use and why.
pub fn of_all(plugins: &Plugins) -> String {
    let mut text = String::new();
    for listed in plugins.listed() {
        let path = listed.path.display();
        match &listed.outcome {
            Ok(connectors) => {
                for info in connectors {
                    let ConnectorInfo { class, version, .. } = info;
                    let _ = writeln!(text, "{class}  {version}  {}  {path}", kind(info.kind));
                }
            }
            Err(reason) => {
                let _ = writeln!(text, "{path}  {}", one_line(reason.as_str()));
            }
        }
        for warning in &listed.warnings {
            let _ = writeln!(text, "{path}  warning: {}", one_line(warning));
        }
    }
    if text.is_empty() { "no libraries in these folders\n".to_owned() } else { text }
}

/// Everything that each connector says of itself.
pub fn of_one(plugins: &Plugins) -> String {
    plugins.connectors().iter().map(described).collect::<Vec<_>>().join("\n")
}

fn described(connector: &Connector) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}  {}  {}", connector.class(), connector.version(), kind(connector.kind()));
    let _ = writeln!(text, "  {}", one_line(connector.documentation()));
    for alias in connector.aliases() {
        let _ = writeln!(text, "  also as {alias}");
    }
    if connector.is_encoded() {
        text.push_str("  takes keys and values as they are in Kafka\n");
    }
    let settings = serde_json::from_str::<Vec<Value>>(connector.settings_json()).unwrap_or_default();
    for setting in &settings {
        let _ = writeln!(text, "  {}", described_setting(setting));
    }
    text
}

/// A default is a declaration, not a user's value, so it may be shown whatever its type.
fn described_setting(setting: &Value) -> String {
    let text = |name: &str| setting[name].as_str().unwrap_or_default();
    let needed = match setting["default"].as_str() {
        _ if setting["required"] == true => "required".to_owned(),
        Some(default) => format!("default {default:?}"),
        None => "optional".to_owned(),
    };
    let documentation = one_line(text("documentation"));
    format!("{} ({}, {needed}): {documentation}", text("name"), text("type").to_lowercase())
}

fn kind(kind: ConnectorKind) -> &'static str {
    match kind {
        ConnectorKind::Source => "source",
        ConnectorKind::Sink => "sink",
    }
}

/// A library writes these texts: it may not draw lines of its own or send escapes to the terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::{described_setting, of_all, one_line};
    use serde_json::json;

    #[test]
    fn a_setting_is_one_line() {
        let check =
            |given: serde_json::Value, expected: &str| assert_eq!(described_setting(&given), expected);
        let documentation = "What it\ndoes.";
        check(
            json!({"name": "a", "type": "INT", "required": true, "documentation": documentation}),
            "a (int, required): What it does.",
        );
        check(
            json!({"name": "b", "type": "LIST", "required": false, "default": "", "documentation": "B."}),
            "b (list, default \"\"): B.",
        );
        check(
            json!({"name": "c", "type": "STRING", "required": false, "documentation": "C."}),
            "c (string, optional): C.",
        );
    }

    #[test]
    fn escapes_do_not_reach_the_terminal() {
        assert_eq!(one_line("a\u{1b}[31mb\r\nc"), "a [31mb  c");
        assert_eq!(of_all(&host::Plugins::default()), "no libraries in these folders\n");
    }
}
