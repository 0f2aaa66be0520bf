//! Forged cookies through the whole open path.

use axum::body::Body;
use dewar::{Dict, ManualClock, SessionLayerBuilder, Verdict};
use http::{HeaderValue, Request, header};

use super::{
    Check, Complaints, KEY, Machine, NOW, Seen, cookies, flask, random::Random, send, signed,
};

/// Ten sessions of every size and shape, compressed and not.
pub fn cookies() -> Vec<String> {
    let texts = [
        r#"{"visits":1}"#.to_owned(),
        r#"{"user":"alice","role":"user"}"#.to_owned(),
        r#"{"a":1,"b":{" t":[1,2]}}"#.to_owned(),
        r#"{"_permanent":true,"id":{" u":"12345678123456781234567812345678"}}"#.to_owned(),
        r#"{"_flashes":[{" t":["message","Hello"]}]}"#.to_owned(),
        r#"{}"#.to_owned(),
        r#"{"x":""}"#.to_owned(),
        format!(r#"{{"log":"{}"}}"#, "x".repeat(300)),
        format!(r#"{{"cart":[{}1]}}"#, "123,".repeat(40)),
        r#"{"d":{" d":"Mon, 02 Jan 2023 03:04:05 GMT"},"n":null}"#.to_owned(),
    ];
    texts.iter().map(|text| cookies::sign(KEY, text, NOW)).collect()
}

/// What the header's grammar makes of `session=…`, read by its shortest rules: up to the first
/// semicolon, without blanks at the ends.
fn value(cookie: &[u8]) -> &[u8] {
    let value = cookie.split(|&byte| byte == b';').next().unwrap_or_default();
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().take_while(blank).count();
    let end = value.len() - value[start..].iter().rev().take_while(blank).count();
    &value[start..end.max(start)]
}

/// Counts what was tried, and complains about what was accepted.
pub struct Gate<'m, M> {
    machine: &'m M,
    complaints: Complaints,
    pub tried: u64,
    pub unsendable: u64,
}

impl<'m, M: Machine> Gate<'m, M> {
    pub fn new(machine: &'m M) -> Self {
        Self { machine, complaints: Complaints::default(), tried: 0, unsendable: 0 }
    }

    fn profile(&self, name: &str) -> (axum::Router, Seen) {
        let seen = Seen::default();
        let sessions: SessionLayerBuilder = if name == "flask" { flask(KEY) } else { signed() };
        let sessions = sessions.clock(ManualClock::at_unix(NOW));
        (self.machine.app(sessions, seen.router()).expect("a sound configuration"), seen)
    }

    /// Presents every changed text of `edits`; what equals one of `genuine` does not count.
    pub fn present(&mut self, genuine: &[String], edits: impl IntoIterator<Item = Vec<u8>>) {
        let doors = [self.profile("default"), self.profile("flask")];
        for (i, edit) in edits.into_iter().enumerate() {
            if genuine.iter().any(|token| token.as_bytes() == value(&edit)) {
                continue;
            }
            self.tried += 1;
            let Ok(line) = HeaderValue::from_bytes(&[b"session=".as_slice(), &edit].concat())
            else {
                // No server lets it through: floor 1 must refuse it by itself.
                self.unsendable += 1;
                let accepted = cookies::signer(KEY).verify(&edit).is_ok();
                self.complaints.ensure(!accepted, || edit.escape_ascii().to_string());
                continue;
            };
            let (app, seen) = &doors[i % 2];
            let request = Request::get("/").header(header::COOKIE, line);
            let reply = send(app, request.body(Body::empty()).expect("a request"));
            let refused = reply.status == 200
                && reply.set_cookies().is_empty()
                && seen.take().is_some_and(|(verdict, contents)| {
                    !verdict.is_live()
                        && !matches!(verdict, Verdict::WrongFormat { .. })
                        && contents == Dict::new()
                });
            self.complaints.ensure(refused, || edit.escape_ascii().to_string());
        }
    }

    pub fn verdict(self) -> Check {
        self.complaints.verdict()
    }
}

/// Every single bit.
pub fn bits(token: &str) -> impl Iterator<Item = Vec<u8>> + use<> {
    let token = token.as_bytes().to_vec();
    (0..token.len() * 8).map(move |bit| {
        let mut changed = token.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    })
}

/// Every other byte in every place.
pub fn replacements(token: &str) -> impl Iterator<Item = Vec<u8>> + use<> {
    let token = token.as_bytes().to_vec();
    (0..token.len() * 255).map(move |i| {
        let mut changed = token.clone();
        changed[i / 255] = changed[i / 255].wrapping_add(1 + (i % 255) as u8);
        changed
    })
}

/// Every byte more and every byte less.
pub fn insertions_and_deletions(token: &str) -> impl Iterator<Item = Vec<u8>> + use<> {
    let token = token.as_bytes().to_vec();
    let longer = token.clone();
    let insertions = (0..(token.len() + 1) * 256).map(move |i| {
        let mut changed = longer.clone();
        changed.insert(i / 256, i as u8);
        changed
    });
    insertions.chain((0..token.len()).map(move |i| {
        let mut changed = token.clone();
        changed.remove(i);
        changed
    }))
}

/// Changes that somebody would try who knows the format.
pub fn structured(tokens: &[String], random: &mut Random, count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|i| structure(tokens, random, i % 12)).collect()
}

