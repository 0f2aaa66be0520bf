//! `dewar sessions stats`.

use std::collections::BTreeMap;

use dewar::{Dict, Value, store::Record};

use super::{args::Stats, progress::Progress, reach::Reach, span, view::Sorted};
use crate::{json, terminal};

const HOUR_MS: u64 = 3600 * 1000;

/// What was counted.
#[derive(Default)]
struct Counted {
    live: u64,
    expired: u64,
    moved: u64,
    ended: u64,
    unreadable: u64,
    with_user: u64,
    ending_soon: u64,
    bytes: u64,
    oldest_ms: Option<u64>,
    /// How many live sessions have a size, rounded up by at most 1 %.
    sizes: BTreeMap<u64, u64>,
}

pub(super) async fn run(args: &Stats) -> anyhow::Result<()> {
    let reach = Reach::open(&args.asked).await?;
    let (mut counted, mut pages, mut seen) = (Counted::default(), reach.pages(), 0);
    let mut progress = Progress::new();
    while let Some(page) = pages.next().await? {
        seen += page.len();
        progress.tell(|| format!("{seen} entries read"));
        for (_, found) in page {
            match Sorted::of(&reach, found)? {
                Sorted::Live(record) => counted.live(&record, reach.now_ms),
                Sorted::Expired(_) => counted.expired += 1,
                Sorted::Moved => counted.moved += 1,
                Sorted::Ended => counted.ended += 1,
                Sorted::Unreadable => counted.unreadable += 1,
            }
        }
    }
    drop(progress);
    if args.asked.json {
        return terminal::print(&json::one_line(&counted.dict()));
    }
    terminal::print(&counted.text(reach.now_ms))
}

impl Counted {
    fn live(&mut self, record: &Record, now_ms: u64) {
        let bytes = record.data.len() as u64;
        self.live += 1;
        self.bytes += bytes;
        *self.sizes.entry(rounded(bytes)).or_default() += 1;
        self.with_user += u64::from(record.owner.is_some());
        self.ending_soon += u64::from(record.deadline_ms() < now_ms.saturating_add(HOUR_MS));
        let oldest = self.oldest_ms.map_or(record.created_ms, |old| old.min(record.created_ms));
        self.oldest_ms = Some(oldest);
    }

    fn average(&self) -> u64 {
        self.bytes.checked_div(self.live).unwrap_or(0)
    }

    /// The size that 99 of 100 live sessions do not exceed.
    fn p99(&self) -> u64 {
        let mut left = (self.live * 99).div_ceil(100);
        for (size, number) in &self.sizes {
            left = left.saturating_sub(*number);
            if left == 0 {
                return *size;
            }
        }
        0
    }

    fn dict(&self) -> Value {
        Value::Dict(Dict::from([
            ("live", Value::from(self.live)),
            ("expired", self.expired.into()),
            ("moved", self.moved.into()),
            ("ended", self.ended.into()),
            ("unreadable", self.unreadable.into()),
            ("with_user", self.with_user.into()),
            ("ending_within_1h", self.ending_soon.into()),
            ("bytes", self.bytes.into()),
            ("bytes_average", self.average().into()),
            ("bytes_p99", self.p99().into()),
            ("oldest_created_ms", self.oldest_ms.map_or(Value::Null, Value::from)),
        ]))
    }

    fn text(&self, now_ms: u64) -> String {
        let oldest = self.oldest_ms.map_or_else(|| "none".into(), |ms| span::relative(ms, now_ms));
        let lines: [(&str, String); 10] = [
            ("live", self.live.to_string()),
            ("  with a user", self.with_user.to_string()),
            ("  ending within 1 h", self.ending_soon.to_string()),
            ("  oldest began", oldest),
            ("  bytes", span::size(self.bytes)),
            (
                "  average, 99 %",
                format!("{}, {}", span::size(self.average()), span::size(self.p99())),
            ),
            ("expired", self.expired.to_string()),
            ("moved", self.moved.to_string()),
            ("ended", self.ended.to_string()),
            ("unreadable", self.unreadable.to_string()),
        ];
        lines.map(|(name, value)| format!("{name:<20}{value}")).join("\n")
    }
}

/// The same for what is nearly the same: at most 128 sizes for each doubling, so that millions of
/// sessions take no room.
fn rounded(bytes: u64) -> u64 {
    let shift = (64 - bytes.leading_zeros()).saturating_sub(8);
    let low = (1_u64 << shift) - 1;
    bytes | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_rounded_up_by_one_percent_at_most() {
        for bytes in (0..100_000).chain([u64::MAX]) {
            let rounded = rounded(bytes);
            assert!(rounded >= bytes && rounded - bytes <= bytes / 100 + 1, "{bytes}: {rounded}");
        }
    }

    #[test]
    fn ninety_nine_of_a_hundred_are_no_larger() {
        let mut counted = Counted { live: 100, ..Counted::default() };
        counted.sizes.extend([(10, 98), (20, 1), (5000, 1)]);
        assert_eq!(counted.p99(), 20);
        assert_eq!(Counted::default().p99(), 0);
    }
}
