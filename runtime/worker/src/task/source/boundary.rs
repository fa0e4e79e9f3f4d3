//! When a transaction of a source ends.
use crate::definition::Transactions;
use std::time::Duration;

/// Where a task's transactions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// With each poll.
    Poll,
    /// At this age.
    Age(Duration),
}

impl Boundary {
    /// `interval` is the worker's; `timeout` is what Kafka gives a transaction, which has to end well before.
    pub fn new(wanted: Transactions, interval: Duration, timeout: Duration) -> Result<Self, String> {
        match wanted {
            Transactions::Poll => Ok(Self::Poll),
            Transactions::Interval(own) => Ok(Self::Age(own.unwrap_or(interval).min(timeout / 2))),
            Transactions::Connector => Err(
                "transaction.boundary: plugins define no boundaries of their own, expected poll or interval"
                    .into(),
            ),
        }
    }

    /// Whether a transaction that has this age ends after a poll.
    pub fn is_due(self, age: Duration) -> bool {
        match self {
            Self::Poll => true,
            Self::Age(most) => age >= most,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn an_interval_is_the_connectors_or_the_workers_and_stays_below_kafkas_timeout() {
        let check = |wanted, expected| {
            assert_eq!(Boundary::new(wanted, S * 40, S * 60), Ok(expected), "{wanted:?}");
        };
        check(Transactions::Poll, Boundary::Poll);
        check(Transactions::Interval(Some(S)), Boundary::Age(S));
        check(Transactions::Interval(None), Boundary::Age(S * 30));
        check(Transactions::Interval(Some(S * 3600)), Boundary::Age(S * 30));
        assert!(
            Boundary::new(Transactions::Connector, S, S).unwrap_err().starts_with("transaction.boundary: ")
        );
    }

    #[test]
    fn a_poll_ends_its_transaction_and_an_interval_waits() {
        assert!(Boundary::Poll.is_due(Duration::ZERO));
        assert!(!Boundary::Age(S).is_due(S / 2));
        assert!(Boundary::Age(S).is_due(S));
        assert!(Boundary::Age(Duration::ZERO).is_due(Duration::ZERO));
    }
}
