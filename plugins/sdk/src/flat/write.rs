//! Writes a flat value to the end of a buffer, without allocation of its own.
use super::{
    ARRAY, BYTES, FALSE, FLOAT32, FLOAT64, INT8, INT16, INT32, INT64, MAP, NULL, STRUCT, TEXT, TRUE,
};

/// Appends values to a buffer. Containers are written by closures, so they always close.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

/// An open array, map or struct: where its length and count are to be filled in.
#[derive(Debug)]
#[must_use]
pub struct Open {
    length_at: usize,
}

impl<'a> Writer<'a> {
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    pub fn null(&mut self) {
        self.out.push(NULL);
    }

    pub fn boolean(&mut self, value: bool) {
        self.out.push(if value { TRUE } else { FALSE });
    }

    pub fn int8(&mut self, value: i8) {
        self.tagged(INT8, value.to_le_bytes());
    }

    pub fn int16(&mut self, value: i16) {
        self.tagged(INT16, value.to_le_bytes());
    }

    pub fn int32(&mut self, value: i32) {
        self.tagged(INT32, value.to_le_bytes());
    }

    pub fn int64(&mut self, value: i64) {
        self.tagged(INT64, value.to_le_bytes());
    }

    pub fn float32(&mut self, value: f32) {
        self.tagged(FLOAT32, value.to_le_bytes());
    }

    pub fn float64(&mut self, value: f64) {
        self.tagged(FLOAT64, value.to_le_bytes());
    }

    pub fn text(&mut self, value: &str) {
        self.out.push(TEXT);
        self.sized(value.as_bytes());
    }

    pub fn bytes(&mut self, value: &[u8]) {
        self.out.push(BYTES);
        self.sized(value);
    }

    /// Writes an array; `items` writes one value per item and answers how many.
    pub fn array(&mut self, items: impl FnOnce(&mut Self) -> u32) {
        let open = self.begin(ARRAY);
        let count = items(self);
        self.end(&open, count);
    }

    /// Writes a map; `entries` writes key and value in turns and answers how many pairs.
    pub fn map(&mut self, entries: impl FnOnce(&mut Self) -> u32) {
        let open = self.begin(MAP);
        let count = entries(self);
        self.end(&open, count);
    }

    /// Writes a struct; `fields` writes [`Self::name`] and a value in turns and answers how many pairs.
    pub fn structure(&mut self, fields: impl FnOnce(&mut Self) -> u32) {
        let open = self.begin(STRUCT);
        let count = fields(self);
        self.end(&open, count);
    }

    /// The name of the next field of a struct.
    pub fn name(&mut self, name: &str) {
        self.sized(name.as_bytes());
    }

    /// Starts a container by its tag, for writers that cannot use a closure; pair it with [`Self::end`].
    pub fn begin(&mut self, tag: u8) -> Open {
        self.out.push(tag);
        let length_at = self.out.len();
        self.out.extend_from_slice(&[0; 8]);
        Open { length_at }
    }

    /// Fills in length and count of a container.
    pub fn end(&mut self, open: &Open, count: u32) {
        let at = open.length_at;
        let length = (self.out.len() - at - 4) as u32;
        self.out[at..at + 4].copy_from_slice(&length.to_le_bytes());
        self.out[at + 4..at + 8].copy_from_slice(&count.to_le_bytes());
    }

    fn tagged<const N: usize>(&mut self, tag: u8, number: [u8; N]) {
        self.out.push(tag);
        self.out.extend_from_slice(&number);
    }

    fn sized(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.out.extend_from_slice(bytes);
    }
}