fn structure(tokens: &[String], random: &mut Random, kind: usize) -> Vec<u8> {
    let token = random.pick(tokens).as_bytes();
    let other = random.pick(tokens).as_bytes();
    let at = random.below(token.len());
    let parts = |token: &[u8]| -> [Vec<u8>; 3] {
        let mut ends = token.rsplitn(3, |&byte| byte == b'.').map(<[u8]>::to_vec);
        let mut next = || ends.next().unwrap_or_default();
        let (signature, time) = (next(), next());
        [next(), time, signature]
    };
    let ([payload, time, signature], [others, their_time, their_signature]) =
        (parts(token), parts(other));
    let join = |parts: &[&[u8]]| parts.join(&b'.');
    match kind {
        0 => {
            let mut changed = token.to_vec();
            for _ in 0..=random.below(4) {
                let at = random.below(changed.len());
                changed[at] ^= 1 << random.below(8);
            }
            changed
        }
        1 => [&token[..at], &random.bytes(), &token[at..]].concat(),
        2 => [&token[..at], &token[(at + 1 + random.below(8)).min(token.len())..]].concat(),
        3 => [&token[at..], &token[..at]].concat(),
        4 => [&token[..at], &other[at.min(other.len())..]].concat(),
        5 => random
            .pick(&[
                join(&[&others, &time, &signature]),
                join(&[&payload, &their_time, &their_signature]),
                join(&[&payload, b"ZVPxAQ", &signature]),
                join(&[&payload, b"", &signature]),
                join(&[&payload, &signature]),
                join(&[&payload, &time, b""]),
                join(&[b"", &time, &signature]),
                join(&[&signature, &time, &payload]),
                join(&[b"", &payload, &time, &signature]),
                join(&[&payload, &time, &time, &signature]),
                join(&[&payload, &payload, &time, &signature]),
            ])
            .clone(),
        6 => {
            let mut changed: Vec<u8> = token.iter().copied().filter(|&byte| byte != b'.').collect();
            for _ in 0..2 {
                changed.insert(random.below(changed.len()), b'.');
            }
            changed
        }
        7 => token.iter().map(|byte| format!("%{byte:02x}")).collect::<String>().into_bytes(),
        8 => token[..at].to_vec(),
        9 => [token, random.bytes().as_slice(), b"="].concat(),
        10 => {
            String::from_utf8_lossy(token).replace(['-', '_'], ["+", "/"][random.below(2)]).into()
        }
        _ => {
            let swapped = token.iter().map(|byte| match random.one_in(token.len()) {
                true => byte.to_ascii_uppercase() ^ 0x20,
                false => *byte,
            });
            swapped.collect()
        }
    }
}

/// A small share of all edits: what a saboteur must not survive.
pub fn check(machine: &impl Machine) -> Check {
    let tokens = cookies();
    let mut gate = Gate::new(machine);
    for token in &tokens {
        let edits = bits(token).chain(insertions_and_deletions(token).step_by(61));
        gate.present(&tokens, edits);
    }
    let mut random = Random::new(1);
    gate.present(&tokens, structured(&tokens, &mut random, 1200));
    gate.verdict()
}
