//! `dewar sessions`: what a store holds, for whoever operates it.
//!
//! ```text
//! ls, show, stats           look
//! revoke, purge, erase      change, with --yes
//! export                    gives a user what is kept of him
//! migrate                   moves everything to another store
//! ```
//!
//! A session is named by the first digits of its key, which is the hash of the id in the cookie: whoever
//! reads this output can be nobody. Contents are the visitors'; what is shown of them is escaped.

pub(crate) mod args;

mod contents;
mod dry_run;
mod erase;
mod export;
mod id;
mod log;
mod ls;
mod migrate;
mod progress;
mod purge;
mod reach;
mod revoke;
mod show;
mod span;
mod stats;
mod table;
#[cfg(test)]
mod tests;
mod user;
mod view;

use anyhow::Context;
use args::{Sessions, SessionsCommand};

pub(crate) fn run(sessions: &Sessions) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?
        .block_on(async {
            match &sessions.command {
                SessionsCommand::Ls(args) => ls::run(args).await,
                SessionsCommand::Show(args) => show::run(args).await,
                SessionsCommand::Stats(args) => stats::run(args).await,
                SessionsCommand::Revoke(args) => revoke::run(args).await,
                SessionsCommand::Purge(args) => purge::run(args).await,
                SessionsCommand::Export(args) => export::run(args).await,
                SessionsCommand::Erase(args) => erase::run(args).await,
                SessionsCommand::Migrate(args) => migrate::run(args).await,
            }
        })
}
