//! `dewar demo`: the tutorials' programs, served on this machine.
//!
//! ```text
//! programs ─▶ router: one at /, or all below a start page ─▶ access log ─▶ 127.0.0.1
//!         ╰─▶ race: several processes of it, and requests that overlap
//! ```

mod access_log;
mod announce;
mod home;
mod key;
mod pages;
mod programs;
mod race;
mod router;
mod serve;
mod user;

use anyhow::{Context, ensure};
use dewar::SecretKey;
use tracing::Level;

use crate::args::{Demo, Program};

/// Runs until Ctrl-C; or races, and ends.
pub(crate) fn run(args: &Demo) -> anyhow::Result<()> {
    let is_race = args.program == Some(Program::Race);
    if args.processes.is_some() || !args.against.is_empty() {
        ensure!(
            is_race,
            "--processes and --against are of the race: dewar demo race --processes 1"
        );
        return race::run(args);
    }
    ensure!(
        args.rounds.is_none() && args.races.is_none() && args.seed.is_none(),
        "--rounds, --races and --seed are of a race that is run: dewar demo race --processes 1"
    );
    // The weaknesses of a key and what the flask profile gives up are warnings.
    let level = if args.verbose { Level::DEBUG } else { Level::WARN };
    tracing_subscriber::fmt()
        .compact()
        .without_time()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .init();

    let (key, origin) = key::find(args)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?
        .block_on(listen(args, &key, &origin))
}

async fn listen(args: &Demo, key: &SecretKey, origin: &key::Origin) -> anyhow::Result<()> {
    let home = home::open(args).await?;
    let app = match args.program {
        Some(program) => router::one(programs::find(program), args.profile, &home, key)?,
        None => router::all(args.profile, &home, key)?,
    };
    let listener = serve::bind(args.port).await?;
    let address = listener.local_addr().context("cannot tell the port")?;
    // Before anybody can know that it runs.
    let interrupted = serve::interrupted(args.until_stdin_ends)?;
    announce::print(args, &format!("http://{address}"), origin, &home)?;
    home.keep_swept();
    serve::until(interrupted, listener, access_log::around(app)).await
}
