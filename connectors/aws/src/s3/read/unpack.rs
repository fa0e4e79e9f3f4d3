//! Compressed files, read as they come.
use std::io::{BufRead, BufReader, ErrorKind, Read, Result};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder as Lz4;
use snap::read::FrameDecoder as Snappy;
use zstd::stream::read::Decoder as Zstd;

use super::tally::{Bounded, Counted};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    None,
    Gzip,
    Zstd,
    Lz4,
    Snappy,
    Bzip2,
}

impl Packing {
    /// By a setting's word, or the end of a key.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::None,
            "gz" | "gzip" => Self::Gzip,
            "zst" | "zstd" => Self::Zstd,
            "lz4" => Self::Lz4,
            "snappy" | "sz" => Self::Snappy,
            "bz2" | "bzip2" => Self::Bzip2,
            _ => return None,
        })
    }

    /// By the first bytes of a file.
    pub fn by_content(first: &[u8]) -> Self {
        let found = MAGIC.iter().find(|(magic, _)| first.starts_with(magic));
        found.map_or(Self::None, |(_, packing)| *packing)
    }
}

/// What is in it. Files that were put together one behind the other are read to the end of the last.
pub fn unpack<R: BufRead + Send + 'static>(
    packed: R,
    packing: Packing,
    ratio_max: u64,
) -> Result<Box<dyn BufRead + Send>> {
    if packing == Packing::None {
        return Ok(Box::new(packed));
    }
    let (packed, taken) = Counted::new(packed);
    let plain: Box<dyn Read + Send> = match packing {
        Packing::None | Packing::Gzip => Box::new(MultiGzDecoder::new(packed)),
        Packing::Zstd => Box::new(Zstd::with_buffer(packed)?),
        Packing::Bzip2 => Box::new(MultiBzDecoder::new(packed)),
        Packing::Lz4 => Box::new(Lz4Frames(Some(Lz4::new(Tail { inner: packed, last: [1; 8] })))),
        Packing::Snappy => Box::new(Snappy::new(packed)),
    };
    Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, Bounded::new(plain, taken, ratio_max))))
}

/// One frame after the other: the reader of one stops at its end, and takes the end of the file for that as well.
struct Lz4Frames<R: Read>(Option<Lz4<Tail<R>>>);

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while let Some(frame) = &mut self.0 {
            let count = frame.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(mut rest) = self.0.take().map(Lz4::into_inner) else { break };
            if !rest.is_ended() {
                return Err(std::io::Error::new(ErrorKind::UnexpectedEof, "the file ends within a frame"));
            }
            if !rest.inner.fill_buf()?.is_empty() {
                self.0 = Some(Lz4::new(rest));
            }
        }
        Ok(0)
    }
}

/// Keeps the last bytes that were read: a frame ends with four zeros, and a checksum behind them if it has one.
struct Tail<R> {
    inner: R,
    last: [u8; 8],
}

impl<R> Tail<R> {
    fn is_ended(&self) -> bool {
        self.last.chunks(4).any(|word| word == [0; 4])
    }
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.inner.read(buffer)?;
        let new = &buffer[count.saturating_sub(8)..count];
        self.last.rotate_left(new.len());
        self.last[8 - new.len()..].copy_from_slice(new);
        Ok(count)
    }
}

const MAGIC: [(&[u8], Packing); 5] = [
    (&[0x1f, 0x8b], Packing::Gzip),
    (&[0x28, 0xb5, 0x2f, 0xfd], Packing::Zstd),
    (&[0x04, 0x22, 0x4d, 0x18], Packing::Lz4),
    (b"\xff\x06\x00\x00sNaPpY", Packing::Snappy),
    (b"BZh", Packing::Bzip2),
];
const BUFFER_BYTES: usize = 128 << 10;
