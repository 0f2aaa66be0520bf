//! What can be asked of a store's sessions.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, Subcommand};

const EXIT_CODES: &str = "\
Without --yes nothing is changed: what would happen is printed, and the command that does it. No store
is made, but by migrate --to.

Exit codes:
  0  done; or a dry run that found something to do
  1  failed: the store gave no answer, or something is left
  2  wrong use: the message names the cure
  3  nothing found: no such session, or the user has none";

const LS_EXAMPLES: &str = "\
Examples:
  dewar sessions ls --store sqlite:app.db
  dewar sessions ls --user 42 --json | jq .id

Each line of --json is an object: id, state (live, expired, unreadable), user (whether it is
somebody's), created_ms, idle_deadline_ms, absolute_deadline_ms (null: never), bytes. Times are Unix
milliseconds.";

const SHOW_EXAMPLES: &str = "\
--json is one object: what `ls` shows, and contents, a list of objects with key, type and bytes; with
--values each also has value. A session that was moved has to and until_ms; an ended one, and one that was
carried to another store, until_ms.";

const STATS_EXAMPLES: &str = "\
--json is one object: live, expired, moved, ended, unreadable, with_user, ending_within_1h, bytes,
bytes_average, bytes_p99, oldest_created_ms (null: there is none). The sizes are those of live sessions;
p99 is at most 1 % too large.";

const REVOKE_EXAMPLES: &str = "\
A session that is rotated meanwhile ends, too. One of a user's that somebody else has logged in to is no
longer his: --user leaves it.

Examples:
  dewar sessions revoke 6f1c2a9b --yes
  dewar sessions revoke --user 42 --yes          logs one user out everywhere
  dewar sessions revoke --all --older-than 30d   what would that end?

--all ends what is in this store. If some went to another one (carried_elsewhere), it says so and fails.
--json is one object: dry_run, sessions, carried_elsewhere; in a dry run that finds something also
command.";

const PURGE_EXAMPLES: &str = "\
A store may forget a session 5 minutes after its deadline. Applications do so by themselves. The log of an
SQLite file is emptied. Whoever writes goes first, so a million entries may take half an hour or more; what was
forgotten when it is stopped stays so.
--json is one object: dry_run, entries (sessions, markers and tombstones); in a dry run that
finds something also command.";

const EXPORT_EXAMPLES: &str = "\
What is printed is one object: sessions, a list of what `ls --json` shows, each with contents; and
unreadable, how many cannot be shown. With --json it stands in one line.";

const ERASE_EXAMPLES: &str = "\
All sessions of the user are ended, those too that have expired. Then the whole store is read to show that
none is left. Unreadable records have no owner that could be told; they are counted. The log of an SQLite file is
emptied, in which older contents can be read. What is in backups is not erased, nor, in SQLite, what pages
of the file hold that were freed and not yet used again: VACUUM does that.
--json is one object: dry_run, sessions, scanned, left, unreadable; in a dry run that
finds something also command.";

const MIGRATE_EXAMPLES: &str = "\
Examples:
  dewar sessions migrate --from sqlite:app.db --to redis://localhost
  dewar sessions migrate --from sqlite:app.db --to postgres://db/app --checkpoint move.at --yes

First let every node of the application use both stores, by giving its session layer a
dewar_stores::migrate::Migrating of them; then nobody is logged out. A node that uses the old store alone
answers whoever was carried over with a 503. A session that was carried over is no longer in the old
store, and cannot go back there while the mark that it left is kept.
--json is one object: dry_run, sessions (to carry over, or carried), already_there, carried_elsewhere,
ended, expired, unreadable, routes_until_ms (0: none); in a dry run that finds something also command.";

/// One verb.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// Lists sessions.
    #[command(after_help = LS_EXAMPLES)]
    Ls(Ls),
    /// Shows one session: when, whose, and what it holds by name, type and size.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(Show),
    /// Counts and measures.
    #[command(after_help = STATS_EXAMPLES)]
    Stats(Stats),
    /// Ends sessions: nothing that is under way revives them.
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke(Revoke),
    /// Forgets what is past its deadline.
    #[command(after_help = PURGE_EXAMPLES)]
    Purge(Purge),
    /// Prints all live sessions of a user, with all they hold.
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(Export),
    /// Ends all sessions of a user, and proves that nothing of him is left.
    #[command(after_help = ERASE_EXAMPLES)]
    Erase(Erase),
    /// Moves sessions from one store to another, while the application runs.
    #[command(after_help = MIGRATE_EXAMPLES)]
    Migrate(Migrate),
}

/// `dewar sessions`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Sessions {
    #[command(subcommand)]
    pub(crate) command: SessionsCommand,
}

/// Which store, and how it is spoken of.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// The store, such as sqlite:app.db or redis://localhost; without it that of the environment
    /// variable DEWAR_STORE.
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// JSON, for scripts.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ls {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// The sessions of this user alone.
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    /// Those past their deadline that are not yet forgotten, instead of the live ones.
    #[arg(long)]
    pub(crate) expired: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// The session: the 8 hexadecimal digits that `ls` shows, or more.
    pub(crate) id: String,
    /// The values, too. They are the visitor's.
    #[arg(long)]
    pub(crate) values: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Stats {
    #[command(flatten)]
    pub(crate) asked: Asked,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).args(["ids", "user", "all"]))]
pub(crate) struct Revoke {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// The sessions: the 8 hexadecimal digits that `ls` shows, or more.
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// All sessions of this user.
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<String>,
    /// All sessions of everybody.
    #[arg(long)]
    pub(crate) all: bool,
    /// Only those that began so long ago, such as 90m, 12h or 30d.
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "ids")]
    pub(crate) older_than: Option<Duration>,
    /// Does it.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Purge {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// Does it.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// The user.
    #[arg(long, value_name = "ID")]
    pub(crate) user: String,
}

#[derive(Debug, Args)]
pub(crate) struct Erase {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// The user.
    #[arg(long, value_name = "ID")]
    pub(crate) user: String,
    /// Does it.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// The old store, of dewar or of Flask-Session (flask-session+redis://HOST,
    /// flask-session+postgres://HOST/DATABASE or flask-session+sqlite:FILE); without it that of the
    /// environment variable DEWAR_FROM.
    #[arg(long, value_name = "URL")]
    pub(crate) from: Option<String>,
    /// The new store; without it that of the environment variable DEWAR_TO.
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// At most so many sessions a second.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// Keeps in this file how far it is; it is removed at the end.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Goes on where the checkpoint says.
    #[arg(long, requires = "checkpoint")]
    pub(crate) resume: bool,
    /// JSON, for scripts.
    #[arg(long)]
    pub(crate) json: bool,
    /// Does it.
    #[arg(long)]
    pub(crate) yes: bool,
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    let wrong = "give a number and s, m, h or d, such as 90m";
    let seconds = match text.char_indices().next_back().ok_or(wrong)?.1 {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86400,
        _ => return Err(wrong),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong)?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or(wrong)
}
