//! What a task that starts has to do before it may read: plans of before are settled first, each by one task.
use super::{Mark, Plan};
use std::collections::BTreeMap;

/// The next thing to do.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// This plan of the task's own number is to be written again.
    Settle(Plan),
    /// The task's own mark is to be stored: it says that nothing of before is open here.
    Sign,
    /// There is no task of this number any more. It is shut out, its plan settled, and its mark erased.
    Inherit(u32),
    /// These are other tasks' to settle; looked at again a little later.
    Wait(Vec<u32>),
    Ready,
}

/// Decides for one of the tasks. `settings` has an entry for each task that there is now. Tasks of unchanged settings
/// have kept their partitions, so that what they have open is nobody else's concern.
pub fn next(task: u32, settings: &[String], marks: &BTreeMap<u32, Mark>) -> Step {
    let own = marks.get(&task);
    if let Some(plan) = own.and_then(|mark| mark.open.as_ref()) {
        return Step::Settle(plan.clone());
    }
    let current = |number: u32| settings.get(number as usize);
    if own.map(|mark| &mark.settings) != current(task) {
        return Step::Sign;
    }
    let count = u32::try_from(settings.len()).unwrap_or(u32::MAX).max(1);
    let former = marks.iter().filter(|(number, _)| **number >= count);
    // Where nothing is open, whoever comes first may shut it out: it only was late.
    let mut mine = former.clone().filter(|(number, mark)| *number % count == task || mark.open.is_none());
    if let Some((number, _)) = mine.next() {
        return Step::Inherit(*number);
    }
    let is_others =
        |(number, mark): &(&u32, &Mark)| **number != task && current(**number) != Some(&mark.settings);
    let others: Vec<u32> = marks.iter().filter(is_others).map(|(number, _)| *number).collect();
    if others.is_empty() { Step::Ready } else { Step::Wait(others) }
}
