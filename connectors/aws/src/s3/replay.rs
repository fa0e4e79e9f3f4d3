//! Gives rows again that were given before: of one file after the other, between two places in each.
use std::sync::Arc;

use penstock_sdk::{Bound, Error, Fields, Poll, Result};
use tokio::sync::mpsc::Sender;

use super::lister::{File, Item, Origin};
use super::outlet::Outlet;
use super::position::{self, Position, Seen};
use super::read::Place;
use super::settings::Settings;
use crate::access::{Cause, Failure};
use crate::bucket::{Bucket, GET, Object};

/// What is to be given again, in order. A bound is about one file: it is named by the position that the bound ends at.
pub struct Again {
    stretches: Vec<Stretch>,
    /// The first of them that is not given to its end.
    next: usize,
}

/// Rows of one file.
#[derive(Clone, Debug, PartialEq)]
struct Stretch {
    partition: Fields,
    /// What the worker wants to see behind the last row.
    until: Fields,
    file: Seen,
    /// As far as rows were handed on.
    from: Place,
}

impl Again {
    pub fn new(settings: &Settings, bounds: &[Bound]) -> Result<Self> {
        let stretches = bounds.iter().map(|bound| stretch(&settings.bucket, bound)).collect::<Result<_>>()?;
        Ok(Self { stretches, next: 0 })
    }

    /// What is left of it.
    pub fn wanted(&self) -> Vec<Wanted> {
        let left = self.stretches.iter().enumerate().skip(self.next);
        left.map(|(number, Stretch { file, from, .. })| Wanted { number, file: file.clone(), from: *from })
            .collect()
    }

    /// Says where the file of this number stands behind what was given; it is done when nothing of it is left.
    pub fn record(&mut self, poll: &mut Poll, (number, outlet): (usize, &Outlet)) {
        let Some(stretch) = self.stretches.get_mut(number) else { return };
        let offset = if let Some(place) = outlet.after() {
            stretch.from = place;
            let file = Seen { place: Some(place), ..stretch.file.clone() };
            position::write(&Position { file: Some(file), is_complete: false })
        } else {
            self.next = number + 1;
            stretch.until.clone()
        };
        poll.position(stretch.partition.clone(), offset);
    }
}

fn stretch(bucket: &str, bound: &Bound) -> Result<Stretch> {
    let other = || {
        let asked = &bound.partition;
        Error::config(format!("s3.bucket: {bucket} has no files of {asked:?}, which are to be read again"))
    };
    if bound.partition.text("bucket") != Some(bucket) {
        return Err(other());
    }
    let file = position::read(&bound.until)?.file.ok_or_else(other)?;
    let before = bound.from.as_ref().map(position::read).transpose()?.and_then(|position| position.file);
    // Behind any other file this one was read from its beginning.
    let from = before.filter(|before| before.is_of(&file.key, &file.etag)).and_then(|before| before.place);
    let (partition, until) = (bound.partition.clone(), bound.until.clone());
    Ok(Stretch { partition, until, file, from: from.unwrap_or_default() })
}

/// A file, and the rows of it that are to be read again: from a place to that of `file`, or to its end.
pub struct Wanted {
    pub number: usize,
    pub file: Seen,
    pub from: Place,
}

/// Looks for the files and hands them on, if they are what they were.
pub struct Finder {
    pub bucket: Bucket,
    pub wanted: Vec<Wanted>,
    pub items: Sender<Item>,
}

impl Finder {
    pub async fn run(self) {
        for wanted in &self.wanted {
            let item = match self.find(wanted).await {
                Ok(file) => Item::File(Arc::new(file)),
                Err(error) => Item::Failed(error),
            };
            let is_last = matches!(item, Item::Failed(_));
            // Without a receiver the task ends.
            if self.items.send(item).await.is_err() || is_last {
                return;
            }
        }
        let _ = self.items.send(Item::Complete).await;
    }

    async fn find(&self, Wanted { number, file, from }: &Wanted) -> Result<File> {
        let mut found = File {
            object: Arc::new(Object {
                key: file.key.clone(),
                size: 0,
                etag: file.etag.clone(),
                modified_ms: file.modified_ms,
            }),
            from: *from,
            until: file.place,
            origin: Origin::Again(*number),
        };
        let object = self.bucket.head(&file.key).await;
        let object = object.map_err(|failure| lost(&self.bucket, &found, &failure))?;
        if object.etag != file.etag {
            let reason = format!("its etag is {:?}", object.etag);
            return Err(lost(&self.bucket, &found, &Failure { cause: Cause::Changed, action: GET, reason }));
        }
        // The same content may have been written once more, at another time.
        let modified_ms = file.modified_ms.or(object.modified_ms);
        found.object = Arc::new(Object { modified_ms, ..object });
        Ok(found)
    }
}

/// Why rows of the file cannot be given again. Others must not come in their place.
pub fn lost(bucket: &Bucket, file: &File, failure: &Failure) -> Error {
    let File { object, from, until, .. } = file;
    let what = match failure.cause {
        Cause::Gone => "the file was deleted",
        Cause::Changed => "the file is another one now",
        _ => return bucket.error_at(&object.key, failure),
    };
    let rows = until.map_or_else(|| "to its end".to_owned(), |until| format!("to before row {}", until.row));
    Error::config(format!(
        "s3://{}/{}: {what}: expected the one with the etag {:?}, whose rows from {} {rows} were read and are to be read \
         again: {}: {}",
        bucket.name(),
        object.key,
        object.etag,
        from.row,
        failure.action,
        failure.reason
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(from: Option<Seen>, until: Seen) -> Bound {
        let offset = |file| position::write(&Position { file: Some(file), is_complete: false });
        let partition = position::partition("b", ("", ""), 3);
        Bound { partition, from: from.map(offset), until: offset(until) }
    }

    fn seen(key: &str, etag: &str, row: Option<u64>) -> Seen {
        let place = row.map(|row| Place { at: row * 10, row, skip: 0 });
        Seen { key: key.into(), etag: etag.into(), modified_ms: Some(5), place }
    }

    #[test]
    fn a_file_begins_where_the_bound_does_and_at_its_beginning_behind_another() {
        let from = |before| stretch("b", &bound(before, seen("k", "e", Some(9)))).unwrap().from.row;
        assert_eq!(from(None), 0);
        assert_eq!(from(Some(seen("k", "e", Some(4)))), 4);
        assert_eq!(from(Some(seen("k", "", Some(4)))), 4, "a person has written this one");
        assert_eq!(from(Some(seen("j", "e", Some(4)))), 0);
        assert_eq!(from(Some(seen("k", "f", Some(4)))), 0, "it was replaced, and read anew");
    }

    #[test]
    fn what_names_no_file_of_this_bucket_is_refused() {
        let good = bound(None, seen("k", "e", None));
        assert!(stretch("b", &good).is_ok());
        assert!(stretch("other", &good).unwrap_err().message().contains("s3.bucket: other has no files of"));
        let nowhere = Bound { until: Fields::new().with("complete", true), ..good };
        assert!(stretch("b", &nowhere).is_err());
    }
}
