//! Times and sizes as people read them.

use dewar::DateTime;

/// How far a moment is from now: `2 h 5 m ago`, `in 3 d`.
pub(super) fn relative(ms: u64, now_ms: u64) -> String {
    if ms == u64::MAX {
        return "never".into();
    }
    if ms == 0 {
        return "past".into();
    }
    let words = words(ms.abs_diff(now_ms) / 1000);
    if ms <= now_ms { format!("{words} ago") } else { format!("in {words}") }
}

/// `2026-11-30T12:00:00Z`.
pub(super) fn moment(ms: u64) -> String {
    if ms == u64::MAX {
        return "never".into();
    }
    let seconds = i64::try_from(ms / 1000).ok();
    let moment = seconds.and_then(DateTime::from_unix);
    moment.map_or_else(|| "in the far future".into(), |moment| moment.to_iso() + "Z")
}

/// Two units at most.
pub(super) fn words(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let two = |much: u64, unit: &str, rest: u64, smaller: &str| match rest {
        0 => format!("{much} {unit}"),
        rest => format!("{much} {unit} {rest} {smaller}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => two(minutes, "m", seconds % 60, "s"),
        3600..86400 => two(hours, "h", minutes % 60, "m"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

/// `312 B`, `1.2 KiB`.
pub(super) fn size(bytes: u64) -> String {
    let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.into_iter().find(|(_, least)| bytes >= *least) {
        Some((unit, least)) => format!("{:.1} {unit}", bytes as f64 / least as f64),
        None => format!("{bytes} B"),
    }
}

/// `1 session`, `2 sessions`.
pub(super) fn sessions(number: u64) -> String {
    if number == 1 { "1 session".into() } else { format!("{number} sessions") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_two_units_at_most() {
        for (seconds, said) in
            [(0, "0 s"), (59, "59 s"), (60, "1 m"), (7500, "2 h 5 m"), (90_061, "1 d 1 h")]
        {
            assert_eq!(words(seconds), said);
        }
        assert_eq!(relative(5_000, 10_000), "5 s ago");
        assert_eq!(relative(70_000, 10_000), "in 1 m");
        assert_eq!((relative(u64::MAX, 1), moment(u64::MAX)), ("never".into(), "never".into()));
        assert_eq!(moment(1_700_000_000_000), "2023-11-14T22:13:20Z");
        assert_eq!((size(312), size(1229)), ("312 B".into(), "1.2 KiB".into()));
    }
}
