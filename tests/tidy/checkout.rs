//! The files that rules look at: those of this checkout, or a few made up for a rule's own test.

use std::path::Path;
use std::process::Command;

pub struct File {
    pub path: String,
    pub text: String,
}

pub struct Checkout {
    pub files: Vec<File>,
}

impl Checkout {
    /// The text files that git knows or would add, without what a build or a service left behind.
    pub fn of_this_project() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .expect("git is needed to list the files of the checkout");
        assert!(listed.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&listed.stderr));
        let listed = String::from_utf8(listed.stdout).unwrap();
        let files: Vec<File> = listed
            .split('\0')
            .filter(|path| !path.is_empty())
            .filter_map(|path| {
                // A file deleted but not yet committed, and one that is no text, are nobody's finding.
                let text = std::fs::read_to_string(root.join(path)).ok()?;
                Some(File { path: path.to_owned(), text })
            })
            .collect();
        assert!(files.iter().any(|file| file.path == "Cargo.toml"), "no Cargo.toml among the listed files");
        Self { files }
    }

    /// A made-up checkout for a rule's own test.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| File { path: path.to_owned(), text: text.to_owned() };
        Self { files: files.iter().map(file).collect() }
    }

    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| has_extension(&file.path, "rs"))
    }

    /// The Cargo.toml of every crate that is a member of the workspace, parsed.
    pub fn crates(&self) -> impl Iterator<Item = (&File, toml::Table)> {
        let root = self.files.iter().find(|file| file.path == "Cargo.toml").expect("a root Cargo.toml");
        let root: toml::Table = root.text.parse().expect("the root Cargo.toml is TOML");
        let members: Vec<String> = root["workspace"]["members"]
            .as_array()
            .expect("workspace.members is a list")
            .iter()
            .map(|member| format!("{}/Cargo.toml", member.as_str().unwrap()))
            .collect();
        self.files.iter().filter(move |file| members.contains(&file.path)).map(|file| {
            let table = file.text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.path));
            (file, table)
        })
    }
}

pub fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

#[track_caller]
pub fn assert_clean(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

/// One finding per expectation, in order, each holding the expected text.
#[track_caller]
pub fn assert_finds(findings: &[String], expected: &[&str]) {
    let same = findings.len() == expected.len() && findings.iter().zip(expected).all(|(f, e)| f.contains(e));
    assert!(same, "expected findings {expected:#?}, got {findings:#?}");
}

/// The code of a Rust file line by line, with comments and the insides of literals blanked.
pub fn code_lines(text: &str) -> Vec<String> {
    let mut scrubber = Scrubber { rest: text, code: String::with_capacity(text.len()) };
    scrubber.run();
    scrubber.code.split('\n').map(str::to_owned).collect()
}

struct Scrubber<'a> {
    rest: &'a str,
    code: String,
}

impl Scrubber<'_> {
    fn run(&mut self) {
        while !self.rest.is_empty() {
            let word_before = self.code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if self.rest.starts_with("//") {
                self.blank_until(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.blank_until(block_comment_length(self.rest));
            } else if self.rest.starts_with('"') {
                self.blank_until(quoted_length(self.rest, '"'));
            } else if !word_before && raw_string_length(self.rest) > 0 {
                self.blank_until(raw_string_length(self.rest));
            } else if self.rest.starts_with('\'') && char_literal_length(self.rest) > 0 {
                self.blank_until(char_literal_length(self.rest));
            } else {
                let next = self.rest.chars().next().unwrap();
                self.code.push(next);
                self.rest = &self.rest[next.len_utf8()..];
            }
        }
    }

    fn blank_until(&mut self, length: usize) {
        let (gone, rest) = self.rest.split_at(length);
        self.code.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        self.rest = rest;
    }
}

fn block_comment_length(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().unwrap().len_utf8();
        }
    }
    text.len()
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

/// 0 when the text does not start with a raw string.
fn raw_string_length(text: &str) -> usize {
    let Some(after) =
        text.strip_prefix("br").or_else(|| text.strip_prefix("cr")).or_else(|| text.strip_prefix('r'))
    else {
        return 0;
    };
    let hashes = after.len() - after.trim_start_matches('#').len();
    if !after[hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let open = text.len() - after.len() + hashes + 1;
    text[open..].find(&end).map_or(text.len(), |at| open + at + end.len())
}

/// 0 when the quote begins a lifetime.
fn char_literal_length(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => quoted_length(text, '\''),
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}

#[test]
fn comments_and_literals_are_not_code() {
    let text =
        "a // unsafe\nb /* x /* y */ unsafe */ c\nd \"un\\\"safe\" e\nf r#\"unsafe\"# g '\"' h<'a> '\\'' i\n";
    let code: Vec<String> = code_lines(text).iter().map(|line| line.replace(' ', "")).collect();
    assert_eq!(code, ["a", "bc", "de", "fgh<'a>i", ""]);
}
