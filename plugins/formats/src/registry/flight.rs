//! One question on its way, and whoever waits for the same answer.

use crate::Result;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub struct Flight<T> {
    answer: Mutex<Option<Result<Arc<T>>>>,
    landed: Condvar,
}

impl<T> Flight<T> {
    pub fn new() -> Self {
        Self { answer: Mutex::new(None), landed: Condvar::new() }
    }

    pub fn land(&self, answer: Result<Arc<T>>) {
        *self.lock() = Some(answer);
        self.landed.notify_all();
    }

    /// Whoever asks lands in the end: every request has its limit of time.
    pub fn wait(&self) -> Result<Arc<T>> {
        let mut answer = self.lock();
        loop {
            match &*answer {
                Some(answer) => return answer.clone(),
                None => answer = self.landed.wait(answer).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Result<Arc<T>>>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
