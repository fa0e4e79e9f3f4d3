//! Counts bytes that pass, and refuses what unpacks to far more than it should.
use std::io::{BufRead, Read, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what is taken from a reader.
#[derive(Debug)]
pub struct Counted<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    pub fn new(inner: R) -> (Self, Arc<AtomicU64>) {
        let taken = Arc::new(AtomicU64::new(0));
        (Self { inner, taken: Arc::clone(&taken) }, taken)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.inner.read(buffer)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        self.inner.consume(count);
    }
}

/// Ends what grows without measure.
pub struct Bounded<R> {
    inner: R,
    taken: Arc<AtomicU64>,
    given: u64,
    ratio_max: u64,
}

impl<R> Bounded<R> {
    /// `taken` counts the packed bytes.
    pub fn new(inner: R, taken: Arc<AtomicU64>, ratio_max: u64) -> Self {
        Self { inner, taken, given: 0, ratio_max }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.inner.read(buffer)?;
        self.given += count as u64;
        let taken = self.taken.load(Ordering::Relaxed);
        if self.given > FREE_BYTES && self.given / self.ratio_max > taken {
            let (given, ratio) = (self.given, self.ratio_max);
            return Err(std::io::Error::other(format!(
                "s3.compression.ratio.max: {taken} bytes became {given}, more than {ratio} times as many"
            )));
        }
        Ok(count)
    }
}

/// Small files may be as empty as they like.
const FREE_BYTES: u64 = 64 << 20;
