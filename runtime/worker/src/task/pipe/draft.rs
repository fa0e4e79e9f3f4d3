//! The batch of a pipe while it grows: records in the order in which they came, and what they did to source partitions.
use super::intake::Intake;
use super::plan::{Moved, Plan, rank};
use crate::task::config::TaskSpec;
use crate::task::failure::failure;
use crate::task::source::Positions;
use cluster::Failure;
use host::Polled;
use kafka::{Composer, Messages};
use penstock_sdk::{Fields, Scalar};

/// Memory is reused from batch to batch.
#[derive(Default)]
pub struct Draft {
    composer: Composer,
    moved: Vec<Moved>,
    /// Which of `moved` each record is of, where writes are planned.
    places: Vec<u32>,
    /// What a plan of it takes, roughly.
    plan_bytes: usize,
}

/// A whole batch.
pub struct Drafted {
    pub messages: Messages,
    pub moved: Vec<Moved>,
    places: Vec<u32>,
}

impl Draft {
    /// Adds what one poll brought. Where writes are planned, every record has to say which partition it is of.
    pub fn take(
        &mut self,
        spec: &TaskSpec,
        intake: &mut Intake,
        polled: &Polled<'_>,
        is_planned: bool,
    ) -> Result<(), Failure> {
        let positions = polled.positions();
        let source = spec.upstream.as_ref().filter(|_| is_planned);
        let within = source.and_then(|source| source.plugin.replays_within());
        let mut known = vec![None; positions.len()];
        for record in polled.batch().records() {
            let before = self.composer.len();
            if is_planned {
                let of = polled.partition_of(&record).ok_or_else(unplaced)?;
                let place = *known[of].get_or_insert_with(|| self.place(&positions[of], within));
                self.moved[place as usize].records += 1;
                intake.take(spec, record, &mut self.composer)?;
                if self.composer.len() > before {
                    self.places.push(place);
                }
            } else {
                intake.take(spec, record, &mut self.composer)?;
            }
        }
        self.reach(positions, within);
        Ok(())
    }

    /// Takes positions; those that come before any record of their partition say where it begins. `within` is the field
    /// of offsets whose values stay apart.
    pub fn reach(&mut self, positions: Positions, within: Option<&str>) {
        for position in positions {
            let place = self.place(&position, within);
            let moved = &mut self.moved[place as usize];
            if moved.records == 0 {
                moved.begun = Some(position.1);
            }
        }
    }

    /// Where records up to this position are counted: with those before them, unless the plan has to keep them apart.
    fn place(&mut self, (partition, until): &(Fields, Fields), within: Option<&str>) -> u32 {
        let known = self.moved.iter().rposition(|moved| moved.partition == *partition);
        let is_other = |moved: &Moved| {
            moved.records > 0 && within.is_some_and(|field| moved.until.get(field) != until.get(field))
        };
        if let Some(place) = known.filter(|place| !is_other(&self.moved[*place])) {
            self.moved[place].until = until.clone();
            return place as u32;
        }
        let bytes = |fields: &Fields| fields.iter().map(size).sum::<usize>();
        // Two offsets, which are taken to be no smaller than the partition.
        self.plan_bytes += RANGE_BYTES + bytes(partition) + 2 * bytes(partition).max(bytes(until));
        let begun = known.map(|place| self.moved[place].until.clone());
        self.moved.push(Moved { partition: partition.clone(), begun, until: until.clone(), records: 0 });
        self.moved.len() as u32 - 1
    }

    #[cfg(test)]
    pub fn composer(&mut self) -> &mut Composer {
        &mut self.composer
    }

    pub fn rows(&self) -> usize {
        self.composer.len()
    }

    pub fn bytes(&self) -> usize {
        self.composer.bytes()
    }

    /// Whether one more partition could make the plan too large to be stored.
    pub fn has_large_plan(&self) -> bool {
        self.plan_bytes >= PLAN_BYTES_MAX
    }

    /// What moved so far, of a batch that goes on growing.
    pub fn moved(&self) -> &[Moved] {
        &self.moved
    }

    /// What is there; the draft is empty again.
    pub fn finish(&mut self) -> Drafted {
        self.plan_bytes = 0;
        Drafted {
            messages: self.composer.finish(),
            moved: std::mem::take(&mut self.moved),
            places: std::mem::take(&mut self.places),
        }
    }
}

impl Drafted {
    /// Where the source goes on behind it.
    pub fn positions(&self) -> Positions {
        self.moved.iter().map(|moved| (moved.partition.clone(), moved.until.clone())).collect()
    }

    /// The records in the order that follows from the plan alone, with places that no others have.
    pub fn arranged(self, plan: &Plan, task: u32) -> Messages {
        let Self { mut messages, moved, places } = self;
        let mut order: Vec<(String, usize)> =
            moved.iter().enumerate().map(|(place, moved)| (rank(&moved.partition), place)).collect();
        order.sort();
        let mut ranks = vec![0_u32; moved.len()];
        for (rank, (_, place)) in (0..).zip(&order) {
            ranks[*place] = rank;
        }
        let ranks: Vec<u32> = places.iter().map(|place| ranks[*place as usize]).collect();
        messages.arrange(&ranks, i32::try_from(task).unwrap_or(i32::MAX), plan.first_offset());
        messages
    }
}

