//! The schemas of a batch's keys and values, each text once.

/// What the records of a batch refer to; the memory is used again for the next batch.
#[derive(Default)]
pub struct Schemas {
    texts: Vec<String>,
}

/// A schema of the batch.
pub type At = Option<usize>;

impl Schemas {
    pub fn clear(&mut self) {
        self.texts.clear();
    }

    /// Keeps a schema, unless it is there.
    pub fn keep(&mut self, text: Option<&str>) -> At {
        let text = text?;
        // The newest ones come first: records come in runs of one schema for keys and one for values.
        let back = self.texts.iter().rev().take(RECENT_MAX).position(|known| known == text);
        if let Some(back) = back {
            return Some(self.texts.len() - 1 - back);
        }
        self.texts.push(text.to_owned());
        Some(self.texts.len() - 1)
    }

    pub fn text(&self, at: At) -> Option<&str> {
        at.and_then(|at| self.texts.get(at)).map(String::as_str)
    }
}

/// Distinct schemas are looked for this far back; one that is found no more stands there twice.
const RECENT_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_kept_once_as_long_as_it_is_near() {
        let mut schemas = Schemas::default();
        let [key, value] = ["k", "v"].map(|text| schemas.keep(Some(text)));
        assert_eq!(
            (schemas.keep(Some("k")), schemas.keep(Some("v")), schemas.keep(None)),
            (key, value, None)
        );
        assert_eq!(
            (schemas.text(key), schemas.text(value), schemas.text(None)),
            (Some("k"), Some("v"), None)
        );
        (0..RECENT_MAX).for_each(|number| {
            schemas.keep(Some(&number.to_string()));
        });
        let again = schemas.keep(Some("k"));
        assert!(again != key && schemas.text(again) == Some("k"));
    }
}
