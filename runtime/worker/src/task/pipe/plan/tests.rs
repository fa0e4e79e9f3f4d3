//! Marks survive their text; crashes, frozen workers and changed settings in any order leave every record written once.
use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};

fn partition(number: usize) -> Fields {
    Fields::new().with("p", number as i64)
}

fn at(place: u64) -> Fields {
    Fields::new().with("at", place as i64)
}

fn place(offset: Option<&Fields>) -> u64 {
    offset.and_then(|offset| offset.integer("at")).unwrap_or(0) as u64
}

fn range(number: usize, from: Option<u64>, until: u64) -> Range {
    let records = until - from.unwrap_or(0);
    Range { partition: partition(number), from: from.map(at), until: at(until), records }
}

fn mark(ranges: Vec<Range>) -> Mark {
    let open = Some(Plan { id: [0xab; 16], made_ms: 1_790_000_000_000, ranges });
    Mark { settings: "0123456789abcdef".into(), clock_ms: 7, open }
}

/// What the store makes of it.
fn stored(fields: &Fields) -> Fields {
    let text = serde_json::to_string(&crate::store::offsets::object(fields)).unwrap();
    crate::store::offsets::fields(&serde_json::from_str(&text).unwrap())
}

#[test]
fn a_mark_comes_back_from_the_store() {
    let text = Fields::new().with("file \"ä\"", "\\").with("n", true);
    let odd = Range { partition: text.clone(), from: Some(text.clone()), until: text, records: u64::MAX };
    let several = mark(vec![range(0, None, 5), range(1, Some(2), 3), range(1, Some(3), 4)]);
    for mark in [Mark::default(), several, mark(vec![odd])] {
        assert_eq!(decode(&stored(&encode(&mark))), Ok(mark));
    }
}

