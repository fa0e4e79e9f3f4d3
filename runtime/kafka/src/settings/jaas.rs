//! Reads Java's `sasl.jaas.config`: one login module with its options.

use std::collections::BTreeMap;

use crate::Error;

/// A line `some.package.Module required name="value" …;`.
pub(super) struct Module {
    /// Without its package.
    pub name: String,
    pub options: BTreeMap<String, String>,
}

impl Module {
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    pub(super) fn require(&self, name: &str) -> Result<String, Error> {
        self.option(name).map(ToOwned::to_owned).ok_or_else(|| bad(&format!("expected {name}=\"…\"")))
    }

    /// Options whose names start so, without that start.
    pub(super) fn below(&self, prefix: &str) -> Vec<(String, String)> {
        let named = self.options.iter();
        named
            .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone())))
            .collect()
    }
}

/// Errors never repeat the line: it holds a password.
pub(super) fn bad(why: &str) -> Error {
    Error::config(format!("sasl.jaas.config: {why}"))
}

pub(super) fn parse(line: &str) -> Result<Module, Error> {
    let (words, rest) = words(line).ok_or_else(|| bad("a quote is not closed"))?;
    if !rest.trim().is_empty() {
        return Err(bad("expected one login module, and nothing after its ;"));
    }
    let mut words = words.into_iter();
    let class = words.next().ok_or_else(|| bad("expected a login module"))?;
    let flag = words.next().unwrap_or_default().to_lowercase();
    if !["required", "requisite", "sufficient", "optional"].contains(&flag.as_str()) {
        return Err(bad("expected `required` after the login module"));
    }
    let mut options = BTreeMap::new();
    for word in words {
        let (name, value) = word.split_once('=').ok_or_else(|| bad("expected options as name=\"value\""))?;
        options.insert(name.to_owned(), value.to_owned());
    }
    let name = class.rsplit('.').next().unwrap_or_default().to_owned();
    Ok(Module { name, options })
}

/// Splits at blanks up to the first free `;`; quotes of either kind group, a backslash escapes inside them.
/// The second part is what follows the `;`.
fn words(line: &str) -> Option<(Vec<String>, &str)> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', Some(_)) => word.push(chars.next()?),
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (';', None) => break,
            (c, None) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (c, _) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    quote.is_none().then_some((words, chars.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, name: &str, options: &[(&str, &str)]) {
        let module = parse(line).unwrap();
        let expected: BTreeMap<String, String> =
            options.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        assert_eq!((module.name.as_str(), &module.options), (name, &expected), "{line}");
    }

    #[test]
    fn a_module_comes_with_its_options() {
        let plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
        let name = "PlainLoginModule";
        check(
            &format!("{plain} username=\"bob\" password=\"a b;c\";"),
            name,
            &[("username", "bob"), ("password", "a b;c")],
        );
        check(&format!("{plain}\n  a='bob'\n  b='x=\"y';"), name, &[("a", "bob"), ("b", "x=\"y")]);
        check(&format!("{plain} a=\"q\\\"q\\\\\" b=\"\";  "), name, &[("a", "q\"q\\"), ("b", "")]);
        check("IAMLoginModule REQUIRED ;", "IAMLoginModule", &[]);
        check("ScramLoginModule required a=b", "ScramLoginModule", &[("a", "b")]);
    }

    #[test]
    fn half_lines_are_refused_without_repeating_them() {
        for line in [
            "a.PlainLoginModule required username=\"x\" password=\"hunter2",
            "a.PlainLoginModule password=\"hunter2\";",
            "a.PlainLoginModule required hunter2;",
            "a.PlainLoginModule required; b.JndiLoginModule required password=\"hunter2\";",
            "",
            ";",
        ] {
            let error = parse(line).err().unwrap();
            assert!(error.message.starts_with("sasl.jaas.config: "), "{error}");
            assert!(!error.message.contains("hunter2"), "{error}");
        }
    }
}
