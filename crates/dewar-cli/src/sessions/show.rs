//! `dewar sessions show`.

use dewar::{
    Dict, StoreKey, Value,
    store::{Loaded, Record},
};

use super::{args::Show, contents, id, reach::Reach, span, table, view};
use crate::{failure::Failed, json, terminal};

pub(super) async fn run(args: &Show) -> anyhow::Result<()> {
    let reach = Reach::open(&args.asked).await?;
    let (key, loaded) = id::find(&reach, &args.id).await?;
    let (dict, said) = match loaded {
        Loaded::Live(record) => return live(&reach, args, &key, record),
        Loaded::Moved(moved) if view::is_carried(&key, &moved) => {
            let mut dict = view::named(&key, "carried");
            dict.insert("until_ms", view::deadline(moved.until_ms));
            let until = span::relative(moved.until_ms, reach.now_ms);
            (dict, format!("{key} was carried to another store, the mark ends {until}"))
        }
        Loaded::Moved(moved) => {
            let mut dict = view::named(&key, "moved");
            dict.insert("to", moved.to.to_string());
            dict.insert("until_ms", view::deadline(moved.until_ms));
            let until = span::relative(moved.until_ms, reach.now_ms);
            (
                dict,
                format!("{key} was rotated: it goes on as {}, the marker ends {until}", moved.to),
            )
        }
        Loaded::Ended { until_ms } => {
            let mut dict = view::named(&key, "ended");
            dict.insert("until_ms", view::deadline(until_ms));
            let until = span::relative(until_ms, reach.now_ms);
            (dict, format!("{key} was ended on purpose, its tombstone ends {until}"))
        }
        // It went between the page and the look.
        Loaded::Nothing => (view::named(&key, "gone"), format!("{key} is gone")),
    };
    terminal::print(&if args.asked.json { json::one_line(&Value::Dict(dict)) } else { said })
}

fn live(reach: &Reach, args: &Show, key: &StoreKey, mut record: Record) -> anyhow::Result<()> {
    let mut dict = view::dict(reach, key, &record);
    let row = view::row(reach, key, &record);
    let held = contents::read(std::mem::take(&mut record.data));
    if args.asked.json {
        let listed = held.as_ref().map(|held| held.iter().map(|it| member(args, it)).collect());
        dict.insert("contents", listed.map_or(Value::Null, Value::List));
        terminal::print(&json::one_line(&Value::Dict(dict)))?;
    } else {
        table::print(&view::HEAD, &[row])?;
        if !reach.is_live(&record) {
            terminal::note("the session has expired and is not yet forgotten");
        }
        if let Some(held) = &held {
            terminal::print("")?;
            list(args, held)?;
        }
    }
    match held {
        Some(_) => Ok(()),
        None => Err(Failed(format!("the contents of {key} cannot be read")).into()),
    }
}

fn list(args: &Show, held: &Dict) -> anyhow::Result<()> {
    let mut head = vec!["KEY", "TYPE", "SIZE"];
    if args.values {
        head.push("VALUE");
    }
    let rows: Vec<Vec<String>> = held
        .iter()
        .map(|(key, value)| {
            let key = json::one_line(&key.into());
            let mut row = vec![key, value.type_name().into(), span::size(contents::bytes(value))];
            if args.values {
                row.push(json::one_line(value));
            }
            row
        })
        .collect();
    table::print(&head, &rows)
}

fn member(args: &Show, (key, value): (&str, &Value)) -> Value {
    let mut member = Dict::from([
        ("key", Value::from(key)),
        ("type", value.type_name().into()),
        ("bytes", contents::bytes(value).into()),
    ]);
    if args.values {
        member.insert("value", value.clone());
    }
    Value::Dict(member)
}
