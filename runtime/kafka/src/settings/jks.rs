//! Java's own format of key stores, JKS: certificates, and keys under Sun's protection.

use openssl::pkey::PKey;
use openssl::sha::Sha1;
use openssl::x509::X509;

use super::stores::Store;

pub(super) const MAGIC: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];

/// Far more than any store has; each one costs at least its header.
const ENTRIES_MAX: u32 = 10_000;
/// 1.3.6.1.4.1.42.2.17.1.1, with its tag and length: a key under Sun's protection.
const SUN_PROTECTION: [u8; 12] = [0x06, 0x0A, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x11, 0x01, 0x01];

/// Why a store cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Damaged,
    StorePassword,
    KeyPassword,
    /// A key that is protected in another way than Java's own.
    Protection,
}

/// Without a password the store's own check is left out, as Java does. The key needs one.
pub(super) fn read(bytes: &[u8], store: Option<&str>, key: Option<&str>) -> Result<Store, Fault> {
    let (body, check) = bytes.split_at_checked(bytes.len().wrapping_sub(20)).ok_or(Fault::Damaged)?;
    if let Some(password) = store
        && digest(&[&utf16(password), b"Mighty Aphrodite", body]) != check
    {
        return Err(Fault::StorePassword);
    }
    let mut input = Input(body);
    if input.take(4)? != MAGIC {
        return Err(Fault::Damaged);
    }
    let version = input.number()?;
    let count = input.number()?;
    if !(1..=2).contains(&version) || count > ENTRIES_MAX {
        return Err(Fault::Damaged);
    }
    let mut found = Store::default();
    for _ in 0..count {
        let tag = input.number()?;
        input.text()?;
        input.take(8)?;
        match tag {
            1 => {
                let protected = input.block()?;
                let length = input.number()?.min(ENTRIES_MAX);
                let chain = (0..length).map(|_| input.certificate(version)).collect::<Result<Vec<_>, _>>()?;
                // As with Java, the first key is the one that is used.
                if found.key.is_none() {
                    let password = key.or(store).ok_or(Fault::KeyPassword)?;
                    found.key = Some(unprotect(protected, password)?);
                    found.chain = chain;
                }
            }
            2 => found.trusted.push(input.certificate(version)?),
            _ => return Err(Fault::Damaged),
        }
    }
    Ok(found)
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Fault::Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, Fault> {
        let bytes = self.take(4)?.try_into().map_err(|_| Fault::Damaged)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn text(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.take(2)?.try_into().map_err(|_| Fault::Damaged)?;
        self.take(u16::from_be_bytes(length).into())
    }

    fn block(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.number()?;
        self.take(length as usize)
    }

    fn certificate(&mut self, version: u32) -> Result<X509, Fault> {
        if version == 2 && self.text()? != b"X.509" {
            return Err(Fault::Damaged);
        }
        X509::from_der(self.block()?).map_err(|_| Fault::Damaged)
    }
}

/// The key is laid over with a stream of SHA-1 digests, each of the password and the digest before it.
fn unprotect(protected: &[u8], password: &str) -> Result<PKey<openssl::pkey::Private>, Fault> {
    let data = protected_data(protected)?;
    let (salt, rest) = data.split_at_checked(20).ok_or(Fault::Damaged)?;
    let (hidden, check) = rest.split_at_checked(rest.len().wrapping_sub(20)).ok_or(Fault::Damaged)?;
    let password = utf16(password);
    let mut plain = Vec::with_capacity(hidden.len());
    let mut last = salt.to_vec();
    for part in hidden.chunks(20) {
        last = digest(&[&password, &last]).to_vec();
        plain.extend(part.iter().zip(&last).map(|(hidden, stream)| hidden ^ stream));
    }
    if digest(&[&password, &plain]) != check {
        return Err(Fault::KeyPassword);
    }
    PKey::private_key_from_pkcs8(&plain).map_err(|_| Fault::Damaged)
}

/// `SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING }`: the text of the last.
fn protected_data(der: &[u8]) -> Result<&[u8], Fault> {
    let (outer, _) = tagged(der, 0x30)?;
    let (algorithm, rest) = tagged(outer, 0x30)?;
    if !algorithm.starts_with(&SUN_PROTECTION) {
        return Err(Fault::Protection);
    }
    Ok(tagged(rest, 0x04)?.0)
}

/// Contents of the first value, which has this tag, and what follows it.
fn tagged(der: &[u8], tag: u8) -> Result<(&[u8], &[u8]), Fault> {
    let (&[found, first], rest) = der.split_first_chunk::<2>().ok_or(Fault::Damaged)?;
    if found != tag {
        return Err(Fault::Damaged);
    }
    let (length, rest) = match first {
        0..=0x7F => (first as usize, rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked((first & 0x7F).into()).ok_or(Fault::Damaged)?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return Err(Fault::Damaged),
    };
    rest.split_at_checked(length).ok_or(Fault::Damaged)
}

fn utf16(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn digest(parts: &[&[u8]]) -> [u8; 20] {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part);
    }
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_file_panics() {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([
            0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0x30, 0x84, 255,
        ]);
        bytes.extend([7; 40]);
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end], None, Some("x")).is_err(), "{end}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0xFF;
            assert!(read(&changed, None, Some("x")).is_err(), "{at}");
        }
        assert_eq!(read(&[0; 64], Some("x"), None).err(), Some(Fault::StorePassword));
    }
}