fn size((name, value): (&str, &Scalar)) -> usize {
    name.len() + if let Scalar::Text(text) = value { text.len() } else { 8 }
}

fn unplaced() -> Failure {
    let sentence =
        "the source broke the contract: it gave a record and no position of its partition behind it";
    failure("ConnectException", sentence, true)
}

/// Names, numbers and signs of a range in a plan.
const RANGE_BYTES: usize = 120;
/// Kafka takes records of a megabyte, and a plan stands in one as text within text.
const PLAN_BYTES_MAX: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use kafka::OwnRecord;

    fn partition(name: &str) -> Fields {
        Fields::new().with("p", name)
    }

    fn at(offset: i64) -> Fields {
        Fields::new().with("at", offset)
    }

    fn push(draft: &mut Draft, of: &str, value: &str) {
        let place = draft.place(&(partition(of), at(0)), None);
        draft.moved[place as usize].records += 1;
        let value = Some(value.as_bytes());
        let record = OwnRecord { topic: "t", partition: 0, offset: 0, timestamp_ms: None, key: None, value };
        draft.composer.push(&record, std::iter::empty());
        draft.places.push(place);
    }

    fn values(messages: &Messages) -> Vec<String> {
        messages.iter().map(|m| String::from_utf8_lossy(m.value().unwrap()).into_owned()).collect()
    }

    #[test]
    fn the_order_follows_from_the_partitions_however_they_came() {
        let plan = Plan { id: [0; 16], made_ms: 3, ranges: Vec::new() };
        let mut seen = Vec::new();
        for order in [["b 1", "a 1", "c 1", "a 2", "b 2"], ["a 1", "c 1", "b 1", "b 2", "a 2"]] {
            let mut draft = Draft::default();
            for name in order {
                push(&mut draft, &name[..1], name);
            }
            draft.reach(vec![(partition("a"), at(2))], None);
            let messages = draft.finish().arranged(&plan, 4);
            let first = messages.get(0).unwrap();
            assert_eq!((first.partition(), first.offset()), (4, 3 << 20));
            seen.push(values(&messages));
        }
        assert_eq!(seen[0], ["a 1", "a 2", "b 1", "b 2", "c 1"]);
        assert_eq!(seen[0], seen[1]);
    }

    #[test]
    fn a_position_before_the_records_is_where_they_begin() {
        let mut draft = Draft::default();
        draft.reach(vec![(partition("a"), at(1))], None);
        draft.reach(vec![(partition("a"), at(2))], None);
        push(&mut draft, "a", "x");
        draft.reach(vec![(partition("a"), at(3)), (partition("b"), at(9))], None);
        let moved = draft.finish().moved;
        let seen: Vec<_> = moved.iter().map(|m| (m.begun.clone(), m.until.clone(), m.records)).collect();
        assert_eq!(seen, [(Some(at(2)), at(3), 1), (Some(at(9)), at(9), 0)]);
        assert!(draft.finish().moved.is_empty());
    }

    /// What one poll brought of partition `p`: a file, how far it was read, and how many records that were.
    fn of_file(draft: &mut Draft, (file, row): (&str, i64), records: u64) {
        let position = (partition("p"), at(row).with("file", file));
        if records > 0 {
            let place = draft.place(&position, Some("file"));
            draft.moved[place as usize].records += records;
        }
        draft.reach(vec![position], Some("file"));
    }

    #[test]
    fn what_has_to_stay_apart_has_a_range_each() {
        let mut draft = Draft::default();
        // Files without records are between others, and one is the last.
        for (file, row, records) in
            [("a", 5, 1), ("a", 7, 2), ("b", 1, 0), ("c", 3, 3), ("d", 1, 4), ("e", 0, 0), ("f", 0, 0)]
        {
            of_file(&mut draft, (file, row), records);
        }
        let file =
            |offset: &Fields| format!("{} {}", offset.text("file").unwrap(), offset.integer("at").unwrap());
        let seen = |moved: &Moved| (moved.begun.as_ref().map(file), file(&moved.until), moved.records);
        let seen: Vec<_> = draft.finish().moved.iter().map(seen).collect();
        let expected =
            |begun: Option<&str>, until: &str, records| (begun.map(String::from), until.into(), records);
        assert_eq!(
            seen,
            [
                expected(None, "a 7", 3),
                expected(Some("b 1"), "c 3", 3),
                expected(Some("c 3"), "d 1", 4),
                expected(Some("f 0"), "f 0", 0)
            ]
        );
    }

    #[test]
    fn a_batch_of_very_many_partitions_is_full() {
        let mut draft = Draft::default();
        let name = "x".repeat(100);
        let mut partitions = 0;
        while !draft.has_large_plan() {
            draft.reach(vec![(partition(&format!("{name}{partitions}")), at(1))], None);
            partitions += 1;
        }
        assert!((300..1000).contains(&partitions), "{partitions}");
        drop(draft.finish());
        assert!(!draft.has_large_plan());
    }
}
