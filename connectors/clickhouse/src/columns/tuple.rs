//! `Tuple` columns: one column for each element, filled from an object by name or from an array by place.
use std::borrow::Cow;

use super::Column;
use crate::json::{Cursor, Fault};
use crate::types::Element;
use crate::values::Zones;

pub struct Tuple {
    elements: Vec<Named>,
    /// Elements of the object at hand that were written; only used within one `append`.
    written: Vec<bool>,
}

struct Named {
    name: Option<String>,
    column: Column,
}

impl Tuple {
    pub fn new(elements: &[Element], zones: &Zones) -> Self {
        let named =
            |element: &Element| Named { name: element.name.clone(), column: Column::new(&element.ty, zones) };
        Tuple { elements: elements.iter().map(named).collect(), written: Vec::new() }
    }

    pub fn append(&mut self, json: &mut Cursor<'_>) -> Result<(), Fault> {
        let at = json.position();
        match json.peek() {
            b'{' if self.elements.iter().any(|element| element.name.is_some()) => self.append_object(json),
            b'[' => self.append_array(json, at),
            b'n' => {
                json.literal("null")?;
                self.fill(1);
                Ok(())
            }
            _ => Err(Fault::Misfit { at }),
        }
    }

    /// Unknown names are stepped over, missing ones become zero values, and of a name that comes twice the
    /// first counts: an element cannot take a value back without taking back the row.
    fn append_object(&mut self, json: &mut Cursor<'_>) -> Result<(), Fault> {
        self.written.clear();
        self.written.resize(self.elements.len(), false);
        json.enter()?;
        let mut next = 0;
        let mut more = json.any(b'}')?;
        while more {
            let found = self.element(json, next)?;
            match found {
                Some(index) if !self.written[index] => {
                    self.elements[index].column.append(json)?;
                    self.written[index] = true;
                    next = index + 1;
                }
                _ => json.skip()?,
            }
            more = json.more(b'}')?;
        }
        for (element, written) in self.elements.iter_mut().zip(&self.written) {
            if !written {
                element.column.fill(1);
            }
        }
        Ok(())
    }

    /// Reads a name and finds its element, first where the names come in the order of the type.
    fn element(&self, json: &mut Cursor<'_>, next: usize) -> Result<Option<usize>, Fault> {
        let name = json.string()?;
        json.expect(b':', "\":\"")?;
        let is = |element: &Named| element.name.as_deref() == Some(&*name);
        if self.elements.get(next).is_some_and(is) {
            return Ok(Some(next));
        }
        Ok(self.elements.iter().position(is))
    }

    fn append_array(&mut self, json: &mut Cursor<'_>, at: usize) -> Result<(), Fault> {
        json.enter()?;
        let mut more = json.any(b']')?;
        for element in &mut self.elements {
            if !more {
                return Err(Fault::Misfit { at });
            }
            element.column.append(json)?;
            more = json.more(b']')?;
        }
        if more { Err(Fault::Misfit { at }) } else { Ok(()) }
    }

    /// Makes ready for elements in any order; `finish` gives zero values to those that did not come.
    pub fn begin(&mut self) {
        self.written.clear();
        self.written.resize(self.elements.len(), false);
    }

    /// Where an element goes; `None` if it is there already or if there is no such element.
    pub fn column(&mut self, index: usize) -> Option<&mut Column> {
        let written = self.written.get_mut(index).filter(|written| !**written)?;
        *written = true;
        Some(&mut self.elements.get_mut(index)?.column)
    }

    pub fn finish(&mut self) {
        for (element, written) in self.elements.iter_mut().zip(&self.written) {
            if !written {
                element.column.fill(1);
            }
        }
    }

    pub fn fill(&mut self, rows: usize) {
        self.each(|column| column.fill(rows));
    }

    pub fn mark(&mut self) {
        self.each(Column::mark);
    }

    pub fn rollback(&mut self) {
        self.each(Column::rollback);
    }

    pub fn cut(&mut self, row_written: bool) {
        self.each(|column| column.cut(row_written));
    }

    pub fn clear(&mut self) {
        self.each(Column::clear);
    }

    pub fn prefix(&self, block: usize, out: &mut Vec<u8>) {
        self.elements.iter().for_each(|element| element.column.prefix(block, out));
    }

    pub fn pieces<'a>(&'a self, block: usize, out: &mut Vec<Cow<'a, [u8]>>) {
        self.elements.iter().for_each(|element| element.column.pieces(block, out));
    }

    pub fn zero_size(&self) -> usize {
        self.elements.iter().map(|element| element.column.zero_size()).sum()
    }

    fn each(&mut self, act: impl Fn(&mut Column)) {
        self.elements.iter_mut().for_each(|element| act(&mut element.column));
    }
}
