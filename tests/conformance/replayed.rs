//! How far each request of a replay agreed, and in what it differed.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agreement {
    None,
    /// 400 where Java leaks a 500.
    Refused,
    Status,
    Shape,
    Exact,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `header`, `value` or `message` where status and shape agree.
    pub kind: String,
    /// Where in the answer, and what the reference has there: `/0/name = x`.
    pub golden: String,
    pub got: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub group: String,
    pub number: u32,
    pub name: String,
    pub agreement: Agreement,
    pub differences: Vec<Difference>,
}

/// By group and number.
pub struct Replayed(BTreeMap<(String, u32), Request>);

impl Request {
    pub fn agrees_in_shape(&self) -> bool {
        self.agreement >= Agreement::Shape
    }

    fn rank(&self) -> (Agreement, std::cmp::Reverse<usize>) {
        (self.agreement, std::cmp::Reverse(self.differences.len()))
    }
}

impl Replayed {
    /// `outcome` has a line for each request, `report` a document for each request that differs in anything.
    pub fn parse(outcome: &str, report: &str) -> Self {
        let mut requests: BTreeMap<_, _> = outcome
            .lines()
            .map(|line| {
                let request = request(line);
                ((request.group.clone(), request.number), request)
            })
            .collect();
        for line in report.lines() {
            let document: Value = serde_json::from_str(line).expect("a report is lines of JSON");
            let group = document["group"].as_str().expect("a group").to_owned();
            let number = u32::try_from(document["number"].as_u64().expect("a number")).unwrap();
            let found = requests.get_mut(&(group, number)).expect("a request of the outcome");
            found.differences =
                document["differences"].as_array().expect("differences").iter().map(difference).collect();
        }
        Self(requests)
    }

    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.0.values()
    }

    pub fn get(&self, group: &str, number: u32) -> Option<&Request> {
        self.0.get(&(group.to_owned(), number))
    }

    /// For each request the better of two replays.
    pub fn best(mut self, other: Self) -> Self {
        for (key, request) in other.0 {
            let entry = self.0.entry(key).or_insert_with(|| request.clone());
            if request.rank() > entry.rank() {
                *entry = request;
            }
        }
        self
    }

    pub fn groups_with(&self, is_meant: impl Fn(&Request) -> bool) -> Vec<String> {
        let groups: BTreeSet<&String> =
            self.requests().filter(|request| is_meant(request)).map(|request| &request.group).collect();
        groups.into_iter().cloned().collect()
    }

    /// `9 of 10 (90.0 %)` of those that are meant.
    pub fn share(&self, is_meant: impl Fn(&Request) -> bool, holds: impl Fn(&Request) -> bool) -> String {
        let meant: Vec<_> = self.requests().filter(|request| is_meant(request)).collect();
        let count = meant.iter().filter(|request| holds(request)).count();
        let percent = 100.0 * count as f64 / meant.len().max(1) as f64;
        format!("{count} of {} ({percent:.1} %)", meant.len())
    }

    /// Shares of all requests, each counting those that agree further as well.
    pub fn summary(&self) -> String {
        let at_least = |least| self.requests().filter(|request| request.agreement >= least).count();
        let refused = self.requests().filter(|request| request.agreement == Agreement::Refused).count();
        format!(
            "{} requests: {} agree in status, {} in status and shape, {} exactly; \
             {refused} more get a 400 where Java leaks a 500",
            self.0.len(),
            at_least(Agreement::Status),
            at_least(Agreement::Shape),
            at_least(Agreement::Exact)
        )
    }
}

fn request(line: &str) -> Request {
    let parts: Vec<&str> = line.splitn(4, '\t').collect();
    let &[group, number, agreement, name] = parts.as_slice() else {
        panic!("no line of an outcome: {line:?}")
    };
    let agreement = match agreement {
        "none" => Agreement::None,
        "refused" => Agreement::Refused,
        "status" => Agreement::Status,
        "shape" => Agreement::Shape,
        "exact" => Agreement::Exact,
        other => panic!("no word of agreement: {other:?}"),
    };
    let number = number.parse().expect("a request's number");
    Request { group: group.to_owned(), number, name: name.to_owned(), agreement, differences: Vec::new() }
}

fn difference(document: &Value) -> Difference {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let at = document["at"].as_str().unwrap_or_default();
    Difference {
        kind: document["kind"].as_str().expect("a kind").to_owned(),
        golden: format!("{at} = {}", shown(&document["golden"])),
        got: shown(&document["got"]),
    }
}

#[test]
fn the_better_of_two_replays_counts() {
    let report =
        r#"{"group":"a","number":1,"differences":[{"kind":"value","at":"/x","golden":1,"got":"2"}]}"#;
    let first = Replayed::parse("a\t1\tshape\troot\na\t2\tnone\tnope\nb\t1\tstatus\tx\ty\n", report);
    let expected = [Difference { kind: "value".into(), golden: "/x = 1".into(), got: "2".into() }];
    assert_eq!(first.get("a", 1).unwrap().differences, expected);
    assert_eq!(
        first.summary(),
        "3 requests: 2 agree in status, 1 in status and shape, 0 exactly; 0 more get a 400 where Java leaks a 500"
    );
    assert_eq!(first.groups_with(|request| request.agreement == Agreement::Status), ["b"]);
    let both = first.best(Replayed::parse("a\t1\texact\troot\na\t2\tnone\tnope\n", ""));
    assert_eq!(both.get("a", 1).unwrap().agreement, Agreement::Exact);
    assert_eq!(both.get("b", 1).unwrap().name, "x\ty");
    assert_eq!(both.share(|request| request.group == "a", Request::agrees_in_shape), "1 of 2 (50.0 %)");
}
