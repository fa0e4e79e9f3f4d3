//! Finds the users of basic authentication: a JAAS file names a module, and that a file of users and passwords.

use std::path::Path;

use crate::settings::{self, JAAS_FILE};

/// Names and passwords, or a sentence that holds no password.
pub fn read(jaas: &Path) -> Result<Vec<(String, String)>, String> {
    let text = settings::read_text(jaas).map_err(|reason| said(jaas, &reason))?;
    let file = user_file(&text).map_err(|reason| said(jaas, &reason))?;
    let file = Path::new(&file);
    let text = settings::read_text(file).map_err(|reason| said(file, &reason))?;
    let users = settings::parse_properties(&text).map_err(|reason| said(file, &reason))?;
    // Java lets everybody in who brings any password when the file is empty.
    if users.is_empty() { Err(said(file, "expected a line user=password, got none")) } else { Ok(users) }
}

fn said(path: &Path, reason: &str) -> String {
    format!("{JAAS_FILE}: {}: {reason}", path.display())
}

const ENTRY: &str = "KafkaConnect";
const MODULE: &str = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";

/// The `file` of the one module in the entry `KafkaConnect`; other entries belong to Kafka's clients.
fn user_file(text: &str) -> Result<String, String> {
    let tokens = tokens(text)?;
    let words: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let is_start = |pair: &[&str]| pair == [ENTRY, "{"];
    let start =
        words.windows(2).position(is_start).ok_or_else(|| format!("expected an entry {ENTRY} {{ … }}"))?;
    let body = &words[start + 2..];
    let end = body
        .iter()
        .position(|word| *word == "}")
        .ok_or_else(|| format!("{ENTRY}: expected a closing brace"))?;
    let mut modules = body[..end].split(|word| *word == ";").filter(|module| !module.is_empty());
    let (Some(module), None) = (modules.next(), modules.next()) else {
        return Err(format!("{ENTRY}: expected one module, {MODULE}"));
    };
    let [class, _flag, options @ ..] = module else {
        return Err(format!("{ENTRY}: expected `{MODULE} required file=\"…\";`"));
    };
    if *class != MODULE {
        return Err(format!("{ENTRY}: expected {MODULE}, got {class}, which cannot be loaded"));
    }
    let file = options.chunks(3).find_map(|option| match option {
        ["file", "=", file] if !file.is_empty() => Some((*file).to_owned()),
        _ => None,
    });
    file.ok_or_else(|| format!("{ENTRY}: expected the option file=\"…\""))
}

/// Words, quoted texts, and the signs `{ } ; =`; comments are left out.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if first.is_whitespace() => first.len_utf8(),
            '#' => line_length(rest),
            '/' if rest.starts_with("//") => line_length(rest),
            '/' if rest.starts_with("/*") => rest.find("*/").ok_or("expected the end of a comment, */")? + 2,
            '{' | '}' | ';' | '=' => push(&mut found, &rest[..1], 1),
            '"' | '\'' => {
                let inner = &rest[1..];
                let end = inner.find(first).ok_or("expected the end of a quoted text")?;
                push(&mut found, &inner[..end], end + 2)
            }
            _ => {
                let ends = |letter: char| letter.is_whitespace() || "{};=\"'".contains(letter);
                let end = rest.find(ends).unwrap_or(rest.len());
                push(&mut found, &rest[..end], end)
            }
        };
        rest = &rest[length..];
    }
    Ok(found)
}

fn push(found: &mut Vec<String>, text: &str, length: usize) -> usize {
    found.push(text.to_owned());
    length
}

fn line_length(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::{MODULE, read, user_file};

    #[test]
    fn the_file_of_users_is_found_as_java_finds_it() {
        let check =
            |text: &str, expected: &str| assert_eq!(user_file(text).as_deref(), Ok(expected), "{text}");
        check(&format!("KafkaConnect {{ {MODULE} required file=\"/etc/users\"; }};"), "/etc/users");
        check(
            &format!("KafkaConnect{{\n{MODULE} required\n  debug=true\n file = /etc/users;\n}};"),
            "/etc/users",
        );
        let client = "KafkaClient { x.PlainLoginModule required password=\"} ; KafkaConnect {\"; };";
        let module = format!(
            "/* KafkaConnect {{ */ // no\n# no\nKafkaConnect {{ {MODULE} sufficient file='/a b'; }};"
        );
        check(&format!("{client}\n{module}"), "/a b");
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        let check = |text: &str, expected: &str| {
            let error = user_file(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("", "expected an entry KafkaConnect");
        check("KafkaConnect { a b", "expected a closing brace");
        check("KafkaConnect { };", "expected one module");
        check(
            &format!("KafkaConnect {{ {MODULE} required file=a; {MODULE} required file=b; }};"),
            "one module",
        );
        check("KafkaConnect { com.example.Ldap required; };", "got com.example.Ldap, which cannot be loaded");
        check(&format!("KafkaConnect {{ {MODULE}; }};"), "required file=");
        check(&format!("KafkaConnect {{ {MODULE} required debug=true; }};"), "expected the option file");
        check("KafkaConnect { /* x", "expected the end of a comment");
        check("KafkaConnect { \"x", "expected the end of a quoted text");
    }

    #[test]
    fn users_are_read_and_mistakes_name_the_file_but_no_password() {
        let dir = tempfile::tempdir().unwrap();
        let (jaas, users) = (dir.path().join("jaas.conf"), dir.path().join("users"));
        let entry = format!("KafkaConnect {{ {MODULE} required file=\"{}\"; }};", users.display());
        std::fs::write(&jaas, entry).unwrap();
        assert!(read(&jaas).unwrap_err().contains("users"));
        std::fs::write(&users, "# none\n").unwrap();
        assert!(read(&jaas).unwrap_err().contains("expected a line user=password"));
        std::fs::write(&users, "alice=alice-secret\nbob: b=o:b\n").unwrap();
        let expected = [("alice", "alice-secret"), ("bob", "b=o:b")];
        assert_eq!(read(&jaas).unwrap(), expected.map(|(name, word)| (name.to_owned(), word.to_owned())));
        std::fs::write(&users, "alice=canary\\u12\n").unwrap();
        let error = read(&jaas).unwrap_err();
        assert!(error.contains("users: line 1") && !error.contains("canary"), "{error}");
    }
}
