//! What can be asked for.

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand, ValueEnum, error::ErrorKind};

use crate::{
    failure::{MISUSED, REFUSED},
    sessions::args::Sessions,
    terminal,
};

const EXIT_CODES: &str = "\
Exit codes:
  0  done; of `cookie verify`: the cookie is good
  1  the cookie is not good: altered, signed with another key, too old; of the others: failed
  2  wrong use, or something is missing: the message names the cure
  3  of `sessions`: nothing found";

const DEMO_EXAMPLES: &str = "\
Examples:
  dewar demo                            all programs, with a start page
  dewar demo visits --port 5001         one program, at /
  dewar demo stocks --mode cookie       sessions in signed cookies
  dewar demo login --profile flask      with the cookies that Flask would set
  dewar demo race --store memory:       pages that overlap, and lose nothing
  dewar demo race --processes 3         has three processes race, and prints what was kept
  export SECRET_KEY=\"$(dewar secret)\"
  dewar demo --secret-key-env SECRET_KEY";

const SECRET_EXAMPLES: &str = "\
Examples:
  export SECRET_KEY=\"$(dewar secret)\"
  dewar secret --bytes 64 --format hex";

const DECODE_EXAMPLES: &str = "\
Examples:
  dewar cookie decode eyJ2aXNpdHMiOjN9.ZVPxAA.7jLucbd_y6JULspK5LuCcsZBjCQ
  pbpaste | dewar cookie decode --json -";

const VERIFY_EXAMPLES: &str = "\
Examples:
  dewar cookie verify \"$COOKIE\"                        with the key in SECRET_KEY
  dewar cookie verify --secret-key-env NEW --fallback-key-env OLD -
  dewar cookie verify --max-age 3600 --now 1700000000 \"$COOKIE\"

Exit codes:
  0  the cookie is good
  1  it is not: the verdict is on the standard error
  2  wrong use, or something is missing: the message names the cure";

const SIGN_EXAMPLES: &str = "\
Examples:
  dewar cookie sign '{\"visits\":3}'                     with the key in SECRET_KEY
  set -o pipefail                                     a bad cookie is not signed anew:
  dewar cookie verify --typed --json \"$COOKIE\" | dewar cookie sign --typed -";

/// Flask's sessions in Rust: the tutorials' programs, keys and cookies.
#[derive(Debug, Parser)]
#[command(name = "dewar", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves the programs of the tutorials on this machine.
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(Demo),
    /// Makes a secret key.
    #[command(after_help = SECRET_EXAMPLES)]
    Secret(Secret),
    /// Looks into a session cookie, checks one or makes one.
    #[command(subcommand, after_help = EXIT_CODES)]
    Cookie(CookieCommand),
    /// Shows what a store holds, ends sessions, and gives users what is theirs.
    Sessions(Sessions),
}

