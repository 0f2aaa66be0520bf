//! A rotation against a write in flight.

use std::{thread, time::Duration};

use serde_json::{Value as Json, json};

use super::{
    Chance, Found, all_served, client::Client, dead, dump, login, overlapped, site::Site,
    until_overlapping,
};

/// Of a write, an increment and a push that meet a rotation, in any order, nothing is lost, and the
/// old id is dead.
pub(crate) fn keeps_the_write(site: &Site, seed: u64) -> Found {
    let mut chance = Chance::new(seed);
    let (page, key, kept) = match chance.below(3) {
        0 => ("/set?k=z&", "z", json!(1)),
        1 => ("/incr?k=z&", "z", json!(1)),
        _ => ("/push?k=z&v=x&", "z", json!(["x"])),
    };
    until_overlapping(10, |ms| {
        let cookie = login(site);
        let mut client = || Client::new(site.port(chance.below(3) as usize));
        let (mut writer, mut rotator) = (client(), client());
        let write = format!("{page}ms={}", ms + chance.below(10));
        let rotate = format!("/rotate?ms={}", ms + chance.below(10));
        let (write, rotate) = thread::scope(|scope| {
            let write = scope.spawn(|| writer.get(&write, &cookie));
            let rotate = rotator.get(&rotate, &cookie);
            (write.join().expect("no panic"), rotate)
        });
        if let Err(lost) = all_served([&write, &rotate]) {
            return Some(Err(lost));
        }
        overlapped([&write, &rotate]).then(|| {
            dead(site, &cookie, "the old id")?;
            let new = rotate.cookie.ok_or("the rotation sent no cookie")?;
            let wanted = json!({"user": "ada", "role": "admin", key: kept.clone()});
            same(&dump(site, &new)?, &wanted)
        })
    })
}

/// Who knew the id before the login keeps a request in flight across the rotation. It neither
/// changes what the rotation gave, nor brings the old id back to life.
pub(crate) fn fixation_fails(site: &Site, seed: u64) -> Found {
    let mut chance = Chance::new(seed);
    let page = ["/set?k=role&", "/incr?k=role&", "/push?k=role&v=root&"][chance.below(3) as usize];
    until_overlapping(30, |ms| {
        let cookie = login(site);
        let mut client = || Client::new(site.port(chance.below(3) as usize));
        let (mut attacker, mut victim) = (client(), client());
        let late = format!("{page}ms={}", 2 * ms);
        let (late, rotate) = thread::scope(|scope| {
            let late = scope.spawn(|| attacker.get(&late, &cookie));
            // The attacker goes first: in the end only the times say whether he was.
            thread::sleep(Duration::from_millis(ms / 3));
            let rotate = victim.get("/rotate", &cookie);
            (late.join().expect("no panic"), rotate)
        });
        if let Err(lost) = all_served([&late, &rotate]) {
            return Some(Err(lost));
        }
        let is_late = rotate.received < late.times?.1;
        (is_late && overlapped([&late, &rotate])).then(|| {
            let new = rotate.cookie.ok_or("the rotation sent no cookie")?;
            same(&dump(site, &new)?, &json!({"user": "ada", "role": "admin"}))?;
            if let Some(cookie) = late.cookie {
                dead(site, &cookie, "what the attacker was sent")?;
            }
            dead(site, &cookie, "the id that the attacker knew")
        })
    })
}

fn same(dump: &Json, wanted: &Json) -> Found {
    if dump == wanted { Ok(()) } else { Err(format!("{dump} instead of {wanted}")) }
}
