//! `dewar sessions purge`.

use dewar::store::{GRACE, Loaded, Swept, sweep_through};

use super::{args::Purge, dry_run::Outcome, log, progress::Progress, reach::Reach};
use crate::terminal;

pub(super) async fn run(args: &Purge) -> anyhow::Result<()> {
    let reach = Reach::open(&args.asked).await?;
    let entries = if reach.url.forgets_by_itself() || !reach.store.sweeps() {
        terminal::note("this store forgets by itself what is past: there is nothing to do");
        0
    } else if args.yes {
        sweep(&reach).await?
    } else {
        count(&reach).await?
    };
    let number = if entries == 1 { "1 entry".into() } else { format!("{entries} entries") };
    let outcome = Outcome {
        yes: args.yes,
        numbers: vec![("entries", entries)],
        would: format!("forget {number}"),
        did: format!("forgot {number}"),
    };
    outcome.print(args.asked.json)?;
    if args.yes { log::empty(&reach) } else { Ok(()) }
}

async fn sweep(reach: &Reach) -> anyhow::Result<u64> {
    let (mut entries, mut progress) = (0, Progress::new());
    let told = |swept: Swept| {
        entries += swept.forgotten as u64;
        progress.tell(|| format!("{entries} entries forgotten"));
    };
    sweep_through(&reach.store, reach.now_ms, told).await?;
    Ok(entries)
}

/// How many a sweep would forget now.
async fn count(reach: &Reach) -> anyhow::Result<u64> {
    let grace_ms = u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX);
    let (mut entries, mut pages, mut progress) = (0, reach.entries(), Progress::new());
    while let Some(page) = pages.next().await? {
        for (_, found) in page {
            let until_ms = match found {
                Ok(Loaded::Live(record)) => record.deadline_ms(),
                Ok(Loaded::Moved(moved)) => moved.until_ms,
                Ok(Loaded::Ended { until_ms }) => until_ms,
                Ok(Loaded::Nothing) | Err(_) => continue,
            };
            entries += u64::from(until_ms.saturating_add(grace_ms) < reach.now_ms);
        }
        progress.tell(|| format!("{entries} entries found"));
    }
    Ok(entries)
}
