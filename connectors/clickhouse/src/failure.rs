//! What the server or the network answered instead of success, and what is to be done about it.
use std::error::Error as StdError;

use clickhouse::error::Error as ClientError;
use hyper_util::client::legacy;
use penstock_sdk::Error;

use crate::connect::{self, Trouble};
use crate::excerpt::excerpt;

/// Decides what happens next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cause {
    /// The same insert can succeed later.
    Busy,
    /// This server cannot now; another of the same tables may.
    Away,
    /// The table has more parts than merges keep up with: inserts have to become fewer.
    Crowded,
    /// The table is not what it was when its columns were read.
    Schema,
    MissingTable,
    /// Something in the rows: a violated constraint, text that a JSON column cannot hold.
    Data,
    /// The user is unknown or may not do this. That is no fault of the records, so no offset may move.
    Refused,
    /// The table cannot keep what `exactlyOnce` promises.
    Unfit,
    /// Anything else, which a retry does not mend.
    Other,
}

impl Cause {
    /// Time alone can mend it.
    pub fn passes(self) -> bool {
        matches!(self, Cause::Busy | Cause::Away | Cause::Crowded)
    }
}

/// How far a request got.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reach {
    /// There was no connection: nothing was sent.
    Nowhere,
    /// It was under way, and the server may have carried it out.
    Unknown,
    Answered,
}

/// A cause and the server's sentence.
#[derive(Debug, PartialEq)]
pub struct Failure {
    pub cause: Cause,
    pub sentence: String,
    pub reach: Reach,
    /// The server's number for what went wrong.
    pub code: Option<u32>,
}

impl Failure {
    pub fn new(cause: Cause, sentence: impl Into<String>) -> Self {
        Failure { cause, sentence: sentence.into(), reach: Reach::Answered, code: None }
    }

    /// No answer came.
    pub fn silence(sentence: impl Into<String>) -> Self {
        Failure { reach: Reach::Unknown, ..Failure::new(Cause::Away, sentence) }
    }

    pub fn from_client(error: &ClientError) -> Self {
        match error {
            ClientError::BadResponse(answer) => Failure::from_answer(answer),
            ClientError::Network(inner) => Failure::of_connection(error, inner.as_ref()),
            ClientError::TimedOut => Failure::silence(innermost(error)),
            other => Failure::new(Cause::Other, innermost(other)),
        }
    }

    fn of_connection(error: &ClientError, inner: &(dyn StdError + Send + Sync + 'static)) -> Self {
        let is_connect = inner.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect);
        let reach = if is_connect { Reach::Nowhere } else { Reach::Unknown };
        let (sentence, is_settings) = match trouble(error) {
            Some(Trouble { sentence, is_settings }) => (sentence, is_settings),
            None => (innermost(error), false),
        };
        let cause = if is_settings { Cause::Refused } else { Cause::Away };
        Failure { reach, ..Failure::new(cause, sentence) }
    }

    /// The server is at fault, not the request: another one may do better.
    pub fn is_hosts(&self) -> bool {
        self.cause == Cause::Away || self.reach != Reach::Answered
    }

    /// The server does not believe who asks.
    pub fn is_login(&self) -> bool {
        self.code.is_some_and(|code| LOGIN.contains(&code))
    }

    /// Reads the text of an answer, which is the server's or that of a proxy before it.
    pub fn from_answer(answer: &str) -> Self {
        match parse(answer) {
            Some((code, message)) => {
                let sentence = format!("code {code}: {}", shorten(without_version(message)));
                Failure { code: Some(code), ..Failure::new(cause(code), sentence) }
            }
            None if ["401", "403", "407"].iter().any(|status| answer.starts_with(status)) => {
                Failure::new(Cause::Refused, shorten(answer))
            }
            // Not ClickHouse's words: something between answered, and may let the next request through.
            None => Failure::new(Cause::Away, shorten(answer)),
        }
    }

    #[must_use]
    pub fn within(mut self, context: &str) -> Self {
        self.sentence = format!("{context}: {}", self.sentence);
        self
    }

    /// As the worker is told. Nothing of this moves an offset.
    pub fn into_error(self) -> Error {
        match self.cause {
            Cause::Busy | Cause::Away | Cause::Crowded => Error::retry(self.sentence),
            Cause::MissingTable | Cause::Unfit => Error::config(self.sentence),
            // A grant or a column can be put right on the server, so the task may try again later.
            Cause::Refused | Cause::Schema | Cause::Data | Cause::Other => Error::fatal(self.sentence),
        }
    }
}

/// Takes `Code: 60. DB::Exception: sentence` apart, wherever in the answer it begins.
fn parse(answer: &str) -> Option<(u32, &str)> {
    let (_, rest) = answer.split_once("Code: ")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let code = rest[..digits].parse().ok()?;
    let message = rest[digits..].trim_start_matches(". ");
    let message = message
        .strip_prefix("DB::")
        .map_or(message, |named| named.split_once(": ").map_or(named, |(_, sentence)| sentence));
    Some((code, if message.is_empty() { "no reason given" } else { message }))
}

fn without_version(message: &str) -> &str {
    message.rsplit_once(" (version ").map_or(message, |(sentence, _)| sentence)
}

fn shorten(text: &str) -> String {
    excerpt(text.trim().trim_end_matches('.'), SENTENCE_MAX)
}