#[test]
fn what_cannot_be_read_is_said_and_never_taken_for_less() {
    let later = "it has version 2, and this worker knows version 1";
    assert_eq!(decode(&Fields::new().with("version", 2)), Err(later.to_owned()));
    let good = encode(&mark(vec![range(0, None, 5)]));
    let with = |name: &str, value: &str| -> Fields {
        let other = |(key, known): (&str, &penstock_sdk::Scalar)| {
            (key.to_owned(), if key == name { value.into() } else { known.clone() })
        };
        good.iter().map(other).collect()
    };
    let text = good.text("plan").unwrap();
    for broken in [
        with("plan", ""),
        with("plan", &text[..text.len() - 1]),
        with("plan", &text.replace("\"records\":5", "\"records\":-5")),
        with("plan", &text.replace("abab", "xyxy")),
        with("plan", &text.replace("{\"at\":5}", "{\"at\":[5]}")),
        with("plan", r#"{"id":"abababababababababababababababab","made":1,"ranges":[]}"#),
        with("settings", "s")
            .iter()
            .filter(|(key, _)| *key != "clock")
            .map(|(k, v)| (k.into(), v.clone()))
            .collect(),
        Fields::new(),
    ] {
        assert_eq!(decode(&broken), Err("it is damaged".to_owned()), "{broken:?}");
    }
}

#[test]
fn a_plan_begins_where_its_partition_stands_and_the_last_word_counts() {
    let mut ledger = Ledger::new("s", 100);
    let moved = |number, begun: Option<u64>, until, records| Moved {
        partition: partition(number),
        begun: begun.map(at),
        until: at(until),
        records,
    };
    let store = |asked: &Fields| (*asked == partition(1)).then(|| at(40));
    let batch =
        vec![moved(2, Some(7), 9, 2), moved(1, None, 45, 5), moved(0, None, 3, 3), moved(3, Some(8), 8, 0)];
    let plan = ledger.plan(([1; 16], 50), batch, store).unwrap().unwrap();
    assert_eq!(plan.ranges, [range(0, None, 3), range(1, Some(40), 45), range(2, Some(7), 9)]);
    assert_eq!(plan.made_ms, 101, "a clock that was put back does not go back");
    assert_eq!(ledger.plan(([2; 16], 50), Vec::new(), store), Err(Busy));
    // What has no records is not in doubt.
    assert_eq!(ledger.page().0, &vec![(partition(3), at(8))]);
    assert_eq!(ledger.stored(), vec![(partition(3), at(8))]);
    assert!(!ledger.is_behind());
    ledger.settle();
    assert!(ledger.is_behind() && ledger.page().1.open.is_none());
    let next = ledger.plan(([3; 16], 500), vec![moved(1, None, 50, 5)], store).unwrap().unwrap();
    assert_eq!((next.ranges, next.made_ms), (vec![range(1, Some(45), 50)], 500));
    assert_eq!(ledger.page().0.len(), 3);
}

#[test]
fn what_stays_apart_is_settled_as_one() {
    let mut ledger = Ledger::new("s", 0);
    let moved = |begun: Option<u64>, until, records| Moved {
        partition: partition(1),
        begun: begun.map(at),
        until: at(until),
        records,
    };
    let batch = vec![moved(None, 4, 4), moved(Some(4), 6, 2), moved(Some(7), 7, 0)];
    let plan = ledger.plan(([1; 16], 1), batch, |_| None).unwrap().unwrap();
    assert_eq!(plan.ranges, [range(1, None, 4), range(1, Some(4), 6)]);
    assert_eq!(plan.ends(), [(partition(1), at(6))]);
    assert!(ledger.page().0.is_empty(), "what is behind the plan has to wait for it");
    ledger.settle();
    assert_eq!(ledger.page().0, &vec![(partition(1), at(7))]);
    let next = ledger.plan(([2; 16], 2), vec![moved(None, 8, 1)], |_| None).unwrap().unwrap();
    assert_eq!(next.ranges, [range(1, Some(7), 8)]);
}

#[test]
fn plans_are_settled_by_one_task_each_before_any_of_changed_settings_reads() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let signed = |settings: &str| Mark { settings: settings.into(), ..Mark::default() };
    let open = |settings: &str| Mark { settings: settings.into(), ..mark(vec![range(0, None, 1)]) };
    let marks = |marks: &[(u32, Mark)]| marks.iter().cloned().collect::<BTreeMap<_, _>>();
    let two = names(&["a", "b"]);
    assert_eq!(next(0, &two, &marks(&[])), Step::Sign);
    assert_eq!(next(0, &two, &marks(&[(0, signed("a"))])), Step::Ready);
    // What another has open under the settings of now is its own concern.
    assert_eq!(next(0, &two, &marks(&[(0, signed("a")), (1, open("b"))])), Step::Ready);
    assert_eq!(next(0, &two, &marks(&[(0, signed("a")), (1, signed("old"))])), Step::Wait(vec![1]));
    assert!(matches!(next(1, &two, &marks(&[(0, signed("a")), (1, open("old"))])), Step::Settle(_)));
    assert_eq!(next(1, &two, &marks(&[(1, signed("old"))])), Step::Sign);
    let former = marks(&[(0, signed("a")), (1, signed("b")), (3, open("old")), (4, signed("old"))]);
    assert_eq!(next(1, &two, &former), Step::Inherit(3));
    assert_eq!(next(0, &two, &former), Step::Inherit(4));
    let former = marks(&[(0, signed("a")), (3, open("old"))]);
    assert_eq!(next(0, &two, &former), Step::Wait(vec![3]));
}

const PARTITIONS: usize = 5;

/// A record: its partition and its place there.
type Row = (usize, u64);

/// Kafka or the file: pages are stored whole, and only by whoever has the task's producer.
#[derive(Default)]
struct Store {
    positions: HashMap<String, Fields>,
    marks: BTreeMap<u32, Mark>,
    producers: HashMap<u32, u64>,
    producer: u64,
}

impl Store {
    fn take_over(&mut self, task: u32) -> u64 {
        self.producer += 1;
        self.producers.insert(task, self.producer);
        self.producer
    }

    fn store(
        &mut self,
        by: (u32, u64),
        positions: &[(Fields, Fields)],
        marks: &[(u32, Option<Mark>)],
    ) -> bool {
        if self.producers.get(&by.0) != Some(&by.1) {
            return false;
        }
        for (partition, offset) in positions {
            let before = place(self.positions.insert(rank(partition), offset.clone()).as_ref());
            assert!(before <= place(Some(offset)), "a position goes back");
        }
        for (task, mark) in marks {
            match mark {
                // As it would be read.
                Some(mark) => drop(self.marks.insert(*task, decode(&stored(&encode(mark))).unwrap())),
                None => drop(self.marks.remove(task)),
            }
        }
        true
    }
}

