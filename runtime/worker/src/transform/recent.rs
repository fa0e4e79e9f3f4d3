//! What the records of a batch refer to, such as topics and schemas.

/// Things and their places; the memory is used again for the next batch.
pub struct Recent<T>(Vec<T>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Recent<T> {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The place of the thing that is meant; it is made if there is none near.
    pub fn place(&mut self, is_meant: impl FnMut(&T) -> bool, make: impl FnOnce() -> T) -> usize {
        // The newest ones come first: records come in runs of the same.
        if let Some(back) = self.0.iter().rev().take(NEAR).position(is_meant) {
            return self.0.len() - 1 - back;
        }
        self.0.push(make());
        self.0.len() - 1
    }

    pub fn get(&self, place: Option<usize>) -> Option<&T> {
        place.and_then(|place| self.0.get(place))
    }
}

impl Recent<String> {
    pub fn of_text(&mut self, text: &str) -> usize {
        self.place(|known| known == text, || text.to_owned())
    }
}

/// How far back is looked; what is found no more stands there twice.
const NEAR: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_as_long_as_it_is_near() {
        let mut texts = Recent::default();
        let [key, value] = ["k", "v"].map(|text| texts.of_text(text));
        assert_eq!((texts.of_text("k"), texts.of_text("v")), (key, value));
        let text = |texts: &Recent<String>, place| texts.get(place).cloned();
        assert_eq!(text(&texts, Some(key)).as_deref(), Some("k"));
        assert_eq!(text(&texts, Some(value)).as_deref(), Some("v"));
        assert_eq!(text(&texts, None), None);
        (0..NEAR).for_each(|number| {
            texts.of_text(&number.to_string());
        });
        let again = texts.of_text("k");
        assert!(again != key && text(&texts, Some(again)).as_deref() == Some("k"));
        texts.clear();
        assert_eq!(text(&texts, Some(key)), None);
    }
}
