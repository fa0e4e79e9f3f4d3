//! The logs of a standalone worker: one table each in an embedded database file.
use super::log::{Entry, Read, Reader};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// One log. What is appended is durable and handed to the reader before `append` returns. Every call blocks.
pub struct LocalLog {
    database: Arc<Database>,
    table: &'static str,
    reading: Mutex<Reading>,
}

struct Reading {
    reader: Reader,
    has_replayed: bool,
}

/// Opens the file, or makes it. Another worker that has it open is named as the reason.
pub fn open(path: &Path) -> Result<Arc<Database>, String> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("making {}: {error}", folder.display()))?;
    }
    match Database::create(path) {
        Ok(database) => Ok(Arc::new(database)),
        Err(redb::DatabaseError::DatabaseAlreadyOpen) => Err(format!(
            "{}: another standalone worker has this store open, give each worker its own",
            path.display()
        )),
        Err(error) => Err(format!("opening the store {}: {error}", path.display())),
    }
}

impl LocalLog {
    pub fn open(database: Arc<Database>, table: &'static str, reader: Reader) -> Result<Self, String> {
        let write = database.begin_write().map_err(text)?;
        write.open_table(definition(table)).map_err(text)?;
        write.commit().map_err(text)?;
        Ok(Self { database, table, reading: Mutex::new(Reading { reader, has_replayed: false }) })
    }

    /// Hands everything that the table holds to the reader, by key, at the first call; later calls find it done.
    pub fn read_to_end(&self) -> Result<(), String> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        self.replay(&mut reading)
    }

    pub fn append(&self, entries: Vec<Entry>) -> Result<(), String> {
        // The lock spans both steps: readers see records in the order in which they became durable.
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        self.replay(&mut reading)?;
        let write = self.database.begin_write().map_err(text)?;
        {
            let mut rows = write.open_table(definition(self.table)).map_err(text)?;
            for entry in &entries {
                match &entry.value {
                    Some(value) => drop(rows.insert(entry.key.as_slice(), value.as_slice()).map_err(text)?),
                    None => drop(rows.remove(entry.key.as_slice()).map_err(text)?),
                }
            }
        }
        write.commit().map_err(text)?;
        let read = entries.into_iter().map(|entry| Read { entry, place: None });
        read.for_each(&mut reading.reader);
        Ok(())
    }

    fn replay(&self, reading: &mut Reading) -> Result<(), String> {
        if std::mem::replace(&mut reading.has_replayed, true) {
            return Ok(());
        }
        let read = self.database.begin_read().map_err(text)?;
        let rows = read.open_table(definition(self.table)).map_err(text)?;
        for row in rows.iter().map_err(text)? {
            let (key, value) = row.map_err(text)?;
            let entry = Entry { key: key.value().to_vec(), value: Some(value.value().to_vec()) };
            (reading.reader)(Read { entry, place: None });
        }
        Ok(())
    }
}

fn definition(table: &'static str) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(table)
}

fn text(error: impl std::fmt::Display) -> String {
    format!("the standalone store: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn entry(key: &str, value: Option<&str>) -> Entry {
        Entry { key: key.into(), value: value.map(Into::into) }
    }

    fn opened(database: &Arc<Database>) -> (LocalLog, mpsc::Receiver<String>) {
        let (send, receive) = mpsc::channel();
        let reader = Box::new(move |Read { entry, .. }: Read| {
            let value = entry.value.map(|value| String::from_utf8(value).unwrap());
            send.send(format!("{}={value:?}", String::from_utf8(entry.key).unwrap())).unwrap();
        });
        (LocalLog::open(Arc::clone(database), "configs", reader).unwrap(), receive)
    }

    #[test]
    fn a_reopened_log_holds_what_was_appended_and_not_what_was_erased() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/store.redb");
        {
            let (log, read) = opened(&open(&path).unwrap());
            log.append(vec![entry("a", Some("1")), entry("b", Some("2")), entry("a", None)]).unwrap();
            assert_eq!(read.try_iter().count(), 3);
        }
        let (log, read) = opened(&open(&path).unwrap());
        log.read_to_end().unwrap();
        log.read_to_end().unwrap();
        assert_eq!(read.try_iter().collect::<Vec<_>>(), ["b=Some(\"2\")"]);
    }

    #[test]
    fn a_second_worker_on_the_same_file_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let _held = open(&path).unwrap();
        let refused = open(&path).unwrap_err();
        assert!(refused.contains("another standalone worker"), "{refused}");
    }
}
