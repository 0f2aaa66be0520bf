//! Reads the date of the ` d` tag as tolerantly as Python's `email.utils.parsedate_to_datetime`.
//!
//! Flask writes `Mon, 02 Jan 2023 03:04:05 GMT` alone; other writers' RFC 850 and asctime forms,
//! two-digit years, missing seconds, numeric offsets and obsolete zone names are understood too.

use crate::value::DateTime;

/// The datetime of `text`, with its offset (UTC if there is none); `None` if it is no date.
pub(super) fn parse(text: &str) -> Option<DateTime> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let first = *words.first()?;
    if first.ends_with(',') || is_weekday(first) {
        words.remove(0);
    } else if let Some((_, after)) = first.rsplit_once(',') {
        words[0] = after;
    }
    // RFC 850 writes the date in one word: 02-Jan-23.
    if words.len() == 3 {
        let date: Vec<&str> = words[0].split('-').collect();
        if date.len() == 3 {
            words.splice(..1, date);
        }
    }
    // The offset may cling to the time: 03:04:05+0100.
    if words.len() == 4 {
        let (time, zone) = match words[3].find('+').or_else(|| words[3].find('-')) {
            Some(i) if i > 0 => words[3].split_at(i),
            _ => (words[3], ""),
        };
        words.splice(3.., [time, zone]);
    }
    let &[mut day, mut month, mut year, mut time, mut zone] = words.get(..5)? else {
        return None;
    };
    if month_number(month).is_none() {
        (day, month) = (month, day);
    }
    // asctime has the year last: Jan  2 03:04:05 2023.
    if year.find(':').is_some_and(|i| i > 0) {
        (year, time) = (time, year);
    }
    year = year.strip_suffix(',').unwrap_or(year);
    if !year.starts_with(|c: char| c.is_ascii_digit()) {
        (year, zone) = (zone, year);
    }
    let (hour, minute, second) = time_of_day(time.strip_suffix(',').unwrap_or(time))?;
    let day = day.strip_suffix(',').unwrap_or(day).parse().ok()?;
    let civil = (full_year(year.parse().ok()?), month_number(month)?, day, hour, minute, second);
    DateTime::from_civil(civil, Some(offset_s(zone)))
}

fn is_weekday(word: &str) -> bool {
    let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    names.iter().any(|name| word.eq_ignore_ascii_case(name))
}

fn month_number(word: &str) -> Option<u8> {
    const LONG: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let named =
        |name: &&str| word.eq_ignore_ascii_case(name) || word.eq_ignore_ascii_case(&name[..3]);
    LONG.iter().position(named).map(|i| i as u8 + 1)
}

/// Two digits mean 1969 to 2068, as POSIX has it.
fn full_year(year: i64) -> i64 {
    match year {
        0..=68 => year + 2000,
        69..=99 => year + 1900,
        year => year,
    }
}

fn time_of_day(text: &str) -> Option<(u8, u8, u8)> {
    let separator = if text.contains(':') { ':' } else { '.' };
    let parts: Vec<u8> = text.split(separator).map(|p| p.parse().ok()).collect::<Option<_>>()?;
    match parts[..] {
        [hour, minute] => Some((hour, minute, 0)),
        [hour, minute, second] => Some((hour, minute, second)),
        _ => None,
    }
}

/// Seconds east; 0 for no zone and for names nobody knows.
fn offset_s(zone: &str) -> i32 {
    let hhmm = match zone.to_ascii_uppercase().as_str() {
        "AST" => -400,
        "ADT" => -300,
        "EST" => -500,
        "EDT" => -400,
        "CST" => -600,
        "CDT" => -500,
        "MST" => -700,
        "MDT" => -600,
        "PST" => -800,
        "PDT" => -700,
        other => other.parse().unwrap_or(0),
    };
    // An absurd number must not overflow; it is refused as an offset of over a day.
    let hhmm: i32 = i32::clamp(hhmm, -999_999, 999_999);
    hhmm.signum() * (hhmm.abs() / 100 * 3600 + hhmm.abs() % 100 * 60)
}
