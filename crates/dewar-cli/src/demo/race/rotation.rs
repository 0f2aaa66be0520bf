//! A rotation against a write in flight.

use std::{thread, time::Duration};

use dewar::{Dict, Value};

use super::{
    chance::Chance,
    client::{Answer, Client},
    logout::beside,
    overlap::{dump, is_dead, login, overlapped, refused, until_overlapping},
    site::Site,
    tally::Tally,
};

/// Of a write, an increment and a push that meet a rotation, in any order, nothing is lost, and the
/// old id is dead.
pub(super) fn keeps_the_write(site: &Site, rounds: u64, seed: u64) -> anyhow::Result<Tally> {
    let mut tally = Tally::of("rotation against a write");
    for round in 0..rounds {
        let mut chance = Chance::new(seed.wrapping_add(round));
        let (page, kept) = match chance.below(3) {
            0 => ("/set?k=z&", Value::Int(1)),
            1 => ("/incr?k=z&", Value::Int(1)),
            _ => ("/push?k=z&v=x&", Value::List(vec!["x".into()])),
        };
        let found = until_overlapping(10, |ms| {
            let cookie = login(site)?;
            let mut client = || Client::new(site.port(chance.process()));
            let (mut writer, mut rotator) = (client()?, client()?);
            let write = format!("{page}ms={}", ms + chance.below(10));
            let rotate = format!("/rotate?ms={}", ms + chance.below(10));
            let (write, rotate) =
                beside(|| writer.get(&write, &cookie), || rotator.get(&rotate, &cookie))?;
            Ok(overlapped([&write, &rotate]).then_some((cookie, write, rotate)))
        })?;
        let wanted = Dict::from([("user", "ada".into()), ("role", "admin".into()), ("z", kept)]);
        judge(&mut tally, site, found, &wanted)?;
    }
    Ok(tally)
}

/// Who knew the id before the login keeps a request in flight across the rotation. It neither changes
/// what the rotation gave, nor brings the old id back to life.
pub(super) fn fixation_fails(site: &Site, rounds: u64, seed: u64) -> anyhow::Result<Tally> {
    let mut tally = Tally::of("rotation against an old id's late write");
    for round in 0..rounds {
        let mut chance = Chance::new(seed.wrapping_add(round));
        let pages = ["/set?k=role&", "/incr?k=role&", "/push?k=role&v=root&"];
        let page = pages[chance.below(3) as usize];
        let found = until_overlapping(30, |ms| {
            let cookie = login(site)?;
            let mut client = || Client::new(site.port(chance.process()));
            let (mut attacker, mut victim) = (client()?, client()?);
            let late = format!("{page}ms={}", 2 * ms);
            let (late, rotate) = beside(
                || attacker.get(&late, &cookie),
                || {
                    // The attacker goes first: in the end only the times say whether he was.
                    thread::sleep(Duration::from_millis(ms / 3));
                    victim.get("/rotate", &cookie)
                },
            )?;
            let is_late = late.times.is_none_or(|(_, worked)| rotate.received < worked);
            Ok((is_late && overlapped([&late, &rotate])).then_some((cookie, late, rotate)))
        })?;
        let wanted = Dict::from([("user", Value::from("ada")), ("role", "admin".into())]);
        judge(&mut tally, site, found, &wanted)?;
    }
    Ok(tally)
}

/// The new id holds what is wanted, and no other opens anything.
fn judge(
    tally: &mut Tally,
    site: &Site,
    found: Option<(String, Answer, Answer)>,
    wanted: &Dict,
) -> anyhow::Result<()> {
    let Some((old, other, rotate)) = found else {
        tally.unproven();
        return Ok(());
    };
    tally.tried += 1;
    if let Some(refused) = [&other, &rotate].into_iter().find_map(refused) {
        tally.say(&refused);
        tally.lost += 1;
        return Ok(());
    }
    let new = rotate.cookie.unwrap_or_default();
    let mut revived = !is_dead(site, &old)?;
    if let Some(cookie) = other.cookie.filter(|cookie| *cookie != new) {
        revived |= !is_dead(site, &cookie)?;
    }
    let is_whole = match dump(site, &new)? {
        Ok(dump) if dump == *wanted => true,
        Ok(dump) => {
            let (found, wanted) =
                (Value::Dict(dump).to_python_text(), Value::Dict(wanted.clone()).to_python_text());
            tally.say(&format!("{found} instead of {wanted}"));
            false
        }
        Err(differ) => {
            tally.say(&differ);
            false
        }
    };
    if revived {
        tally.say("the old id opens something");
    }
    tally.revived += u64::from(revived);
    tally.lost += u64::from(!is_whole);
    tally.kept += u64::from(is_whole && !revived);
    Ok(())
}
