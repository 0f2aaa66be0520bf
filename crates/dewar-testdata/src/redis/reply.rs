//! The least of Redis's protocol: a command, and its answer.

use std::io::{self, BufRead, BufReader, Read, Write};

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has no others")]
pub enum Reply {
    /// Nothing is there.
    Nothing,
    /// A number.
    Number(i64),
    /// Bytes, or a line.
    Bytes(Vec<u8>),
    /// Several.
    List(Vec<Self>),
    /// An error, in its words.
    Error(String),
}

impl Reply {
    /// Its text; empty if it is none.
    pub fn text(&self) -> String {
        match self {
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Number(number) => number.to_string(),
            Self::Error(text) => text.clone(),
            _ => String::new(),
        }
    }

    /// Its members; none if it has none.
    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }
}

/// Asks, and reads the answer.
pub(super) fn ask(stream: impl Read + Write, words: &[&[u8]]) -> io::Result<Reply> {
    let mut stream = BufReader::new(stream);
    let mut command = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        command.extend(format!("${}\r\n", word.len()).bytes());
        command.extend_from_slice(word);
        command.extend(b"\r\n");
    }
    stream.get_mut().write_all(&command)?;
    read(&mut stream)
}

fn read(stream: &mut impl BufRead) -> io::Result<Reply> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let strange = || io::Error::other(format!("no answer of Redis: {line:?}"));
    let (kind, text) = line.trim_end().split_at_checked(1).ok_or_else(strange)?;
    let number = || text.parse::<i64>().map_err(|_| strange());
    Ok(match kind {
        "+" => Reply::Bytes(text.as_bytes().to_vec()),
        "-" => Reply::Error(text.to_owned()),
        ":" => Reply::Number(number()?),
        "$" => match usize::try_from(number()?) {
            Ok(len) => {
                let mut bytes = vec![0; len + 2];
                stream.read_exact(&mut bytes)?;
                bytes.truncate(len);
                Reply::Bytes(bytes)
            }
            Err(_) => Reply::Nothing,
        },
        "*" => match usize::try_from(number()?) {
            Ok(len) => Reply::List((0..len).map(|_| read(stream)).collect::<Result<_, _>>()?),
            Err(_) => Reply::Nothing,
        },
        _ => return Err(strange()),
    })
}
