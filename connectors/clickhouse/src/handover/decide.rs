//! What of a partition in a plan is the Java connector's: a function of its state, of our mark, and of the plan.
use std::fmt;

/// The last range that the Java connector inserted, or, if it is begun, was about to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Theirs {
    pub min: i64,
    pub max: i64,
    pub is_begun: bool,
}

/// What we have made of a state: kept beside it, so that it is made use of once.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Plans begin behind the range by now, or were called off.
    pub is_over: bool,
    /// The range that it was made for: another one is a new state, of a Java connector that ran again.
    pub theirs: (i64, i64),
    /// Who has taken the partition over.
    pub connector: String,
    /// The offsets of the last plan.
    pub begin: i64,
    pub end: i64,
    /// Tokens of the plans that reached into the range. Any of them may be found again by a task that comes late.
    pub plans: Vec<String>,
}

/// A partition of a plan.
pub struct Asked<'a> {
    pub place: (&'a str, i32),
    pub connector: &'a str,
    pub token: &'a str,
    pub begin: i64,
    pub end: i64,
    /// The settings say that the state is of these records, whatever it looks like.
    pub is_required: bool,
}

#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// All records are the plan's own.
    Ours { mark: Option<Mark>, sentence: Option<String> },
    /// Those up to the range's end are not. A mark is there if the plan is a new one.
    Shared { theirs: Theirs, mark: Option<Mark> },
    /// A person has to decide.
    Unclear(String),
}

/// The state is made use of until a plan begins behind it: the group's offset is behind it then, for good. A plan that
/// begins where an earlier one was already is there because somebody moved the offsets back: from then on nothing is
/// left out any more.
pub fn decide(theirs: Option<Theirs>, mark: Option<&Mark>, asked: &Asked<'_>) -> Verdict {
    let ours = |mark, sentence| Verdict::Ours { mark, sentence };
    let Some(theirs) = theirs else { return ours(None, None) };
    let mark = mark.filter(|mark| mark.theirs == (theirs.min, theirs.max));
    if let Some(mark) = mark {
        if mark.connector != asked.connector {
            return ours(None, None);
        }
        if mark.plans.iter().any(|token| token == asked.token) {
            return Verdict::Shared { theirs, mark: None };
        }
        if mark.is_over {
            return ours(None, None);
        }
        if asked.begin <= mark.end {
            return ours(Some(asked.mark(theirs, Some(mark), true)), Some(asked.altered(mark)));
        }
    }
    if asked.begin > theirs.max {
        return ours(Some(asked.mark(theirs, mark, true)), None);
    }
    if mark.is_none() && asked.begin == 0 && theirs.min > 0 && !asked.is_required {
        return Verdict::Unclear(asked.at_the_start(theirs));
    }
    if theirs.is_begun && (theirs.min..theirs.max).contains(&asked.end) {
        return Verdict::Unclear(asked.cut(theirs));
    }
    Verdict::Shared { theirs, mark: Some(asked.mark(theirs, mark, false)) }
}

impl Asked<'_> {
    /// The mark of this plan behind those of earlier ones.
    fn mark(&self, theirs: Theirs, before: Option<&Mark>, is_over: bool) -> Mark {
        let mut plans = before.map(|mark| mark.plans.clone()).unwrap_or_default();
        if !is_over {
            plans.push(self.token.to_owned());
            let surplus = plans.len().saturating_sub(PLANS_MAX);
            plans.drain(..surplus);
        }
        Mark {
            is_over,
            theirs: (theirs.min, theirs.max),
            connector: self.connector.to_owned(),
            begin: self.begin,
            end: self.end,
            plans,
        }
    }

    fn altered(&self, mark: &Mark) -> String {
        format!(
            "stateImport: {self} begins at offset {} and was written up to {}, so its offsets were altered: what \
             clickhouse-kafka-connect inserted is inserted again from here on",
            self.begin, mark.end
        )
    }

    fn at_the_start(&self, theirs: Theirs) -> String {
        format!(
            "stateImport: {self} is read from offset 0, while clickhouse-kafka-connect was at offset {}: set it to on if the \
             records up to there are in the table and shall be left out, or to off if they are to be inserted, because the \
             offsets were reset or the topic was made anew",
            theirs.max
        )
    }

    fn cut(&self, theirs: Theirs) -> String {
        format!(
            "stateImport: clickhouse-kafka-connect had begun to insert offsets {} to {} of {self}, and this batch ends at {}: a \
             token is good for the whole range only; stop the connector, set this partition's offset to {}, as all before it \
             is inserted, and let penstock.batch.rows.max and penstock.batch.bytes.max hold the range",
            theirs.min, theirs.max, self.end, theirs.min
        )
    }
}

impl fmt::Display for Asked<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.place.0, self.place.1)
    }
}

impl Mark {
    /// As it is kept in the column `state`; the offsets have columns of their own.
    pub fn to_text(&self) -> String {
        let word = if self.is_over { OVER } else { OPEN };
        let (min, max) = self.theirs;
        format!("{word} {min} {max} {} {}", self.plans.join(","), self.connector)
    }

    /// What cannot be read was not written by this version, and says nothing.
    pub fn parse(begin: i64, end: i64, text: &str) -> Option<Self> {
        let mut words = text.splitn(5, ' ');
        let is_over = match words.next()? {
            OVER => true,
            OPEN => false,
            _ => return None,
        };
        let theirs = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let plans = words.next()?.split(',').filter(|token| !token.is_empty()).map(str::to_owned).collect();
        Some(Mark { is_over, theirs, connector: words.next()?.to_owned(), begin, end, plans })
    }
}

