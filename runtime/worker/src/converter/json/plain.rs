//! JSON without a schema, written to the flat encoding in one pass: no tree in between.

use std::fmt;

use penstock_sdk::flat::{ARRAY, MAP, Writer};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Appends whatever JSON value comes: integers as 64 bits, other numbers as doubles, objects as maps in their order.
pub struct Plain<'a>(pub &'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Plain<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Plain<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Writer::new(self.0).null();
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        Writer::new(self.0).boolean(value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        Writer::new(self.0).int64(value);
        Ok(())
    }

    /// Beyond 63 bits there is no integer in Connect: a double keeps the size, where Java keeps wrong digits.
    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        let mut flat = Writer::new(self.0);
        match i64::try_from(value) {
            Ok(value) => flat.int64(value),
            Err(_) => flat.float64(value as f64),
        }
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        Writer::new(self.0).float64(value);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        Writer::new(self.0).text(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let open = Writer::new(self.0).begin(ARRAY);
        let mut count = 0;
        while items.next_element_seed(Plain(self.0))?.is_some() {
            count += 1;
        }
        Writer::new(self.0).end(&open, count);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let open = Writer::new(self.0).begin(MAP);
        let mut count = 0_u32;
        while entries.next_key_seed(Plain(self.0))?.is_some() {
            entries.next_value_seed(Plain(self.0))?;
            count = count.checked_add(1).ok_or_else(|| A::Error::custom("too many entries"))?;
        }
        Writer::new(self.0).end(&open, count);
        Ok(())
    }
}
