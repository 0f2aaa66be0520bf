//! `dewar sessions migrate`.

use std::{io, path::Path};

use anyhow::{anyhow, ensure};
use dewar::store::{BoxStore, GRACE, Loaded, StoreErrorKind};
use dewar_stores::{
    migrate::{Migrating, Migration, MigrationError, Progress as Moved},
    url::{PostgresUrl, StoreUrl},
};

use super::{
    args::Migrate,
    dry_run::Outcome,
    progress::Progress,
    reach::{self, Reach},
    span, view,
};
use crate::{
    failure::{Failed, with_causes},
    store, terminal,
};

/// How wide the bar is.
const BAR: u64 = 30;

pub(super) async fn run(args: &Migrate) -> anyhow::Result<()> {
    let old = Reach::named("--from", "DEWAR_FROM", args.from.as_deref()).await?;
    let (option, to) = reach::url("--to", "DEWAR_TO", args.to.as_deref())?;
    if let Some(file) = &args.checkpoint {
        ensure_meant(file, args.resume)?;
    }
    store::ensure_ours(option, &to)?;
    ensure_two_files(&old.url, &to)?;
    if !args.yes {
        ensure_two(&old, option, &to).await?;
    }
    let (counted, seen) = count(&old).await?;
    // Before it is done as well: afterwards it is too late.
    terminal::note(
        "every node of the application has to use both stores first, by \
         dewar_stores::migrate::Migrating: then nobody is logged out",
    );
    if !args.yes {
        return outcome(args, &counted).print(args.json);
    }
    let new = store::open(option, &to).await?;
    let moved = moved(args, old, new, &to, seen).await?;
    outcome(args, &moved).print(args.json)?;
    for key in &moved.unreadable_keys {
        terminal::note(&format!("{key} cannot be read, and stays in the old store as it is"));
    }
    if moved.routes_until_ms > 0 && !args.json {
        let until = span::moment(moved.routes_until_ms);
        terminal::note(&format!("rotated sessions are followed through both stores until {until}"));
    }
    Ok(())
}

/// That a dry run is refused if the real one would be. A file and a database that may be missing are not
/// made for that: of those the names are compared, and the real one asks what is there.
async fn ensure_two(old: &Reach, option: &str, to: &StoreUrl) -> anyhow::Result<()> {
    let are_same = match (&old.url, to) {
        (StoreUrl::Postgres(old), StoreUrl::Postgres(new)) => place(old) == place(new),
        (StoreUrl::Redis(_), StoreUrl::Redis(_)) => {
            let (new, old) = (store::open(option, to).await?, old.store.clone());
            return Migrating::new(old, new).ensure_two().await.map_err(|error| said(None, error));
        }
        _ => false,
    };
    if are_same { Err(said(None, MigrationError::SameStore)) } else { Ok(()) }
}

/// That one file is not opened under two names: SQLite would give it two logs, and damage it.
fn ensure_two_files(old: &StoreUrl, new: &StoreUrl) -> anyhow::Result<()> {
    let (Some(old), Some(new)) = (old.file(), new.file()) else { return Ok(()) };
    if new.exists() && is_one(old, new)? {
        return Err(said(None, MigrationError::SameStore));
    }
    Ok(())
}

/// Behind whatever names and links.
#[cfg(unix)]
fn is_one(one: &Path, other: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

#[cfg(not(unix))]
fn is_one(one: &Path, other: &Path) -> io::Result<bool> {
    Ok(one.canonicalize()? == other.canonicalize()?)
}

/// Where the sessions lie: the servers, the database, the schema.
fn place(url: &PostgresUrl) -> (Vec<(String, u16)>, Option<&String>, Option<&str>) {
    let local = |name: &str| if name == "localhost" { "127.0.0.1" } else { name }.to_owned();
    let hosts = url.hosts.iter().map(|host| (local(&host.name), host.port)).collect();
    (hosts, url.database.as_ref().or(url.login.user.as_ref()), url.options.get("schema"))
}

/// What was asked for in a wrong way is one thing, a failure another.
fn said(checkpoint: Option<&Path>, error: MigrationError) -> anyhow::Error {
    match error {
        MigrationError::OtherMigration { .. }
        | MigrationError::NoCheckpoint { .. }
        | MigrationError::CannotScan
        | MigrationError::SameStore => anyhow!(error),
        error => {
            let said = with_causes(&anyhow!(error));
            // One that was not begun has none.
            let kept = checkpoint.filter(|file| file.exists());
            let cure = kept.map_or("", |_| ": nothing is lost, go on with --resume");
            Failed(said + cure).into()
        }
    }
}

/// A checkpoint goes on only if that is meant, and is not begun anew unnoticed.
fn ensure_meant(file: &Path, resume: bool) -> anyhow::Result<()> {
    let shown = file.display();
    ensure!(
        resume || !file.exists(),
        "the checkpoint {shown} is there already: go on with --resume, or remove it to begin anew"
    );
    ensure!(
        !resume || file.exists(),
        "there is no checkpoint {shown}: leave --resume out to begin"
    );
    Ok(())
}

/// What a migration would find now, and how much there is to see.
async fn count(old: &Reach) -> anyhow::Result<(Moved, u64)> {
    let grace_ms = u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX);
    let (mut moved, mut pages, mut progress) = (Moved::default(), old.entries(), Progress::new());
    while let Some(page) = pages.next().await? {
        for (key, found) in page {
            moved.seen += 1;
            match found {
                // A store may have forgotten it by now.
                Ok(Loaded::Live(record))
                    if old.now_ms > record.deadline_ms().saturating_add(grace_ms) =>
                {
                    moved.expired += 1;
                }
                Ok(Loaded::Live(_)) => moved.carried += 1,
                // The mark of one that was carried over, to whichever store: that is not opened here.
                Ok(Loaded::Moved(to)) if view::is_carried(&key, &to) => moved.already_there += 1,
                Ok(Loaded::Moved(to)) => {
                    moved.ended += 1;
                    moved.routes_until_ms = moved.routes_until_ms.max(to.until_ms);
                }
                Ok(Loaded::Ended { .. } | Loaded::Nothing) => moved.ended += 1,
                Err(error) if error.kind() == StoreErrorKind::Corrupt => moved.unreadable += 1,
                Err(error) => return Err(error.into()),
            }
        }
        progress.tell(|| format!("{} entries counted", moved.seen));
    }
    let seen = moved.seen;
    Ok((moved, seen))
}

