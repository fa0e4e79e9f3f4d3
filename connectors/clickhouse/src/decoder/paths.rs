//! Says for each name in each object of a record what its value goes to: the mapping and flattening of fields,
//! worked out once per table.
use std::collections::{BTreeMap, HashMap};

use super::names::Names;

/// What is done with a field's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// No column wants it; the table may get one.
    Unknown,
    /// No column shall have it.
    Ignored,
    /// It goes into this slot.
    Column(u32),
    /// Fields of the object are looked up in this level.
    Inside(u32),
    /// Both of these.
    Both(u32, u32),
}

/// Where the slots' values are in a record.
#[derive(Default)]
pub struct Plan<'a> {
    /// Columns that take the field of their own name.
    pub own: Vec<(&'a str, usize)>,
    /// Paths of the other columns.
    pub mapped: Vec<(&'a [String], usize)>,
    /// What stands between the names of a path in a column's name.
    pub separator: Option<&'a str>,
    /// Outermost names whose values no column takes.
    pub ignored: Vec<&'a str>,
    /// Also fields that no column can be named for are told as unknown.
    pub every_field: bool,
}

/// The names of each object that is looked into; the first level is the record itself.
pub struct Paths {
    pub levels: Vec<Names>,
}

impl Paths {
    pub fn new(plan: &Plan<'_>) -> Self {
        let mut builder = Builder { plan, levels: Vec::new(), flat: HashMap::new() };
        builder.level("", &plan.mapped);
        Paths { levels: builder.levels.into_iter().flatten().collect() }
    }

    /// A level beside the record's own, for one path; answers its number.
    pub fn add(&mut self, path: &[String], slot: usize) -> u32 {
        let plan = Plan { mapped: vec![(path, slot)], ..Plan::default() };
        let offset = self.levels.len() as u32;
        let mut builder = Builder { plan: &plan, levels: Vec::new(), flat: HashMap::new() };
        builder.level(INNER, &plan.mapped);
        self.levels.extend(builder.levels.into_iter().flatten().map(|names| names.moved(offset)));
        offset
    }

    /// Whether a name without a column was met for the first time since the last call.
    pub fn take_new(&mut self) -> bool {
        self.levels.iter_mut().fold(false, |new, level| level.take_new() | new)
    }
}

struct Builder<'a> {
    plan: &'a Plan<'a>,
    levels: Vec<Option<Names>>,
    /// Levels that depend on nothing but the beginning of the columns' names.
    flat: HashMap<String, u32>,
}

impl Builder<'_> {
    /// Builds the level of objects whose fields have `prefix` before their names in a column's name, and which
    /// the rest of these mapped paths goes through.
    fn level(&mut self, prefix: &str, mapped: &[(&[String], usize)]) -> u32 {
        if mapped.is_empty()
            && let Some(&known) = self.flat.get(prefix)
        {
            return known;
        }
        let number = self.levels.len() as u32;
        self.levels.push(None);
        if mapped.is_empty() {
            self.flat.insert(prefix.to_owned(), number);
        }
        let fields = fields(self.plan, prefix, mapped);
        let mut actions = Vec::new();
        for (name, field) in &fields {
            let inside = field.is_inside().then(|| {
                let with = self.plan.separator.filter(|_| field.slot.is_none() && prefix != INNER);
                let below = with.map_or(INNER.to_owned(), |with| format!("{prefix}{name}{with}"));
                self.level(&below, &field.mapped)
            });
            actions.push((*name, field.action(inside)));
        }
        // A field that no column can be named for is no sign of a changed table.
        let is_open = prefix != INNER || self.plan.every_field;
        let ignored =
            self.plan.ignored.iter().filter(|_| prefix.is_empty()).map(|name| (*name, Action::Ignored));
        let names = Names::new(ignored.chain(actions), is_open);
        self.levels[number as usize] = Some(names);
        number
    }
}

#[derive(Default)]
struct Field<'a> {
    slot: Option<usize>,
    mapped: Vec<(&'a [String], usize)>,
    /// Columns are named for what is inside.
    is_flattened: bool,
}

impl Field<'_> {
    /// A column of the field's own name takes the object whole, and only mapped paths are taken from it besides.
    fn is_inside(&self) -> bool {
        !self.mapped.is_empty() || (self.is_flattened && self.slot.is_none())
    }

    fn action(&self, inside: Option<u32>) -> Action {
        match (self.slot.map(|slot| slot as u32), inside) {
            (Some(slot), Some(level)) => Action::Both(slot, level),
            (Some(slot), None) => Action::Column(slot),
            (None, Some(level)) => Action::Inside(level),
            (None, None) => Action::Unknown,
        }
    }
}

/// What is known of the names at a level.
fn fields<'a>(
    plan: &'a Plan<'_>,
    prefix: &str,
    mapped: &[(&'a [String], usize)],
) -> BTreeMap<&'a str, Field<'a>> {
    let mut fields: BTreeMap<&str, Field<'_>> = BTreeMap::new();
    for (path, slot) in mapped {
        let Some((name, rest)) = path.split_first() else { continue };
        let field = fields.entry(name).or_default();
        if rest.is_empty() {
            field.slot = Some(*slot);
        } else {
            field.mapped.push((rest, *slot));
        }
    }
    if prefix == INNER {
        return fields;
    }
    for (column, slot) in &plan.own {
        let Some(rest) = column.strip_prefix(prefix).filter(|rest| !rest.is_empty()) else { continue };
        fields.entry(rest).or_default().slot.get_or_insert(*slot);
        for (at, separator) in plan.separator.iter().flat_map(|with| rest.match_indices(with)) {
            if at > 0 && at + separator.len() < rest.len() {
                fields.entry(&rest[..at]).or_default().is_flattened = true;
            }
        }
    }
    fields
}

/// Stands for the beginning of a column's name where no column is named for a path. No name begins with it.
const INNER: &str = "\0";