#[derive(Default)]
struct Destination {
    tokens: HashMap<String, Vec<Row>>,
    rows: HashMap<Row, u32>,
}

impl Destination {
    fn write(&mut self, plan: &Plan) {
        let rows_of = |range: &Range| {
            let number = range.partition.integer("p").unwrap() as usize;
            (place(range.from.as_ref())..place(Some(&range.until))).map(move |at| (number, at))
        };
        let rows: Vec<Row> = plan.ranges.iter().flat_map(rows_of).collect();
        if let Some(before) = self.tokens.get(&plan.token()) {
            assert_eq!(*before, rows, "a token stands for one row of records");
            return;
        }
        for row in &rows {
            *self.rows.entry(*row).or_default() += 1;
        }
        self.tokens.insert(plan.token(), rows);
    }
}

/// What a task's session does next.
#[derive(Debug, Clone)]
enum Stage {
    Opened,
    Signed,
    Recovering,
    /// Another task's producer is shut out.
    Inheriting(u32),
    /// Written again, and to be stored as settled.
    Written(u32, Plan),
    Reading,
    Planned(Plan),
}

struct Session {
    task: u32,
    producer: u64,
    /// The settings that it was started with.
    tasks: usize,
    stage: Stage,
    ledger: Ledger,
    read_to: HashMap<usize, u64>,
}

/// Each number of tasks stands for other settings.
fn settings(tasks: usize) -> Vec<String> {
    (0..tasks).map(|task| format!("{task} of {tasks}")).collect()
}

#[derive(Default)]
struct World {
    store: Store,
    destination: Destination,
    tasks: usize,
    sessions: Vec<Session>,
    ids: u8,
    now_ms: i64,
}

impl World {
    fn start(&mut self, task: u32) {
        let producer = self.store.take_over(task);
        let (tasks, ledger) = (self.tasks, Ledger::default());
        let session =
            Session { task, producer, tasks, stage: Stage::Opened, ledger, read_to: HashMap::new() };
        self.sessions.push(session);
    }

    /// One step of a session, which may have been frozen for long; false when that was its last.
    fn step(&mut self, session: &mut Session, dice: u64) -> bool {
        let (by, own) = ((session.task, session.producer), session.task);
        let known = settings(session.tasks);
        let clock_ms = self.store.marks.get(&own).map_or(0, |mark| mark.clock_ms);
        let signed = Mark { settings: known[own as usize].clone(), clock_ms, open: None };
        match session.stage.clone() {
            Stage::Opened => {
                session.stage = Stage::Signed;
                self.store.marks.contains_key(&own) || self.store.store(by, &[], &[(own, Some(signed))])
            }
            Stage::Signed => {
                session.stage = Stage::Recovering;
                session.tasks == self.tasks
            }
            Stage::Recovering => self.recover(session, signed),
            Stage::Inheriting(task) => {
                if let Some(plan) = self.store.marks.get(&task).and_then(|mark| mark.open.clone()) {
                    self.destination.write(&plan);
                    session.stage = Stage::Written(task, plan);
                    return true;
                }
                session.stage = Stage::Recovering;
                self.store.store(by, &[], &[(task, None)])
            }
            Stage::Written(task, plan) => {
                session.stage = Stage::Recovering;
                let mark = (task == own).then_some(signed);
                self.store.store(by, &plan.ends(), &[(task, mark)])
            }
            Stage::Reading => self.read(session, dice),
            Stage::Planned(plan) => {
                self.destination.write(&plan);
                session.ledger.settle();
                session.stage = Stage::Reading;
                true
            }
        }
    }

    fn recover(&mut self, session: &mut Session, signed: Mark) -> bool {
        let own = session.task;
        match next(own, &settings(session.tasks), &self.store.marks) {
            Step::Settle(plan) => {
                self.destination.write(&plan);
                session.stage = Stage::Written(own, plan);
            }
            Step::Sign => {
                return self.store.store((own, session.producer), &[], &[(own, Some(signed))]);
            }
            Step::Inherit(task) => {
                self.store.take_over(task);
                session.stage = Stage::Inheriting(task);
            }
            Step::Wait(_) => {}
            Step::Ready => {
                session.ledger = Ledger::new(&signed.settings, signed.clock_ms);
                let read = |number| place(self.store.positions.get(&rank(&partition(number))));
                let own = (0..PARTITIONS).filter(|number| number % session.tasks == own as usize);
                session.read_to = own.map(|number| (number, read(number))).collect();
                session.stage = Stage::Reading;
            }
        }
        true
    }

