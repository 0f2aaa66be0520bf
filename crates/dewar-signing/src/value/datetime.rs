//! A date with a time, its HTTP form, and the calendar both need.

use std::time::{SystemTime, UNIX_EPOCH};

/// A date with a time of day, to the second, from the year 1 to the year 9999.
///
/// # Flask
/// `datetime`: naive (without an offset) or aware. Fractions of a second are not carried by the
/// wire, and what is read back always has an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    /// Seconds from 1970-01-01 00:00:00 on the local clock.
    local_s: i64,
    /// Seconds east of Greenwich; `None` for a naive datetime.
    offset_s: Option<i32>,
}

/// Year, month, day, hour, minute, second.
type Civil = (i64, u8, u8, u8, u8, u8);

const DAY_S: i64 = 86_400;
pub(crate) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// 1970-01-01 was a Thursday.
pub(crate) const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

impl DateTime {
    /// The moment `seconds` after 1970-01-01 00:00:00 UTC; `None` outside the years 1 to 9999.
    pub fn from_unix(seconds: i64) -> Option<Self> {
        Self { local_s: seconds, offset_s: Some(0) }.in_range()
    }

    /// The local date and time `(year, month, day, hour, minute, second)`, with its distance to
    /// UTC in seconds east, below one day; `None` if there is no such date or time.
    pub fn from_civil(civil: Civil, offset_s: Option<i32>) -> Option<Self> {
        let (year, month, day, hour, minute, second) = civil;
        let valid = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60
            && offset_s.is_none_or(|o| i64::from(o).abs() < DAY_S);
        let time_s = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        let local_s = days_from_civil(year, month, day) * DAY_S + time_s;
        valid.then_some(Self { local_s, offset_s })
    }

    /// The local date and time: `(year, month, day, hour, minute, second)`.
    pub fn civil(&self) -> Civil {
        let (year, month, day) = civil_from_days(self.local_s.div_euclid(DAY_S));
        let s = self.local_s.rem_euclid(DAY_S);
        // Each part is below 60 or 24.
        (year, month, day, (s / 3600) as u8, (s / 60 % 60) as u8, (s % 60) as u8)
    }

    /// Seconds east of Greenwich; `None` for a naive datetime.
    pub fn utc_offset(&self) -> Option<i32> {
        self.offset_s
    }

    /// Whole seconds since 1970-01-01 00:00:00 UTC; a naive datetime counts as UTC, as in Flask.
    pub fn unix_seconds(&self) -> i64 {
        self.local_s - i64::from(self.offset_s.unwrap_or(0))
    }

    /// The HTTP date of this moment, `Thu, 01 Jan 1970 00:00:00 GMT` (RFC 9110 §5.6.7); `None`
    /// if the moment leaves the years 1 to 9999 on the way to UTC.
    ///
    /// # Flask
    /// `werkzeug.http.http_date`.
    pub fn to_http_date(&self) -> Option<String> {
        let utc = Self::from_unix(self.unix_seconds())?;
        let (year, month, day, hour, minute, second) = utc.civil();
        let weekday = WEEKDAYS[utc.local_s.div_euclid(DAY_S).rem_euclid(7) as usize];
        let month = MONTHS[usize::from(month) - 1];
        Some(format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT"))
    }

    /// The local date and time in ISO form, `2023-01-02T03:04:05`, without the offset.
    pub fn to_iso(&self) -> String {
        let (year, month, day, hour, minute, second) = self.civil();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }

    /// The ISO form with the offset, if there is one: `2023-01-02T03:04:05+00:00`. `separator`
    /// stands between date and time.
    pub(crate) fn to_iso_with_offset(self, separator: char) -> String {
        let mut text = self.to_iso().replacen('T', separator.encode_utf8(&mut [0; 4]), 1);
        if let Some(offset) = self.offset_s {
            let (sign, s) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
            text.push_str(&format!("{sign}{:02}:{:02}", s / 3600, s / 60 % 60));
            if s % 60 != 0 {
                text.push_str(&format!(":{:02}", s % 60));
            }
        }
        text
    }

    /// Reads `2023-01-02T03:04:05`, with or without an offset such as `+05:30` or `Z`.
    pub fn from_iso(text: &str) -> Option<Self> {
        let (local, zone) = text.split_at_checked(19)?;
        let number = |from: usize, to: usize| {
            let digits = local.get(from..to).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
            digits.and_then(|d| d.parse::<i64>().ok())
        };
        let part = |from: usize| number(from, from + 2).and_then(|n| u8::try_from(n).ok());
        let marks: Vec<u8> = [4, 7, 10, 13, 16].map(|i| local.as_bytes()[i]).into();
        if marks != *b"--T::" {
            return None;
        }
        let civil = (number(0, 4)?, part(5)?, part(8)?, part(11)?, part(14)?, part(17)?);
        Self::from_civil(civil, if zone.is_empty() { None } else { Some(iso_offset(zone)?) })
    }

    fn in_range(self) -> Option<Self> {
        let range = days_from_civil(1, 1, 1) * DAY_S..days_from_civil(10_000, 1, 1) * DAY_S;
        range.contains(&self.local_s).then_some(self)
    }
}

/// Cuts the fraction of a second off, towards the past. Beyond the years 1 to 9999 the nearest
/// end of that range is taken.
impl From<SystemTime> for DateTime {
    fn from(time: SystemTime) -> Self {
        let seconds = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            Err(before) => {
                let d = before.duration();
                -i64::try_from(d.as_secs()).unwrap_or(i64::MAX) - i64::from(d.subsec_nanos() > 0)
            }
        };
        let first = days_from_civil(1, 1, 1) * DAY_S;
        let last = days_from_civil(10_000, 1, 1) * DAY_S - 1;
        Self { local_s: seconds.clamp(first, last), offset_s: Some(0) }
    }
}

/// Seconds east of `Z`, `+05:30` or `-00:00:01`.
fn iso_offset(zone: &str) -> Option<i32> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, parts) = match zone.split_at_checked(1)? {
        ("+", parts) => (1, parts),
        ("-", parts) => (-1, parts),
        _ => return None,
    };
    let parts: Vec<i32> =
        parts.split(':').map(|p| p.parse::<u8>().ok().map(i32::from)).collect::<Option<_>>()?;
    match parts[..] {
        [hours, minutes] => Some(sign * (hours * 3600 + minutes * 60)),
        [hours, minutes, seconds] => Some(sign * (hours * 3600 + minutes * 60 + seconds)),
        _ => None,
    }
}

fn days_in_month(year: i64, month: u8) -> u8 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + u8::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar; years begin in March so that the
/// leap day comes last.
fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * (i64::from(month) + 9).rem_euclid(12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leaps = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * march_month + 2) / 5 + 1) as u8;
    let month = ((march_month + 2) % 12 + 1) as u8;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}
