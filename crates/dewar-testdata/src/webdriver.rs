//! The few words of WebDriver that the tests need: JSON over plain HTTP on the loopback.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use serde_json::Value as Json;

/// No step of a test takes longer; a stuck browser must not hang the whole run.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends one command and returns the `value` of its answer, or the message of its error.
pub(crate) fn command(port: u16, method: &str, path: &str, body: &Json) -> Result<Json, String> {
    let answer = exchange(port, method, path, body).map_err(|e| format!("{method} {path}: {e}"))?;
    let mut answer: Json = serde_json::from_slice(&answer).map_err(|e| e.to_string())?;
    let value = answer["value"].take();
    match value["error"].as_str() {
        Some(error) => Err(format!("{method} {path}: {error}: {}", value["message"])),
        None => Ok(value),
    }
}

fn exchange(port: u16, method: &str, path: &str, body: &Json) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let body = if method == "POST" { body.to_string() } else { String::new() };
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut reader = BufReader::new(stream);
    let mut answer = vec![0; content_length(&mut reader)?];
    reader.read_exact(&mut answer)?;
    Ok(answer)
}

fn content_length(reader: &mut impl BufRead) -> std::io::Result<usize> {
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && line != "\r\n" {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
        line.clear();
    }
    Ok(length)
}
