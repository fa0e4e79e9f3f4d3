//! A table's column while a batch is gathered: written only where records have it.
use crate::columns::{Buffer, Column as Values};
use crate::json::{Cursor, Fault};
use crate::types::{self, Type};
use crate::values::Zones;

/// A column of the target table that an insert may name.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    /// The type as the server prints it.
    pub type_text: String,
    /// Whether a DEFAULT or EPHEMERAL expression gives the value when a row has none.
    pub has_default: bool,
}

/// How a row without a value gets the column's DEFAULT.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// There is no expression: it gets the zero value.
    Zero,
    /// It is sent as NULL, which the server replaces.
    Null,
    /// NULL is a value of its own or impossible here: the column stays out of the row's block.
    WholeBlock,
}

/// One column and how far it is written. Rows without a value are filled in late and together, so that a
/// record costs nothing for the columns that it does not have.
pub struct Slot {
    pub name: String,
    /// The field that it takes, as messages name it.
    pub field: String,
    pub type_text: String,
    /// The type's name in a block's header.
    pub wire: String,
    /// `None` if the sink cannot write this type.
    pub values: Option<Values>,
    /// What to do about that.
    pub advice: Option<&'static str>,
    pub default: Default,
    /// With `Default::Null`, one byte a row: 1 where the value is missing.
    pub missing: Buffer,
    /// Rows written, values and fillings.
    pub rows: usize,
    keeps_null: bool,
    /// The first row that has a value.
    first: Option<usize>,
    /// The server would fill an omitted column with something else than the zero value.
    never_omit: bool,
}

impl Slot {
    pub fn new(column: &Column, zones: &Zones) -> Self {
        let (parsed, advice) = match types::parse(&column.type_text) {
            Ok(ty) => (Some(ty), None),
            Err(unsupported) => (None, unsupported.advice),
        };
        let default = match &parsed {
            Some(_) if !column.has_default => Default::Zero,
            Some(ty) if ty.can_be_nullable() => Default::Null,
            _ => Default::WholeBlock,
        };
        Slot {
            name: column.name.clone(),
            field: column.name.clone(),
            type_text: column.type_text.clone(),
            wire: parsed.as_ref().map(Type::to_string).unwrap_or_default(),
            keeps_null: matches!(parsed, Some(Type::Nullable(_))),
            first: None,
            never_omit: default == Default::Zero
                && parsed.as_ref().is_some_and(Type::omitted_differs_from_zero),
            values: parsed.map(|ty| Values::new(&ty, zones)),
            advice,
            default,
            missing: Buffer::default(),
            rows: 0,
        }
    }

    /// Whether `null` is a value of this column and not the absence of one.
    #[inline]
    pub fn keeps_null(&self) -> bool {
        self.keeps_null
    }

    /// Whether row number `row` has a value.
    #[inline]
    pub fn has(&self, row: usize) -> bool {
        self.rows > row
    }

    /// Makes ready for the value of `row`, forgetting one that was written already. True if there was none.
    #[inline]
    pub fn begin(&mut self, row: usize) -> bool {
        if self.has(row) {
            self.rollback(row);
        } else if self.rows < row {
            self.fill(row);
        }
        let Some(values) = &mut self.values else {
            return false;
        };
        values.mark();
        self.first.get_or_insert(row);
        if self.default == Default::Null {
            self.missing.mark();
            self.missing.push(&[0]);
        }
        self.rows = row + 1;
        true
    }

    #[inline]
    pub fn append(&mut self, json: &mut Cursor<'_>) -> Result<(), Fault> {
        match &mut self.values {
            Some(values) => values.append(json),
            None => Err(Fault::Misfit { at: json.position() }),
        }
    }

    /// Forgets the value of `row`, if there is one.
    pub fn rollback(&mut self, row: usize) {
        if !self.has(row) {
            return;
        }
        self.rows = row;
        self.first = self.first.filter(|&first| first < row);
        self.missing.rollback();
        if let Some(values) = &mut self.values {
            values.rollback();
        }
    }

    /// Begins a new block before `row`, which may be written already.
    pub fn cut(&mut self, row: usize) {
        self.fill(row);
        let row_written = self.has(row);
        self.missing.cut(row_written);
        if let Some(values) = &mut self.values {
            values.cut(row_written);
        }
    }

    /// Whether an insert sends the column at all.
    pub fn is_sent(&self) -> bool {
        self.first.is_some() || self.never_omit
    }

    /// Fills the column up to the end of the batch.
    pub fn complete(&mut self, rows: usize) {
        if self.is_sent() {
            self.fill(rows);
        }
    }

    pub fn clear(&mut self) {
        self.rows = 0;
        self.first = None;
        self.missing.clear();
        if let Some(values) = &mut self.values {
            values.clear();
        }
    }

    fn fill(&mut self, row: usize) {
        let Some(values) = &mut self.values else {
            return;
        };
        let count = row.saturating_sub(self.rows);
        if count == 0 {
            return;
        }
        values.fill(count);
        if self.default == Default::Null {
            self.missing.fill(1, count);
        }
        self.rows = row;
    }
}
