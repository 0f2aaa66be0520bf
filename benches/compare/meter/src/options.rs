//! How long and with whom a step is done.

use std::{env, io, path::PathBuf, time::Duration};

use crate::{
    server::Places,
    targets::{Target, wanted},
};

/// The command line of a step.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) burst: Duration,
    pub(crate) sessions: usize,
    pub(crate) targets: Vec<Target>,
    pub(crate) places: Places,
}

impl Options {
    pub(crate) fn read(args: &[String]) -> Result<Self, String> {
        let (mut rounds, mut burst_ms, mut sessions) = (3, 60, 100_000);
        let mut names = Vec::new();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let number = match arg.as_str() {
                "--rounds" => &mut rounds,
                "--burst-ms" => &mut burst_ms,
                "--sessions" => &mut sessions,
                option if option.starts_with('-') => return Err(format!("{option}: no option")),
                name => {
                    names.push(name.to_owned());
                    continue;
                }
            };
            let text = args.next().map_or("", String::as_str);
            *number = text.parse().map_err(|_| format!("{arg} wants a number, not {text:?}"))?;
        }
        Ok(Self {
            rounds,
            burst: Duration::from_millis(burst_ms as u64),
            sessions,
            targets: wanted(&names)?,
            places: places().map_err(|error| error.to_string())?,
        })
    }
}

fn places() -> io::Result<Places> {
    let here: PathBuf = env::current_dir()?;
    Ok(Places { programs: here.join("target/release"), data: here.join("target/data"), here })
}
