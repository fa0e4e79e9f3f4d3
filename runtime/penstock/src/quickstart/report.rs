//! Counts what moved, from the worker's metrics, and writes it as a line.

use std::time::Duration;

/// What had moved at some time after the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sample {
    pub at: Duration,
    /// Records of the source that Kafka has.
    pub records_in: u64,
    /// Records that the sink's side has.
    pub records_out: u64,
    pub lag: u64,
}

impl Sample {
    /// `page` is in Prometheus's text form.
    pub fn read(page: &str, at: Duration, source: &str, sink: &str) -> Self {
        Self {
            at,
            records_in: sum(page, WRITTEN, source),
            records_out: sum(page, WRITTEN, sink),
            lag: sum(page, "penstock_task_lag_records", sink),
        }
    }
}

/// What a table has, where rows go to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    NoTable,
    /// The server did not tell.
    Unknown,
    Counted(u64),
}

pub fn line(before: &Sample, now: &Sample, rows: Rows) -> String {
    let seconds = now.at.saturating_sub(before.at).as_secs_f64();
    let rate = |before: u64, now: u64| {
        let moved = now.saturating_sub(before) as f64;
        grouped(if seconds > 0.0 { (moved / seconds).round() as u64 } else { 0 })
    };
    let at = format!("{:.0} s", now.at.as_secs_f64());
    let in_rate = rate(before.records_in, now.records_in);
    let out_rate = rate(before.records_out, now.records_out);
    let rows = match rows {
        Rows::NoTable => String::new(),
        Rows::Unknown => "   rows in the table unknown".to_owned(),
        Rows::Counted(rows) => format!("   rows in the table {}", grouped(rows)),
    };
    format!(
        "{at:>6}   in {} ({in_rate}/s)   out {} ({out_rate}/s)   lag {}{rows}",
        grouped(now.records_in),
        grouped(now.records_out),
        grouped(now.lag),
    )
}

/// The series of one name over all tasks of a connector.
fn sum(page: &str, name: &str, connector: &str) -> u64 {
    let label = format!("connector=\"{connector}\"");
    let value = |line: &str| {
        let (labels, value) = line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once("} ")?;
        let is_ours = labels.split(',').any(|given| given == label);
        // Every one of these is a whole number, and a gauge of lag may be below zero for a moment.
        value.trim().parse::<i64>().ok().filter(|_| is_ours)
    };
    let total: i64 = page.lines().filter_map(value).sum();
    total.try_into().unwrap_or(0)
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

const WRITTEN: &str = "penstock_task_records_written_total";

#[cfg(test)]
mod tests {
    use super::{Rows, Sample, grouped, line};
    use std::time::Duration;

    const PAGE: &str = "# TYPE penstock_task_records_written counter\n\
        penstock_task_records_written_total{connector=\"made-up\",task=\"0\"} 5000\n\
        penstock_task_records_written_total{connector=\"to-file\",task=\"0\"} 3000\n\
        penstock_task_records_written_total{stage=\"x\",connector=\"to-file\",task=\"1\"} 1500\n\
        penstock_task_records_written_total{connector=\"to-file-2\",task=\"0\"} 77\n\
        penstock_task_lag_records{connector=\"to-file\",task=\"0\"} 500\n\
        penstock_task_lag_records{connector=\"to-file\",task=\"1\"} -1\n\
        # EOF\n";

    fn at(seconds: u64, records_in: u64, records_out: u64, lag: u64) -> Sample {
        Sample { at: Duration::from_secs(seconds), records_in, records_out, lag }
    }

    #[test]
    fn tasks_of_a_connector_are_added_up_and_others_left_out() {
        let sample = Sample::read(PAGE, Duration::from_secs(5), "made-up", "to-file");
        assert_eq!(sample, at(5, 5000, 4500, 499));
        assert_eq!(Sample::read("", Duration::ZERO, "made-up", "to-file"), Sample::default());
        assert_eq!(Sample::read("penstock_task_lag_records{", Duration::ZERO, "a", "b"), Sample::default());
    }

    #[test]
    fn a_line_tells_counts_and_what_moved_since_the_last() {
        let (before, now) = (at(10, 1_000, 800, 200), at(12, 3_001, 2_800, 201));
        assert_eq!(
            line(&before, &now, Rows::NoTable),
            "  12 s   in 3,001 (1,001/s)   out 2,800 (1,000/s)   lag 201"
        );
        assert!(line(&before, &now, Rows::Counted(2_000_000)).ends_with("   rows in the table 2,000,000"));
        assert!(line(&before, &now, Rows::Unknown).ends_with("   rows in the table unknown"));
    }

    #[test]
    fn no_time_and_a_count_that_began_anew_are_no_rate() {
        assert_eq!(
            line(&at(1, 5, 5, 0), &at(1, 9, 0, 0), Rows::NoTable),
            "   1 s   in 9 (0/s)   out 0 (0/s)   lag 0"
        );
        assert_eq!(
            line(&at(1, 5, 5, 0), &at(2, 0, 0, 0), Rows::NoTable),
            "   2 s   in 0 (0/s)   out 0 (0/s)   lag 0"
        );
    }

    #[test]
    fn digits_are_grouped_by_three() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
