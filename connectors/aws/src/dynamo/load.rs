//! Reads this task's files of an export, one after the other, each on from where it stood.
use std::sync::Arc;

use penstock_sdk::{Error, Result};

use crate::bucket::Bucket;

use super::conductor::{Conductor, News, Rows};
use super::file::{Lines, Unpacking};
use super::manifest::{self, File, Manifest};

impl Conductor {
    pub(super) async fn load(&mut self, bucket: &Bucket, manifest: &Manifest) -> Result<()> {
        let tasks = self.settings.tasks as usize;
        let first = self.settings.task as usize;
        let own: Vec<&File> = manifest.files.iter().skip(first).step_by(tasks).collect();
        self.progress.plan(&own);
        for file in own {
            let place = self.place(&file.key)?;
            let known = place.rows.max(self.sent.get(&file.key).copied().unwrap_or_default());
            if place.is_done || known > file.items {
                self.progress.done(file.items);
                continue;
            }
            self.progress.skip(known);
            self.file(bucket, manifest, file, known).await?;
            self.progress.file();
        }
        Ok(())
    }

    async fn file(&mut self, bucket: &Bucket, manifest: &Manifest, file: &File, skip: u64) -> Result<()> {
        let at = |reason: String| Error::fatal(format!("s3://{}/{}: {reason}", bucket.name(), file.key));
        let shared = Arc::new(file.clone());
        let rows = |lines: Lines, is_last: bool| Rows {
            file: Arc::clone(&shared),
            lines,
            skip,
            is_last,
            time_ms: manifest.time_ms,
        };
        let failed = |failure| manifest::error(bucket, &file.key, &failure);
        let mut body = bucket.get(&file.key, None, None).await.map_err(failed)?;
        let mut unpacking = Unpacking::new(self.settings.item_bytes_max);
        let mut ready = Vec::new();
        while let Some(bytes) = body.next().await.map_err(failed)? {
            unpacking.take(&bytes, |lines| ready.push(lines)).map_err(at)?;
            self.progress.bytes(bytes.len());
            for lines in ready.drain(..) {
                self.bring(rows(lines, false)).await;
            }
        }
        let rest = unpacking.finish(file).map_err(at)?;
        self.bring(rows(rest, true)).await;
        Ok(())
    }

    async fn bring(&mut self, rows: Rows) {
        let end = rows.lines.first + rows.lines.rows;
        // What was given before is not given again, also when the way to the file broke.
        if end <= rows.skip && !rows.is_last {
            return;
        }
        let new = end - rows.lines.first.max(rows.skip.min(end));
        // One more than there are, when it is whole.
        self.sent.insert(rows.file.key.clone(), if rows.is_last { end + 1 } else { end });
        self.send(News::Rows(rows)).await;
        self.progress.rows(new);
    }
}
