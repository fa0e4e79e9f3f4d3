//! How far each request of a replay agreed, and which of them agree less than another time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Agreement {
    None,
    Refused,
    Status,
    Shape,
    Exact,
}

const WORDS: [(&str, Agreement); 5] = [
    ("none", Agreement::None),
    ("refused", Agreement::Refused),
    ("status", Agreement::Status),
    ("shape", Agreement::Shape),
    ("exact", Agreement::Exact),
];

/// (group, number within the group) → how far it agreed, and the request's name for people.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome(BTreeMap<(String, u32), (Agreement, String)>);

impl Outcome {
    pub fn parse(text: &str) -> Self {
        Self(text.lines().filter(|line| !line.starts_with('#')).map(step).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// For each request the better of two replays.
    pub fn best(self, other: Self) -> Self {
        self.merge(other, Ord::max)
    }

    /// For each request the worse of two replays.
    pub fn worst(self, other: Self) -> Self {
        self.merge(other, Ord::min)
    }

    fn merge(mut self, other: Self, choose: fn(Agreement, Agreement) -> Agreement) -> Self {
        for (key, (agreement, name)) in other.0 {
            let entry = self.0.entry(key).or_insert((agreement, name));
            entry.0 = choose(entry.0, agreement);
        }
        self
    }

    /// The groups that hold a request which agrees less in `now`.
    pub fn groups_worse_in(&self, now: &Self) -> Vec<String> {
        let lost = self.0.iter().filter(|(key, (was, _))| now.0.get(*key).is_none_or(|(is, _)| is < was));
        let groups: BTreeSet<&String> = lost.map(|((group, _), _)| group).collect();
        groups.into_iter().cloned().collect()
    }

    pub fn to_text(&self) -> String {
        let mut text = format!("# {}\n", self.summary());
        for ((group, number), (agreement, name)) in &self.0 {
            writeln!(text, "{group}\t{number}\t{}\t{name}", word(*agreement)).unwrap();
        }
        text
    }

    /// Shares of all requests, each counting those that agree further as well.
    pub fn summary(&self) -> String {
        let at_least = |least| self.0.values().filter(|(agreement, _)| *agreement >= least).count();
        let refused = self.0.values().filter(|(agreement, _)| *agreement == Agreement::Refused).count();
        let (all, status, shape, exact) =
            (self.len(), at_least(Agreement::Status), at_least(Agreement::Shape), at_least(Agreement::Exact));
        format!(
            "{all} requests: {status} agree in status, {shape} in status and shape, {exact} exactly; \
             {refused} more get a 400 where Java leaks a 500"
        )
    }
}

/// One line for every request that agrees less now, or is no longer asked.
pub fn worse(before: &Outcome, now: &Outcome) -> Vec<String> {
    let compare = |(key, (was, name)): (&(String, u32), &(Agreement, String))| {
        let is = now.0.get(key).map(|(agreement, _)| *agreement);
        let what = is.map_or("not asked any more", word);
        (is < Some(*was)).then(|| format!("{} {} ({name}): was {}, is {what}", key.0, key.1, word(*was)))
    };
    before.0.iter().filter_map(compare).collect()
}

fn step(line: &str) -> ((String, u32), (Agreement, String)) {
    let parts: Vec<&str> = line.splitn(4, '\t').collect();
    let &[group, number, agreement, name] = parts.as_slice() else {
        panic!("no line of an outcome: {line:?}")
    };
    let found = WORDS.iter().find(|(word, _)| *word == agreement);
    let (_, agreement) = found.unwrap_or_else(|| panic!("no word of agreement: {line:?}"));
    ((group.to_owned(), number.parse().expect("a step's number")), (*agreement, name.to_owned()))
}

fn word(agreement: Agreement) -> &'static str {
    WORDS.iter().find(|(_, known)| *known == agreement).unwrap().0
}

#[test]
fn a_request_that_agrees_less_is_found() {
    let before = Outcome::parse("# all\na\t1\texact\troot\na\t2\tnone\tnope\nb\t1\tstatus\tx\ty\n");
    let now = Outcome::parse("a\t1\tshape\troot\na\t2\texact\tnope\n");
    assert_eq!(
        worse(&before, &now),
        ["a 1 (root): was exact, is shape", "b 1 (x\ty): was status, is not asked any more"]
    );
    assert_eq!(worse(&now, &before), ["a 2 (nope): was exact, is none"]);
    assert_eq!(Outcome::parse(&before.to_text()), before);
    assert_eq!(
        before.summary(),
        "3 requests: 2 agree in status, 1 in status and shape, 1 exactly; \
         0 more get a 400 where Java leaks a 500"
    );
    assert_eq!(before.groups_worse_in(&now), ["a", "b"]);
    assert_eq!(worse(&before, &now.best(Outcome::parse("a\t1\texact\troot\nb\t1\tstatus\tx\ty"))), [""; 0]);
    let worst = Outcome::parse("a\t1\texact\troot").worst(Outcome::parse("a\t1\tnone\troot"));
    assert_eq!(worst, Outcome::parse("a\t1\tnone\troot"));
}
