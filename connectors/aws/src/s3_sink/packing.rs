//! Compresses lines as they come, the same bytes for the same lines.
use std::io::{Result, Write};

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use snap::write::FrameEncoder;

use super::settings::Compression;

/// Lines in, bytes of an object out.
pub enum Packing {
    None(Vec<u8>),
    /// Without a time in its head, which would differ each time.
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Snappy(Box<FrameEncoder<Vec<u8>>>),
}

impl Packing {
    pub fn new(compression: Compression) -> Result<Self> {
        Ok(match compression {
            Compression::None => Self::None(Vec::new()),
            Compression::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Level::default())),
            Compression::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?),
            Compression::Snappy => Self::Snappy(Box::new(FrameEncoder::new(Vec::new()))),
        })
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::None(out) => out.write_all(bytes),
            Self::Gzip(out) => out.write_all(bytes),
            Self::Zstd(out) => out.write_all(bytes),
            Self::Snappy(out) => out.write_all(bytes),
        }
    }

    /// What has come out so far; it may be taken away.
    pub fn out(&mut self) -> &mut Vec<u8> {
        match self {
            Self::None(out) => out,
            Self::Gzip(out) => out.get_mut(),
            Self::Zstd(out) => out.get_mut(),
            Self::Snappy(out) => out.get_mut(),
        }
    }

    /// The rest.
    pub fn finish(self) -> Result<Vec<u8>> {
        match self {
            Self::None(out) => Ok(out),
            Self::Gzip(out) => out.finish(),
            Self::Zstd(out) => out.finish(),
            Self::Snappy(out) => out.into_inner().map_err(|error| error.error().kind().into()),
        }
    }
}

/// The library's own.
const ZSTD_LEVEL: i32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn packed(compression: Compression, takes: bool) -> Vec<u8> {
        let (mut packing, mut all) = (Packing::new(compression).unwrap(), Vec::new());
        for number in 0..50_000 {
            packing.write(format!("{{\"number\":{number}}}\n").as_bytes()).unwrap();
            if takes && packing.out().len() > 10_000 {
                all.append(packing.out());
            }
        }
        all.extend(packing.finish().unwrap());
        all
    }

    #[test]
    fn what_is_taken_away_meanwhile_is_part_of_the_same_bytes() {
        let plain = packed(Compression::None, false);
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd, Compression::Snappy] {
            let bytes = packed(compression, true);
            assert_eq!(bytes, packed(compression, false), "{compression:?}");
            let mut read = Vec::new();
            let mut reader: Box<dyn Read> = match compression {
                Compression::None => Box::new(&bytes[..]),
                Compression::Gzip => Box::new(flate2::read::GzDecoder::new(&bytes[..])),
                Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(&bytes[..]).unwrap()),
                Compression::Snappy => Box::new(snap::read::FrameDecoder::new(&bytes[..])),
            };
            reader.read_to_end(&mut read).unwrap();
            assert!(read == plain, "{compression:?}");
        }
    }
}