async fn moved(
    args: &Migrate,
    old: Reach,
    new: BoxStore,
    to: &StoreUrl,
    total: u64,
) -> anyhow::Result<Moved> {
    let mut progress = Progress::new();
    let mut migration = Migration::new(both(old.store, new, &old.url)?)
        .estimate(total)
        .on_progress(move |now| progress.tell(|| bar(now)));
    if let Some(rate) = args.rate {
        migration = migration.rate(rate);
    }
    if let Some(file) = &args.checkpoint {
        // Neither name holds a password.
        migration = migration.checkpoint(file, &old.url.to_string(), &to.to_string());
    }
    migration.run().await.map_err(|error| said(args.checkpoint.as_deref(), error))
}

/// Flask-Session calls a session by its id, every store of ours by the hash of that.
fn both(old: BoxStore, new: BoxStore, from: &StoreUrl) -> anyhow::Result<Migrating> {
    #[cfg(feature = "flask-session")]
    if from.is_flask_session() {
        return Ok(Migrating::with_keys(old, new, dewar_stores::flask_session::hashed)?);
    }
    let _ = from;
    Ok(Migrating::new(old, new))
}

/// `[######......] 20 %, 1234 of 6170, 450 a second, 11 s left`.
fn bar(now: &Moved) -> String {
    let total = now.total.unwrap_or(now.seen).max(now.seen).max(1);
    let full = now.seen * BAR / total;
    let bar: String = (0..BAR).map(|i| if i < full { '#' } else { '.' }).collect();
    let left = match now.remaining() {
        _ if now.verifying => ", checking that nothing is left".into(),
        Some(left) => format!(", {} left", span::words(left.as_secs())),
        None => String::new(),
    };
    let percent = now.seen * 100 / total;
    format!("[{bar}] {percent} %, {} of {total}, {:.0} a second{left}", now.seen, now.rate())
}

fn outcome(args: &Migrate, moved: &Moved) -> Outcome {
    let number = span::sessions(moved.carried);
    let rest = format!(
        "{} have ended, {} have expired, {} cannot be read",
        moved.ended, moved.expired, moved.unreadable
    );
    let there = moved.already_there;
    let elsewhere = match moved.carried_elsewhere {
        0 => String::new(),
        count => format!("{count} were carried to another store before, or have ended since, "),
    };
    Outcome {
        yes: args.yes,
        numbers: vec![
            ("sessions", moved.carried),
            ("already_there", moved.already_there),
            ("carried_elsewhere", moved.carried_elsewhere),
            ("ended", moved.ended),
            ("expired", moved.expired),
            ("unreadable", moved.unreadable),
            ("routes_until_ms", moved.routes_until_ms),
        ],
        would: format!("carry {number} over; {there} were carried over before, {rest}"),
        did: format!("carried {number} over; {there} are there already, {elsewhere}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_what_was_seen() {
        let mut now = Moved::default();
        (now.seen, now.total) = (50, Some(200));
        assert_eq!(
            bar(&now),
            format!("[{}{}] 25 %, 50 of 200, 0 a second", "#".repeat(7), ".".repeat(23))
        );
        (now.seen, now.total) = (0, Some(0));
        assert!(bar(&now).starts_with("[....") && bar(&now).contains(" 0 %"));
    }
}