const OPEN: &str = "TAKEN";
const OVER: &str = "DONE";
/// A minute of small batches, which is what the Java worker may not have committed.
const PLANS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: Theirs = Theirs { min: 500, max: 999, is_begun: false };
    const BEGUN: Theirs = Theirs { is_begun: true, ..DONE };

    fn asked(token: &str, begin: i64, end: i64) -> Asked<'_> {
        Asked { place: ("t", 0), connector: "c", token, begin, end, is_required: false }
    }

    /// The mark that a plan leaves, which must share the partition.
    fn shared(theirs: Theirs, mark: Option<&Mark>, asked: &Asked<'_>) -> Mark {
        match decide(Some(theirs), mark, asked) {
            Verdict::Shared { mark: Some(mark), .. } => mark,
            other => panic!("{other:?}"),
        }
    }

    fn over(theirs: Theirs, mark: Option<&Mark>, asked: &Asked<'_>) -> Mark {
        match decide(Some(theirs), mark, asked) {
            Verdict::Ours { mark: Some(mark), .. } if mark.is_over => mark,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_a_state_or_behind_it_records_are_the_plans_own() {
        let ours = Verdict::Ours { mark: None, sentence: None };
        assert_eq!(decide(None, None, &asked("p", 0, 9)), ours);
        let mark = over(DONE, None, &asked("p", 1000, 1500));
        assert_eq!(decide(Some(DONE), Some(&mark), &asked("q", 700, 1500)), ours, "the state is used up");
    }

    #[test]
    fn plans_share_the_partition_until_one_begins_behind_the_state() {
        let first = shared(DONE, None, &asked("p", 300, 600));
        let second = shared(DONE, Some(&first), &asked("q", 601, 1200));
        assert_eq!((second.begin, second.end), (601, 1200));
        let last = over(DONE, Some(&second), &asked("r", 1201, 1300));
        assert_eq!(last.plans, ["p", "q"]);
        // Tasks that find either plan again, early or late, see the same records in it.
        for (mark, token) in [(&first, "p"), (&second, "p"), (&last, "p"), (&last, "q")] {
            let verdict = decide(Some(DONE), Some(mark), &asked(token, 300, 600));
            assert_eq!(verdict, Verdict::Shared { theirs: DONE, mark: None });
        }
    }

    #[test]
    fn offsets_that_were_moved_back_end_the_import() {
        let first = shared(DONE, None, &asked("p", 300, 600));
        for begin in [0, 300, 600] {
            let verdict = decide(Some(DONE), Some(&first), &asked("q", begin, 700));
            let Verdict::Ours { mark: Some(mark), sentence: Some(sentence) } = verdict else {
                panic!("{verdict:?}")
            };
            assert!(mark.is_over && sentence.contains("offsets were altered"), "{sentence}");
        }
    }

    #[test]
    fn a_state_of_later_is_taken_over_anew() {
        let mark = over(DONE, None, &asked("p", 1000, 1500));
        let later = Theirs { min: 2000, max: 2499, is_begun: false };
        assert_eq!(shared(later, Some(&mark), &asked("q", 1800, 3000)).theirs, (2000, 2499));
    }

    #[test]
    fn the_state_is_for_the_connector_that_took_it_over() {
        let mark = shared(DONE, None, &asked("p", 300, 1200));
        let other = Asked { connector: "other", ..asked("q", 0, 1200) };
        assert_eq!(decide(Some(DONE), Some(&mark), &other), Verdict::Ours { mark: None, sentence: None });
    }

    #[test]
    fn a_range_that_was_begun_must_be_whole() {
        shared(BEGUN, None, &asked("p", 300, 499));
        shared(BEGUN, None, &asked("p", 300, 999));
        shared(BEGUN, None, &asked("p", 700, 1200));
        for end in [500, 998] {
            let verdict = decide(Some(BEGUN), None, &asked("p", 300, end));
            let Verdict::Unclear(sentence) = verdict else { panic!("{verdict:?}") };
            assert!(sentence.contains("set this partition's offset to 500"), "{sentence}");
        }
    }

    #[test]
    fn a_partition_from_its_start_is_for_a_person_to_decide() {
        let verdict = decide(Some(DONE), None, &asked("p", 0, 2000));
        assert!(matches!(&verdict, Verdict::Unclear(text) if text.contains("set it to on")), "{verdict:?}");
        shared(DONE, None, &Asked { is_required: true, ..asked("p", 0, 2000) });
        shared(Theirs { min: 0, ..DONE }, None, &asked("p", 0, 2000));
    }

    #[test]
    fn marks_are_read_as_they_were_written() {
        let mut mark = shared(DONE, None, &asked("p", 300, 600));
        mark = Mark { connector: "a name with spaces".to_owned(), ..mark };
        for mark in [Mark { plans: Vec::new(), is_over: true, ..mark.clone() }, mark] {
            assert_eq!(Mark::parse(mark.begin, mark.end, &mark.to_text()), Some(mark));
        }
        for text in ["", "AFTER_PROCESSING", "TAKEN 1", "TAKEN a b c d"] {
            assert_eq!(Mark::parse(0, 1, text), None, "{text}");
        }
    }
}