#[derive(Debug, Subcommand)]
pub(crate) enum CookieCommand {
    /// Shows what is in a cookie; needs no key and proves nothing.
    #[command(after_help = DECODE_EXAMPLES)]
    Decode(Decode),
    /// Checks the signature and the age of a cookie, and shows what is in it.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Verify),
    /// Makes the cookie of a session.
    #[command(after_help = SIGN_EXAMPLES)]
    Sign(Sign),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Demo {
    /// The program to serve at /; without it all of them, each below a path of its own.
    pub(crate) program: Option<Program>,
    /// The port on 127.0.0.1; 0 takes any that is free.
    #[arg(long, default_value_t = 5000, value_parser = port, allow_negative_numbers = true)]
    pub(crate) port: u16,
    /// Where sessions live: on the server, or in the cookie. Flask's rules know the cookie alone.
    #[arg(long, value_enum)]
    pub(crate) mode: Option<Mode>,
    /// The store on the server: sqlite:FILE, memory:, redis://HOST, redis+sentinel://HOSTS/SERVICE,
    /// redis+cluster://HOSTS or postgres://HOST/DATABASE; without it an SQLite file is made and kept.
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Which rules the cookies follow: dewar's safe ones, or exactly Flask's.
    #[arg(long, value_enum, default_value_t = Profile::Default)]
    pub(crate) profile: Profile,
    /// The environment variable that holds the secret key; without it a key is made for
    /// development and kept.
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_key_env: Option<String>,
    /// Tells of each request what became of its session.
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Of `race`: does not serve, but lets requests overlap in so many processes on one store, and
    /// prints what was kept. Without --store on an SQLite file that goes again; on another store the
    /// visitors of the race stay until they expire.
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=9),
        conflicts_with_all = ["port", "mode", "profile", "secret_key_env", "verbose"]
    )]
    pub(crate) processes: Option<u16>,
    /// Of `race`: the same against an application that listens on these ports and has these pages.
    #[arg(
        long,
        value_name = "PORT,…",
        value_delimiter = ',',
        value_parser = port,
        conflicts_with_all =
            ["processes", "port", "mode", "profile", "secret_key_env", "verbose", "store"]
    )]
    pub(crate) against: Vec<u16>,
    /// Of `race` with --processes: how often each schedule is run; 3, and for rotations 30.
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<u64>,
    /// Of `race` with --processes: how many logouts race; 100.
    #[arg(long, value_name = "N")]
    pub(crate) races: Option<u64>,
    /// Of `race` with --processes: the order of an earlier run.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Ends with whoever started it.
    #[arg(long, hide = true)]
    pub(crate) until_stdin_ends: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Program {
    Count,
    Visits,
    Username,
    Login,
    Stocks,
    Flash,
    Race,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    Server,
    Cookie,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    Default,
    Flask,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Secret {
    /// How many random bytes, from 16 to 1024.
    #[arg(long, default_value_t = 32, value_parser = bytes, allow_negative_numbers = true)]
    pub(crate) bytes: usize,
    /// How they are written: two hexadecimal digits a byte, or URL-safe base64, four characters
    /// for three bytes.
    #[arg(long, value_enum, default_value_t = KeyFormat::B64)]
    pub(crate) format: KeyFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyFormat {
    Hex,
    B64,
}

/// How contents are written.
#[derive(Debug, ClapArgs)]
pub(crate) struct Shape {
    /// One line of plain JSON. What JSON lacks becomes its nearest: a tuple a list, bytes
    /// hexadecimal text, NaN null.
    #[arg(long)]
    pub(crate) json: bool,
    /// Every value with its type, as {"t": type, "v": value}; with --json in one line.
    #[arg(long)]
    pub(crate) typed: bool,
}

/// What makes a signature.
#[derive(Debug, ClapArgs)]
pub(crate) struct Signing {
    /// The environment variable that holds the secret key.
    #[arg(long, value_name = "NAME", default_value = "SECRET_KEY")]
    pub(crate) secret_key_env: String,
    /// The salt; Flask's, unless an application sets its own.
    #[arg(long, value_name = "TEXT", default_value = "cookie-session")]
    pub(crate) salt: String,
    /// The time to go by, in seconds since 1970; without it the clock's.
    #[arg(long, value_name = "SECONDS", value_parser = moment, allow_negative_numbers = true)]
    pub(crate) now: Option<u64>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Decode {
    /// The cookie's value, or - for the standard input.
    #[arg(allow_hyphen_values = true, value_parser = token)]
    pub(crate) token: String,
    #[command(flatten)]
    pub(crate) shape: Shape,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Verify {
    /// The cookie's value, or - for the standard input.
    #[arg(allow_hyphen_values = true, value_parser = token)]
    pub(crate) token: String,
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// An environment variable with an older key that is good too; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) fallback_key_env: Vec<String>,
    /// How old the cookie may be; the default is Flask's 31 days.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 2_678_400,
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    pub(crate) max_age: u64,
    #[command(flatten)]
    pub(crate) shape: Shape,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Sign {
    /// The session as a JSON object, or - for the standard input.
    pub(crate) json: String,
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// The JSON has the form of `verify --typed`: every value with its type.
    #[arg(long)]
    pub(crate) typed: bool,
}

/// Reads the arguments; `Err` with the exit code if there is nothing to run.
pub(crate) fn parse() -> Result<Args, ExitCode> {
    Args::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader that went away wants no more.
            let shown = error.print().and_then(|()| io::stdout().flush());
            match shown {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    terminal::note(&format!("cannot write to the standard output: {error}"));
                    ExitCode::from(REFUSED)
                }
                _ => ExitCode::SUCCESS,
            }
        }
        _ => {
            terminal::note(&one_line(&error));
            ExitCode::from(MISUSED)
        }
    })
}

/// One id in 64 begins with a hyphen, and so does its cookie; an option has no dot.
fn token(text: &str) -> Result<String, &'static str> {
    let is_option = text.len() > 1 && text.starts_with('-') && !text.contains('.');
    if is_option { Err("there is no such option, and a cookie has a dot") } else { Ok(text.into()) }
}

fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "a port is a number from 0 to 65535")
}

fn bytes(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "give a whole number from 16 to 1024")
}

fn moment(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "give whole seconds since 1970, such as 1700000000")
}

fn seconds(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "give whole seconds, such as 3600")
}

/// clap's message as one line: what is wrong, what it suggests, where to read more.
fn one_line(error: &clap::Error) -> String {
    let asked = asked(std::env::args_os().skip(1));
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return format!("no command: see {asked} --help");
    }
    let text = error.render().to_string();
    let is_said = |part: &&str| {
        let part = part.trim_start();
        !part.starts_with("Usage:") && !part.starts_with("For more information")
    };
    let sentence = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
    let said: Vec<_> = text.split("\n\n").filter(is_said).map(sentence).collect();
    let said = said.join("; ");
    format!("{}: see {asked} --help", said.strip_prefix("error: ").unwrap_or(&said))
}

/// The command that was asked for, as far as there is one: `dewar cookie sign`.
fn asked(arguments: impl Iterator<Item = OsString>) -> String {
    let mut path = String::from("dewar");
    let mut command = Args::command();
    for argument in arguments {
        let Some(below) = command.find_subcommand(&argument).cloned() else { break };
        path = format!("{path} {}", below.get_name());
        command = below;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_is_that_of_the_command_asked_for() {
        for (line, path) in [
            ("", "dewar"),
            ("frobnicate", "dewar"),
            ("demo --port x", "dewar demo"),
            ("cookie", "dewar cookie"),
            ("cookie sign secret", "dewar cookie sign"),
            ("demo demo", "dewar demo"),
        ] {
            assert_eq!(asked(line.split_whitespace().map(OsString::from)), path, "{line}");
        }
    }
}
