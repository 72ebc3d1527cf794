//! Moments as people read them.

/// Milliseconds since the epoch as `2026-11-21 03:00 UTC`.
pub fn minute(millis: i64) -> String {
    let seconds = millis.max(0).unsigned_abs() / 1000;
    let second = seconds % 86_400;
    let (mut day, mut year) = (seconds / 86_400, 1970_u64);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while day >= 365 + u64::from(leap(year)) && year < 9999 {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while month < 11 && day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    format!("{year:04}-{:02}-{:02} {:02}:{:02} UTC", month + 1, day + 1, second / 3_600, second % 3_600 / 60)
}

/// A length of time in its two largest units: `15 min`, `1 h 5 min`, `40 s`.
pub fn length(millis: i64) -> String {
    let seconds = millis.max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ if seconds % 3600 < 60 => format!("{} h", seconds / 3600),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right() {
        assert_eq!(minute(0), "1970-01-01 00:00 UTC");
        assert_eq!(minute(951_782_399_000), "2000-02-28 23:59 UTC");
        assert_eq!(minute(951_782_400_000), "2000-02-29 00:00 UTC");
        assert_eq!(minute(1_735_689_599_999), "2024-12-31 23:59 UTC");
        assert_eq!(minute(-5), "1970-01-01 00:00 UTC");
        assert!(minute(i64::MAX).ends_with("UTC"));
    }

    #[test]
    fn lengths_have_two_units_at_most() {
        let said = [0, 59_999, 60_000, 3_599_000, 3_600_000, 3_900_000].map(length);
        assert_eq!(said, ["0 s", "59 s", "1 min", "59 min", "1 h", "1 h 5 min"]);
    }
}
