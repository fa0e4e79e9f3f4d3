//! Finds the declared name that a mistyped one was probably meant to be.

/// The nearest of the known names, if it is near enough to be a typing error.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.get(..LENGTH_MAX).unwrap_or(name);
    if name.len() > LENGTH_MAX {
        return None;
    }
    known
        .filter(|candidate| candidate.len() <= LENGTH_MAX)
        .map(|candidate| (distance(name.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits that turn one text into the other, where swapping two neighbours is one edit.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let replaced = last[j] + usize::from(a[i] != b[j]);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// Names longer than this are no typing error of ours, and the comparison is quadratic.
const LENGTH_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typing_error_finds_what_was_meant() {
        let known = ["tasks.max", "topics", "errors.tolerance", "file"];
        for (given, meant) in [
            ("task.max", Some("tasks.max")),
            ("topcis", Some("topics")),
            ("errors.tolerence", Some("errors.tolerance")),
            ("no.such.key", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, known.into_iter()), meant, "{given}");
        }
        assert_eq!(nearest(&"é".repeat(4000), known.into_iter()), None);
    }
}
