//! Which type of a schema a column cannot take.

#[derive(Debug, PartialEq)]
pub struct Unfit {
    /// Names of the fields around it, innermost first.
    path: Vec<String>,
    /// The type in words.
    pub what: String,
}

impl Unfit {
    pub fn new(what: String) -> Self {
        Unfit { path: Vec::new(), what }
    }

    /// The field within `field` that does not fit.
    pub fn field(&self, field: &str) -> String {
        let inner = self.path.iter().rev().map(|name| format!(".{name}"));
        std::iter::once(field.to_owned()).chain(inner).collect()
    }

    pub fn within(mut self, name: &str) -> Self {
        self.path.push(name.to_owned());
        self
    }
}
