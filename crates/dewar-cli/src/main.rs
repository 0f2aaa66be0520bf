//! The `dewar` command.
//!
//! ```text
//! args ─▶ demo     serves the tutorials' programs
//!      ─▶ secret   makes a key
//!      ─▶ cookie   decodes, verifies and signs
//!      ─▶ sessions shows, ends and moves what a store holds
//! ```
//!
//! Contents go to the standard output, everything about them to the standard error. Every message
//! there begins with `dewar: ` and names the cure.

mod args;
mod cookie;
mod demo;
mod failure;
mod json;
mod secret;
mod sessions;
mod store;
mod terminal;
mod variable;

use std::process::ExitCode;

use args::{Command, CookieCommand};

fn main() -> ExitCode {
    let args = match args::parse() {
        Ok(args) => args,
        Err(code) => return code,
    };
    let done = match &args.command {
        Command::Demo(args) => demo::run(args),
        Command::Secret(args) => secret::run(args),
        Command::Cookie(CookieCommand::Decode(args)) => cookie::decode::run(args),
        Command::Cookie(CookieCommand::Verify(args)) => cookie::verify::run(args),
        Command::Cookie(CookieCommand::Sign(args)) => cookie::sign::run(args),
        Command::Sessions(args) => sessions::run(args),
    };
    done.map_or_else(|error| failure::report(&error), |()| ExitCode::SUCCESS)
}
