//! `dewar secret`: a new key.

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    args::{KeyFormat, Secret},
    terminal,
};

/// 128 bits: what nobody can guess, and what the gate for keys asks for.
const LEAST: usize = 16;
const MOST: usize = 1024;

pub(crate) fn run(args: &Secret) -> anyhow::Result<()> {
    let bytes = args.bytes;
    ensure!(
        bytes >= LEAST,
        "a key of {bytes} bytes can be guessed, at least {LEAST} are needed: leave --bytes away \
         for 32"
    );
    ensure!(
        bytes <= MOST,
        "a key of {bytes} bytes is no safer than one of 64, at most {MOST} are made: leave --bytes \
         away for 32"
    );
    let key = dewar::random_bytes(bytes).context("the system has no random bytes")?;
    terminal::print(&match args.format {
        KeyFormat::Hex => key.iter().map(|byte| format!("{byte:02x}")).collect(),
        KeyFormat::B64 => URL_SAFE_NO_PAD.encode(key),
    })
}
