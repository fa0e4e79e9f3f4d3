//! Steps over a value of any kind, checking that it is one.
use super::{Cursor, DEPTH_MAX, Fault};

impl<'a> Cursor<'a> {
    /// Steps over the next value and returns its text.
    pub fn raw(&mut self) -> Result<&'a str, Fault> {
        let start = self.position();
        self.skip()?;
        Ok(&self.text[start..self.at])
    }

    /// Steps over the next value. What is open is one bit each in `objects`, so that a record cannot use up
    /// the stack.
    pub fn skip(&mut self) -> Result<(), Fault> {
        let mut objects = 0_u128;
        let outer = self.depth;
        loop {
            match self.peek() {
                open @ (b'{' | b'[') => {
                    if self.depth >= DEPTH_MAX {
                        return Err(Fault::TooDeep);
                    }
                    let object = open == b'{';
                    objects = objects << 1 | u128::from(object);
                    self.at += 1;
                    self.depth += 1;
                    if self.any(closing(object))? {
                        if object {
                            self.skip_name()?;
                        }
                        continue;
                    }
                    objects >>= 1;
                }
                _ => self.skip_scalar()?,
            }
            if !self.skip_closed(&mut objects, outer)? {
                return Ok(());
            }
        }
    }

    /// After a value: closes what ends here. False when the value that `skip` began with is complete.
    fn skip_closed(&mut self, objects: &mut u128, outer: u32) -> Result<bool, Fault> {
        while self.depth > outer {
            let object = *objects & 1 == 1;
            if self.more(closing(object))? {
                if object {
                    self.skip_name()?;
                }
                return Ok(true);
            }
            *objects >>= 1;
        }
        Ok(false)
    }

    fn skip_name(&mut self) -> Result<(), Fault> {
        self.skip_string()?;
        self.expect(b':', "\":\"")
    }

    fn skip_scalar(&mut self) -> Result<(), Fault> {
        match self.peek() {
            b'"' => self.skip_string(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            b'-' | b'0'..=b'9' => self.number().map(|_| ()),
            _ => Err(self.fault("a value")),
        }
    }
}

fn closing(object: bool) -> u8 {
    if object { b'}' } else { b']' }
}
