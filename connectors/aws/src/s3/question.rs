//! Questions over REST: what there is to read, and how far the reading is.
use penstock_sdk::{Config, Error, Result};

use super::progress;
use super::settings::Settings;
use crate::access;
use crate::bucket::{Bucket, From, Object};
use crate::quote::quoted;

/// The answer as JSON; none for a question that has none here.
pub fn ask(question: &str, config: &Config, input: &str) -> Result<Option<String>> {
    match question {
        "files" => files(&Settings::parse(config)?).map(Some),
        "progress" => {
            let connector = input.trim().trim_matches('"');
            let answer = progress::answer(connector);
            let expected = "input: expected the name of a connector with a task in this worker";
            answer.map(Some).ok_or_else(|| Error::config(format!("{expected}, got {connector:?}")))
        }
        _ => Ok(None),
    }
}

/// Whether there is such a bucket for whoever asks. Silence is no answer.
pub fn check(settings: &Settings) -> Result<Option<()>> {
    access::ask("s3", async {
        let bucket = Bucket::open(&settings.bucket, &settings.access).await?;
        let listed = bucket.list(&settings.listed(), From::Start).await;
        listed.map(drop).map_err(|failure| bucket.error(&failure))
    })
}

/// Number and size of the files, as many as can be listed while a person waits.
fn files(settings: &Settings) -> Result<String> {
    let mut found = Found::default();
    let is_all = access::ask("s3", list(settings, &mut found))?.is_some();
    Ok(found.json(is_all))
}

async fn list(settings: &Settings, found: &mut Found) -> Result<()> {
    let bucket = Bucket::open(&settings.bucket, &settings.access).await?;
    let prefix = settings.listed();
    let mut token: Option<String> = None;
    loop {
        let from = token.as_deref().map_or(From::Start, From::Next);
        let page = bucket.list(&prefix, from).await.map_err(|failure| bucket.error(&failure))?;
        page.objects
            .iter()
            .filter(|object| settings.wants(&object.key))
            .for_each(|object| found.add(settings, object));
        token = page.next;
        if token.is_none() {
            return Ok(());
        }
    }
}

#[derive(Default)]
struct Found {
    files: u64,
    bytes: u64,
    first: Vec<String>,
    /// Why a file could not be read, of the first that cannot.
    unclear: Option<String>,
}

impl Found {
    fn add(&mut self, settings: &Settings, object: &Object) {
        self.files += 1;
        self.bytes += object.size;
        if self.first.len() < FIRST_MAX {
            self.first.push(object.key.clone());
        }
        if let (None, Err(reason)) = (&self.unclear, settings.how(object)) {
            self.unclear = Some(reason);
        }
    }

    fn json(&self, is_all: bool) -> String {
        let first: Vec<String> = self.first.iter().map(|key| quoted(key)).collect();
        let unclear = self.unclear.as_deref().map_or_else(|| "null".to_owned(), quoted);
        format!(
            "{{\"files\":{},\"bytes\":{},\"all\":{is_all},\"first\":[{}],\"problem\":{unclear}}}",
            self.files,
            self.bytes,
            first.join(",")
        )
    }
}

const FIRST_MAX: usize = 10;
