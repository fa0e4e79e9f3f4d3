//! Times, zones and wide numbers; what the server makes of the same text is checked in `server_tests`.
use super::zone::Change;
use super::*;

/// Central Europe in 2023: summer time from 26 March to 29 October, changing at 01:00 UTC.
fn berlin() -> Zone {
    Zone::new(vec![
        Change { at: i64::MIN / 2, offset: 3600 },
        Change { at: 1_679_792_400, offset: 7200 },
        Change { at: 1_698_541_200, offset: 3600 },
    ])
}

#[test]
fn local_times_are_read_as_the_server_reads_them() {
    for (text, expected) in [
        ("2023-01-15 12:00:00", 1_673_780_400),
        ("2023-03-26 01:59:59", 1_679_792_399),
        ("2023-03-26 02:30:00", 1_679_790_600),
        ("2023-03-26 03:00:00", 1_679_792_400),
        ("2023-10-29 02:30:00", 1_698_539_400),
        ("2023-10-29 03:00:00", 1_698_544_800),
        ("2023-10-29T02:30:00Z", 1_698_546_600),
        ("2023-10-29T02:30:00+05:30", 1_698_526_800),
    ] {
        assert_eq!(instant::seconds_of_text(text, &berlin(), true), Some(expected), "{text}");
    }
}

#[test]
fn whole_numbers_take_the_unit_that_their_size_suggests() {
    for (raw, scale, expected) in [
        ("0", 3, 0),
        ("-1", 3, -1000),
        ("1700000000", 3, 1_700_000_000_000),
        ("1700000000123", 3, 1_700_000_000_123),
        ("1700000000123456", 3, 1_700_000_000_123),
        ("1700000000123456789", 3, 1_700_000_000_123),
        ("1700000000123", 9, 1_700_000_000_123_000_000),
        ("1700000000.5", 3, 1_700_000_000_500),
        ("1.7e9", 0, 1_700_000_000),
        ("-1.5", 1, -15),
    ] {
        assert_eq!(instant::ticks_of_number(raw, scale, false), Some(expected), "{raw} {scale}");
    }
    assert_eq!(instant::ticks_of_number("9999999999", 9, false), None);
}

#[test]
fn text_of_times_has_many_forms() {
    for (text, expected) in [
        ("2023-01-02", 1_672_617_600_000),
        ("20230102", 1_672_617_600_000),
        ("2023/1/2 03:04", 1_672_628_640_000),
        ("2023-01-02T03:04:05.6789Z", 1_672_628_645_678),
        ("20230102T030405Z", 1_672_628_645_000),
        ("20230102030405", 1_672_628_645_000),
        ("2023-01-02 03:04:05 +0100", 1_672_625_045_000),
        ("1969-12-31T23:59:59.5Z", -500),
        ("1672628645.6789", 1_672_628_645_678),
        ("0001-01-01", -62_135_596_800_000),
    ] {
        assert_eq!(instant::ticks_of_text(text, 3, &Zone::Utc, false), Some(expected), "{text}");
    }
    for text in ["", "-", ".", "2023-13-01", "2023-1-2T", "2023-01-02T03:04:05.", "2023-01-02X", "0000-01-01"]
    {
        assert_eq!(instant::ticks_of_text(text, 3, &Zone::Utc, false), None, "{text}");
    }
}

#[test]
fn decimals_keep_every_digit_and_cut_what_the_scale_has_no_room_for() {
    for (text, precision, scale, expected) in [
        ("0.1", 18, 18, Some(100_000_000_000_000_000)),
        ("-12345678.99", 10, 2, Some(-1_234_567_899)),
        ("1.999", 4, 2, Some(199)),
        ("1e-400", 4, 2, Some(0)),
        ("0e999999999999", 4, 2, Some(0)),
        ("12e2", 4, 0, Some(1200)),
        ("000123", 3, 0, Some(123)),
        ("1234", 3, 0, None),
        ("1e999999999999", 10, 2, None),
        ("", 10, 2, None),
        ("1.2.3", 10, 2, None),
        ("0x10", 10, 2, None),
        ("1e", 10, 2, None),
    ] {
        let value = decimal::scaled(text, precision, scale, false).and_then(wide::Wide::to_i64);
        assert_eq!(value, expected, "{text}");
    }
}