/// What is known better than the chain of errors says it: of the way to the server, and of TLS.
fn trouble(error: &ClientError) -> Option<Trouble> {
    let mut last: &(dyn StdError + 'static) = error;
    loop {
        if let Some(Trouble { sentence, is_settings }) = last.downcast_ref() {
            return Some(Trouble { sentence: sentence.clone(), is_settings: *is_settings });
        }
        if let Some(found) = last.downcast_ref().and_then(connect::trouble_of) {
            return Some(found);
        }
        last = last.source()?;
    }
}

/// The last error of the chain, which names the system's reason, behind the first, which names the step.
fn innermost(error: &ClientError) -> String {
    let mut last: &dyn StdError = error;
    while let Some(source) = last.source() {
        last = source;
    }
    let (first, last) = (error.to_string(), last.to_string());
    if first.ends_with(&last) { first } else { format!("{first}: {last}") }
}

fn cause(code: u32) -> Cause {
    match code {
        252 => Cause::Crowded,
        60 | 81 => Cause::MissingTable,
        764 => Cause::Unfit,
        _ if AWAY.contains(&code) => Cause::Away,
        _ if BUSY.contains(&code) => Cause::Busy,
        _ if SCHEMA.contains(&code) => Cause::Schema,
        _ if REFUSED.contains(&code) => Cause::Refused,
        _ if DATA.contains(&code) => Cause::Data,
        _ => Cause::Other,
    }
}

/// The server or the query has no more memory.
pub const OUT_OF_MEMORY: u32 = 241;
const SENTENCE_MAX: usize = 500;

/// A server without memory, space, threads, Keeper, or enough replicas, or one that starts or stops.
const AWAY: &[u32] = &[
    173, 202, 203, 225, 241, 242, 243, 244, 254, 265, 279, 285, 289, 319, 369, 416, 439, 733, 745, 749, 762,
    763, 777, 778, 999,
];
/// Files, timeouts, limits, locks and storage: all of them pass.
const BUSY: &[u32] = &[
    3, 75, 76, 107, 159, 160, 164, 198, 204, 209, 210, 236, 286, 290, 364, 384, 394, 425, 473, 499, 519, 571,
    574, 677, 693, 700, 735, 738, 776, 1000,
];
/// Columns missing, unknown, of another type or without a place for what was sent. 33 and 131 are what a
/// server says that reads a block by the wrong types.
const SCHEMA: &[u32] = &[8, 9, 10, 16, 20, 33, 36, 44, 47, 50, 53, 70, 122, 131, 349];
/// A single row can be at fault.
const DATA: &[u32] = &[6, 25, 26, 27, 38, 41, 69, 72, 117, 153, 190, 321, 395, 407, 467, 469, 691];
/// Unknown users, wrong and missing passwords.
const LOGIN: &[u32] = &[192, 193, 194, 516];
/// Users, passwords, grants.
const REFUSED: &[u32] = &[192, 193, 194, 195, 344, 497, 516, 720, 767];

#[cfg(test)]
mod tests {
    use super::*;
    use penstock_sdk::Kind;

    fn check(answer: &str, cause: Cause, sentence: &str) {
        let failure = Failure::from_answer(answer);
        assert_eq!((failure.cause, failure.sentence.as_str()), (cause, sentence), "{answer}");
    }

    #[test]
    fn answers_become_a_cause_and_a_sentence() {
        check(
            "Code: 252. DB::Exception: Too many parts (300). Merges are slow. (TOO_MANY_PARTS) (version 26.9.2.1 (official build))",
            Cause::Crowded,
            "code 252: Too many parts (300). Merges are slow. (TOO_MANY_PARTS)",
        );
        check("Code: 16. DB::Exception: No such column x\n", Cause::Schema, "code 16: No such column x");
        check("Code: 210. DB::NetException: broken pipe", Cause::Busy, "code 210: broken pipe");
        check("Code: 60", Cause::MissingTable, "code 60: no reason given");
        check(
            "Code: 516. DB::Exception: bob: Authentication failed.",
            Cause::Refused,
            "code 516: bob: Authentication failed",
        );
        check("401 Unauthorized", Cause::Refused, "401 Unauthorized");
        check("<html>502 Bad Gateway</html>", Cause::Away, "<html>502 Bad Gateway</html>");
        check("Code: 9999999999999. x", Cause::Away, "Code: 9999999999999. x");
        check(
            "Code: 469. DB::Exception: Constraint `c` is violated",
            Cause::Data,
            "code 469: Constraint `c` is violated",
        );
    }

    #[test]
    fn a_code_is_the_servers_own_and_none_that_a_sentence_has() {
        let quoted = Failure::from_answer("Code: 395. DB::Exception: code 241: said the row");
        assert_eq!(quoted.within("reading").code, Some(395));
        assert_eq!(Failure::from_answer("Code: 241. DB::Exception: x").code, Some(OUT_OF_MEMORY));
        assert_eq!(Failure::from_answer("502 Bad Gateway").code, None);
        let is_login =
            |code: u32| Failure::from_answer(&format!("Code: {code}. DB::Exception: x")).is_login();
        assert_eq!([192, 193, 194, 516, 497].map(is_login), [true, true, true, true, false]);
    }

    #[test]
    fn what_the_java_connector_tries_again_is_tried_again() {
        for code in [3, 107, 159, 164, 202, 203, 209, 210, 241, 242, 252, 285, 319, 425, 999] {
            assert!(cause(code).passes(), "{code}");
        }
        assert_eq!([cause(33), cause(131)], [Cause::Schema; 2]);
    }

    #[test]
    fn access_and_missing_tables_are_no_data_errors() {
        let kind = |cause| Failure::new(cause, "x").into_error().kind().clone();
        assert_eq!(kind(Cause::Refused), Kind::Fatal);
        assert_eq!(kind(Cause::MissingTable), Kind::Config);
        assert_eq!(kind(Cause::Busy), Kind::Retry { after: None });
    }
}
