//! Dates as HTTP writes them: `Thu, 01 Jan 1970 00:00:00 GMT` (RFC 9110 5.6.7, IMF-fixdate).
//!
//! The calendar is the proleptic Gregorian one, as in Python's `datetime`: years 1 to 9999.

const WEEKDAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// `0001-01-01T00:00:00Z` in Unix seconds, the first instant that can be written.
pub(crate) const FIRST: i64 = -62_135_596_800;
/// `9999-12-31T23:59:59Z` in Unix seconds, the last instant that can be written.
pub(crate) const LAST: i64 = 253_402_300_799;

const DAY: i64 = 86_400;

/// An instant in the form HTTP gives it, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HttpDate([u8; Self::BYTES]);

impl HttpDate {
    /// The length of every such date.
    pub(crate) const BYTES: usize = 29;

    /// Writes whole Unix seconds; `None` outside the years 1 to 9999.
    pub(crate) fn at(unix_seconds: i64) -> Option<Self> {
        if !(FIRST..=LAST).contains(&unix_seconds) {
            return None;
        }
        let (days, second) = (unix_seconds.div_euclid(DAY), unix_seconds.rem_euclid(DAY));
        let date = CivilDate::from_days(days);
        let mut text = *b"www, dd mmm yyyy hh:mm:ss GMT";
        text[..3].copy_from_slice(WEEKDAYS[weekday(days)]);
        text[8..11].copy_from_slice(MONTHS[usize::from(date.month) - 1]);
        put(&mut text[5..7], date.day.into());
        put(&mut text[12..16], date.year);
        put(&mut text[17..19], second / 3600);
        put(&mut text[20..22], second / 60 % 60);
        put(&mut text[23..25], second % 60);
        Some(Self(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a date is digits, letters and punctuation")
    }
}

/// Fills the field with the decimal digits of the number, from the right.
fn put(field: &mut [u8], mut number: i64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// The day of the week, Monday first, of a day counted from 1970-01-01 (a Thursday).
fn weekday(days: i64) -> usize {
    (days + 3).rem_euclid(7) as usize
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CivilDate {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u8,
    /// 1 to 31.
    pub(crate) day: u8,
}

// Both directions count in eras of 400 years and let a year begin in March, which puts the leap
// day last: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
impl CivilDate {
    /// Turns days since 1970-01-01 into year, month and day.
    pub(crate) fn from_days(days: i64) -> Self {
        let days = days + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year, month: month as u8, day: day as u8 }
    }

    /// Counts the days since 1970-01-01.
    pub(crate) fn to_days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let month = (i64::from(self.month) + 9) % 12;
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_python_writes_them() {
        let cases = [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_700_000_000, "Tue, 14 Nov 2023 22:13:20 GMT"),
            (1_702_592_000, "Thu, 14 Dec 2023 22:13:20 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (FIRST, "Mon, 01 Jan 0001 00:00:00 GMT"),
            (LAST, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ];
        for (seconds, text) in cases {
            assert_eq!(HttpDate::at(seconds).expect("in range").as_str(), text);
        }
        for seconds in [FIRST - 1, LAST + 1, i64::MIN, i64::MAX] {
            assert_eq!(HttpDate::at(seconds), None, "{seconds}");
        }
    }

    #[test]
    fn every_day_of_ten_thousand_years_follows_the_one_before() {
        let mut day_before = CivilDate { year: 0, month: 12, day: 31 };
        for days in FIRST / DAY..=LAST / DAY {
            let date = CivilDate::from_days(days);
            let expected = next(day_before);
            assert_eq!((date, date.to_days()), (expected, days));
            day_before = date;
        }
    }

    fn next(CivilDate { year, month, day }: CivilDate) -> CivilDate {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        match (month, day) {
            (12, 31) => CivilDate { year: year + 1, month: 1, day: 1 },
            _ if day == last => CivilDate { year, month: month + 1, day: 1 },
            _ => CivilDate { year, month, day: day + 1 },
        }
    }
}
