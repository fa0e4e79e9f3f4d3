//! Versions of rows: the time of a change, and among those of one time the place in the stream.

/// Older than any change: a microsecond past 1970, as wide as all others, so that a column made for it takes them all.
pub const SNAPSHOT: &str = "1000000000000000000000000000000000000000000000000000000000";

/// As decimal digits: microseconds, then the sequence number in [`DIGITS`] places. Fits `UInt256` and `Int256`. None for
/// a sequence number that is none.
pub fn version(at_us: u64, sequence: &str, out: &mut String) -> Option<()> {
    // Behind it, parts of a packed record are counted; they have one time and one place.
    let sequence = sequence.split('/').next().unwrap_or(sequence);
    if sequence.is_empty() || sequence.len() > DIGITS || !sequence.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    out.clear();
    if at_us > 0 {
        out.push_str(&at_us.to_string());
    }
    out.extend(std::iter::repeat_n('0', DIGITS - sequence.len()));
    out.push_str(sequence);
    let significant = out.trim_start_matches('0').len();
    out.drain(..out.len() - significant);
    if out.is_empty() {
        out.push('0');
    }
    Some(())
}

/// Sequence numbers of Kinesis have 56 today.
pub const DIGITS: usize = 57;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(at_us: u64, sequence: &str) -> String {
        let mut out = String::new();
        version(at_us, sequence, &mut out).unwrap();
        out
    }

    /// As numbers of any length are compared.
    fn is_less(a: &str, b: &str) -> bool {
        (a.len(), a) < (b.len(), b)
    }

    #[test]
    fn time_goes_before_the_place_and_the_snapshot_before_all() {
        let (early, late) = (
            "49660000000000000000000000000000000000000000000000000007",
            "49660000000000000000000000000000000000000000000000000010",
        );
        let times = [
            of(1_760_000_000_000_001, early),
            of(1_760_000_000_000_001, late),
            of(1_760_000_000_000_002, early),
        ];
        assert!(is_less(&times[0], &times[1]) && is_less(&times[1], &times[2]), "{times:?}");
        assert!(is_less(SNAPSHOT, &of(1_000_000, "0")));
        assert!(is_less(&of(1_760_000_000_000_001, "9"), &of(1_760_000_000_000_001, "10")));
        assert_eq!(SNAPSHOT, of(1, "0"));
        assert_eq!(of(1_760_000_000_000_001, "7/3"), of(1_760_000_000_000_001, "7"));
    }

    #[test]
    fn the_latest_fits_its_column() {
        let most = of(super::super::json::TIME_MAX, &"9".repeat(DIGITS));
        let bound = "57896044618658097711785492504343953926634992332820282019728792003956564819967";
        assert!(is_less(&most, bound), "Int256 holds up to {bound}");
        for wrong in ["", "x", "-1", "SHARD_END"] {
            assert_eq!(version(1, wrong, &mut String::new()), None, "{wrong}");
        }
        assert_eq!(version(1, &"1".repeat(58), &mut String::new()), None);
    }
}
