//! The producer that all tasks of a worker share, and whom the outcome of each record goes to.
use kafka::{ClientSettings, Delivery, Outgoing, Producer, ProducerSettings, SendError};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// One producer. Tasks send through an [`Outbox`] each.
pub struct Shared {
    producer: Producer,
    routes: Arc<Routes>,
    next: AtomicU32,
}

/// Finds the outbox of a record's token: its upper half.
#[derive(Default)]
struct Routes(RwLock<HashMap<u32, Arc<Ledger>>>);

/// What became of the records of one outbox. Counters only: producing takes no lock per record.
#[derive(Default)]
struct Ledger {
    outstanding: AtomicUsize,
    /// Records of each open batch that are still on their way, by the batch's number modulo [`BATCHES_MAX`].
    open: [AtomicUsize; BATCHES_MAX],
    delivered: AtomicU64,
    has_failed: AtomicBool,
    failure: Mutex<Option<kafka::Error>>,
    waiting: AtomicU8,
    gate: Mutex<()>,
    changed: Condvar,
}

/// What the owner of an outbox waits for: telling it of each of many records would cost more than they do.
const FOR_NONE: u8 = 0;
const FOR_ANY: u8 = 1;
const FOR_ALL: u8 = 2;

/// Batches of one outbox that may be on their way at the same time; whoever opens more mixes up their counts.
pub const BATCHES_MAX: usize = 32;

/// The sending end of one task.
pub struct Outbox {
    shared: Arc<Shared>,
    ledger: Arc<Ledger>,
    id: u32,
}

impl Shared {
    pub fn open(client: ClientSettings) -> Result<Arc<Self>, kafka::Error> {
        let routes = Arc::new(Routes::default());
        let delivery: Arc<dyn Delivery> = Arc::clone(&routes) as Arc<dyn Delivery>;
        let producer = Producer::open(ProducerSettings { client, delivery })?;
        Ok(Arc::new(Self { producer, routes, next: AtomicU32::new(1) }))
    }

    /// True when the client is of no use any more, for any task.
    pub fn is_broken(&self) -> bool {
        self.producer.fatal().is_some()
    }

    pub fn outbox(self: &Arc<Self>) -> Outbox {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let ledger = Arc::new(Ledger::default());
        self.routes.0.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&ledger));
        Outbox { shared: Arc::clone(self), ledger, id }
    }
}

impl Delivery for Routes {
    fn delivered(&self, token: u64, outcome: Result<(i32, i64), kafka::Error>) {
        let routes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(ledger) = routes.get(&((token >> 32) as u32)) {
            ledger.settle(token as u32, outcome.err());
        }
    }
}

impl Ledger {
    fn settle(&self, batch: u32, failure: Option<kafka::Error>) {
        match failure {
            None => drop(self.delivered.fetch_add(1, Ordering::Relaxed)),
            Some(error) => {
                self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                self.has_failed.store(true, Ordering::Release);
            }
        }
        self.slot(batch).fetch_sub(1, Ordering::AcqRel);
        // Whoever waits sets its mark and then looks at the number: one of both sides sees the other.
        let left = self.outstanding.fetch_sub(1, Ordering::SeqCst) - 1;
        let waiting = self.waiting.load(Ordering::SeqCst);
        if waiting == FOR_ANY || (waiting == FOR_ALL && left == 0) {
            drop(self.gate.lock());
            self.changed.notify_all();
        }
    }

    fn slot(&self, batch: u32) -> &AtomicUsize {
        &self.open[batch as usize % BATCHES_MAX]
    }
}

impl Outbox {
    /// Hands a record to the producer, as part of a batch. `QueueFull` is no failure: wait and send it again.
    pub fn send(&self, batch: u32, record: &Outgoing<'_>) -> Result<(), SendError> {
        let slot = self.ledger.slot(batch);
        slot.fetch_add(1, Ordering::AcqRel);
        self.ledger.outstanding.fetch_add(1, Ordering::AcqRel);
        let token = u64::from(self.id) << 32 | u64::from(batch);
        let sent = self.shared.producer.send(&Outgoing { token, ..*record });
        if sent.is_err() {
            slot.fetch_sub(1, Ordering::AcqRel);
            self.ledger.outstanding.fetch_sub(1, Ordering::AcqRel);
        }
        sent
    }

    /// True once every record of the batch was acknowledged or failed.
    pub fn is_settled(&self, batch: u32) -> bool {
        self.ledger.slot(batch).load(Ordering::Acquire) == 0
    }

    pub fn outstanding(&self) -> usize {
        self.ledger.outstanding.load(Ordering::Acquire)
    }

    /// Records acknowledged so far.
    pub fn delivered(&self) -> u64 {
        self.ledger.delivered.load(Ordering::Relaxed)
    }

    /// The first record that could not be delivered; everything after it may be out of order.
    pub fn failure(&self) -> Option<kafka::Error> {
        if !self.ledger.has_failed.load(Ordering::Acquire) {
            return None;
        }
        self.ledger.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until something arrived or failed, or the time is over.
    pub fn wait(&self, time: Duration) {
        let gate = self.ledger.gate.lock().unwrap_or_else(PoisonError::into_inner);
        self.ledger.waiting.store(FOR_ANY, Ordering::Release);
        // A delivery between the store above and the wait below would be missed without the gate.
        if self.outstanding() > 0 {
            drop(self.ledger.changed.wait_timeout(gate, time));
        }
        self.ledger.waiting.store(FOR_NONE, Ordering::Release);
    }

    /// Waits until nothing is on its way any more, or the time is over.
    pub fn wait_for_all(&self, time: Duration) {
        let gate = self.ledger.gate.lock().unwrap_or_else(PoisonError::into_inner);
        self.ledger.waiting.store(FOR_ALL, Ordering::SeqCst);
        let is_some = |(): &mut ()| self.ledger.outstanding.load(Ordering::SeqCst) > 0;
        drop(self.ledger.changed.wait_timeout_while(gate, time, is_some));
        self.ledger.waiting.store(FOR_NONE, Ordering::Release);
    }

    /// The producer behind it, for transactions: it has to be this outbox's alone.
    pub fn producer(&self) -> &Producer {
        &self.shared.producer
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.shared.routes.0.write().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