#[test]
fn exact_values_lose_nothing() {
    for (text, exact) in [("1.50", true), ("1.500", true), ("1.505", false), ("1e-3", false), ("0e-9", true)]
    {
        assert_eq!(decimal::scaled(text, 9, 2, true).is_some(), exact, "{text}");
    }
    for (text, exact) in [
        ("2023-01-02T03:04:05.670", true),
        ("2023-01-02T03:04:05.6780000000000", true),
        ("2023-01-02T03:04:05.6789", false),
        ("2023-01-02T03:04:05.6780000000001", false),
        ("1700000000.5", true),
        ("1700000000.0005", false),
        ("1700000000123000", true),
        ("1700000000123456", false),
    ] {
        assert_eq!(instant::ticks_of_text(text, 3, &Zone::Utc, true).is_some(), exact, "{text}");
    }
    assert_eq!(calendar::date_of_text("2023-01-02T00:00:00", true), Some(19_359));
    assert_eq!(calendar::date_of_text("2023-01-02T00:00:01", true), None);
    assert_eq!(calendar::date32_of_number("99999999999", true), None);
}

#[test]
fn spans_have_up_to_999_hours() {
    for (text, scale, expected) in [
        ("12:30:45", 0, Some(45_045)),
        ("-999:59:59", 0, Some(-3_599_999)),
        ("-0:00:00.5", 3, Some(-500)),
        ("12:30:45.6789", 3, Some(45_045_678)),
        ("12:30:45.", 3, Some(45_045_000)),
        ("12:30:45.0", 0, Some(45_045)),
        ("12:30:45.5", 0, None),
        ("1000:00:00", 0, None),
        ("12:30", 0, None),
        ("12:60:00", 0, None),
        ("1:2:3", 0, None),
        ("+1:02:03", 0, None),
        ("--1:02:03", 0, None),
        ("01:02:03:04", 0, None),
        ("", 0, None),
    ] {
        assert_eq!(clock::ticks_of_text(text, scale, false), expected, "{text}");
    }
    assert_eq!(clock::ticks_of_text("12:30:45.6789", 3, true), None);
    assert_eq!(clock::ticks_of_number("3599999", 0), Some(3_599_999));
    assert_eq!(clock::ticks_of_number("3600000", 0), None);
    assert_eq!(clock::ticks_of_number("-3599999999999999", 9), Some(-3_599_999_999_999_999));
    assert_eq!(clock::ticks_of_number("1.5", 3), None);
}

#[test]
fn wide_integers_reach_their_limits_and_no_further() {
    let max = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    let over = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
    let min = "-57896044618658097711785492504343953926634992332820282019728792003956564819968";
    let under = "-57896044618658097711785492504343953926634992332820282019728792003956564819969";
    let mut out = Vec::new();
    assert_eq!(integer::unsigned(max, 32, &mut out), Some(()));
    assert_eq!(out, [0xFF; 32]);
    assert_eq!(integer::unsigned(over, 32, &mut out), None);
    out.clear();
    assert_eq!(integer::signed(min, 32, &mut out), Some(()));
    assert_eq!(out[31], 0x80);
    assert_eq!(out[..31], [0; 31]);
    assert_eq!(integer::signed(under, 32, &mut out), None);
    out.clear();
    assert_eq!(integer::signed("-2", 16, &mut out), Some(()));
    assert_eq!(out, (-2_i128).to_le_bytes());
    assert_eq!(integer::signed("-9223372036854775808", 8, &mut out), Some(()));
    assert_eq!(integer::unsigned("18446744073709551615", 8, &mut out), Some(()));
    assert_eq!(integer::unsigned("18446744073709551616", 8, &mut out), None);
    assert_eq!(integer::signed("-129", 1, &mut out), None);
    assert_eq!(integer::signed("7.0", 1, &mut out), Some(()));
    assert_eq!(integer::signed("7.5", 1, &mut out), None);
}
