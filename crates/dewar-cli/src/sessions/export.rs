//! `dewar sessions export`.

use dewar::{Dict, Value, store::Owner};

use super::{args::Export, contents, reach::Reach, user, view};
use crate::{
    failure::{Failed, NothingFound},
    json, terminal,
};

pub(super) async fn run(args: &Export) -> anyhow::Result<()> {
    let reach = Reach::open(&args.asked).await?;
    let held = user::held(&reach, &Owner::of(&args.user)).await?;
    let (mut sessions, mut unreadable) = (Vec::new(), held.unreadable.len() as u64);
    for (key, mut record) in held.records.into_iter().filter(|(_, record)| reach.is_live(record)) {
        let mut dict = view::dict(&reach, &key, &record);
        match contents::read(std::mem::take(&mut record.data)) {
            Some(contents) => drop(dict.insert("contents", contents)),
            None => unreadable += 1,
        }
        if dict.contains_key("contents") {
            sessions.push(Value::Dict(dict));
        }
    }
    let number = sessions.len();
    let document = Value::Dict(Dict::from([
        ("sessions", Value::List(sessions)),
        ("unreadable", unreadable.into()),
    ]));
    // What JSON lacks becomes its nearest, in both forms.
    let text = if args.asked.json { json::one_line(&document) } else { json::indented(&document) };
    terminal::print(&text)?;
    if unreadable > 0 {
        let said = format!("{unreadable} of the user's sessions cannot be read and are left out");
        return Err(Failed(said).into());
    }
    if number == 0 {
        return Err(NothingFound("the user has no live session".into()).into());
    }
    Ok(())
}