    fn read(&mut self, session: &mut Session, dice: u64) -> bool {
        let by = (session.task, session.producer);
        let mut moved = Vec::new();
        for (number, read_to) in &mut session.read_to {
            let records = (dice >> (2 * number)) & 3;
            if records == 3 {
                continue;
            }
            let mut begun = None;
            // As where records have to stay apart.
            if records == 2 && dice & (1 << 40) > 0 {
                *read_to += 1;
                let until = at(*read_to);
                moved.push(Moved { partition: partition(*number), begun, until: until.clone(), records: 1 });
                begun = Some(until);
            }
            let records = if begun.is_some() { 1 } else { records };
            *read_to += records;
            moved.push(Moved { partition: partition(*number), begun, until: at(*read_to), records });
        }
        (self.ids, self.now_ms) = (self.ids.wrapping_add(1), self.now_ms + (dice % 3) as i64);
        let mut id = [self.ids; 16];
        id[..8].copy_from_slice(&session.producer.to_le_bytes());
        let positions = &self.store.positions;
        let plan =
            session.ledger.plan((id, self.now_ms), moved, |asked| positions.get(&rank(asked)).cloned());
        let plan = plan.unwrap();
        let (positions, mark) = session.ledger.page();
        let is_stored = self.store.store(by, positions, &[(session.task, Some(mark))]);
        if is_stored {
            session.ledger.stored();
            session.stage = plan.map_or(Stage::Reading, Stage::Planned);
        }
        is_stored
    }

    fn act(&mut self, action: u8, dice: u64) {
        let pick = |len: usize| if len == 0 { None } else { Some((dice >> 32) as usize % len) };
        match action {
            0 => self.tasks = 1 + (dice % 4) as usize,
            1 | 2 => self.start((dice % self.tasks as u64) as u32),
            3 => drop(pick(self.sessions.len()).map(|index| self.sessions.remove(index))),
            _ => {
                let Some(index) = pick(self.sessions.len()) else { return };
                let mut session = self.sessions.remove(index);
                if self.step(&mut session, dice) {
                    self.sessions.insert(index, session);
                }
            }
        }
    }

    /// Every task of the settings of now gets through its recovery and reads a little.
    fn heal(&mut self) {
        self.sessions.clear();
        (0..self.tasks as u32).for_each(|task| self.start(task));
        for round in 0..200 {
            for index in 0..self.sessions.len() {
                let mut session = self.sessions.remove(index);
                // No record in the later rounds: whatever moved is stored.
                let dice = if round < 100 { 0b01_01_01_01_01 } else { 0 };
                assert!(self.step(&mut session, dice), "task {} ends at {:?}", session.task, session.stage);
                self.sessions.insert(index, session);
            }
        }
        let is_reading = |session: &Session| matches!(session.stage, Stage::Reading | Stage::Planned(_));
        assert!(self.sessions.iter().all(is_reading), "a task waits for ever");
    }

    fn check(&self) {
        let twice: Vec<_> = self.destination.rows.iter().filter(|(_, count)| **count != 1).collect();
        assert!(twice.is_empty(), "written more than once: {twice:?}");
        for number in 0..PARTITIONS {
            let end = place(self.store.positions.get(&rank(&partition(number))));
            assert!(end > 0, "nothing of partition {number} came");
            let there = self.destination.rows.keys().filter(|row| row.0 == number).count() as u64;
            let missing = (0..end).find(|at| !self.destination.rows.contains_key(&(number, *at)));
            assert_eq!((missing, there), (None, end), "partition {number}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn every_record_is_written_once(actions in prop::collection::vec((0..24_u8, any::<u64>()), 0..250)) {
        let mut world = World { tasks: 2, now_ms: 1000, ..World::default() };
        for (action, dice) in actions {
            world.act(action, dice);
        }
        world.heal();
        world.check();
    }
}
