//! `dewar sessions erase`.

use dewar::{StoreKey, UserSessions, store::Owner};

use super::{
    args::Erase, dry_run::Outcome, log, progress::Progress, reach::Reach, span, user, view::Sorted,
};
use crate::failure::{Failed, NothingFound};

/// Who logs in while his sessions are erased is met in a later pass.
const PASSES: usize = 3;

pub(super) async fn run(args: &Erase) -> anyhow::Result<()> {
    let reach = Reach::open(&args.asked).await?;
    let owner = Owner::of(&args.user);
    let mut erased = 0;
    if reach.store.knows_users() {
        let users = UserSessions::of(reach.store.clone())?;
        erased = if args.yes {
            // By the store's own list first: that is quick, and takes the list back as well.
            users.erase(&args.user).await? as u64
        } else {
            // In a scan they are nobody's, in the store's list the user's.
            user::held(&reach, &owner).await?.unreadable.len() as u64
        };
    }
    let mut seen = look(&reach, &owner).await?;
    if args.yes {
        for _ in 0..PASSES {
            if seen.of_the_user.is_empty() {
                break;
            }
            for key in &seen.of_the_user {
                erased += u64::from(reach.end_of(&owner, key).await?);
            }
            seen = look(&reach, &owner).await?;
        }
    }
    let reported = report(args, erased, &seen);
    if args.yes {
        log::empty(&reach)?;
    }
    reported
}

/// What the whole store shows.
#[derive(Default)]
struct Seen {
    scanned: u64,
    of_the_user: Vec<StoreKey>,
    unreadable: u64,
}

async fn look(reach: &Reach, owner: &Owner) -> anyhow::Result<Seen> {
    let (mut seen, mut pages, mut progress) = (Seen::default(), reach.pages(), Progress::new());
    while let Some(page) = pages.next().await? {
        seen.scanned += page.len() as u64;
        progress.tell(|| format!("{} entries read", seen.scanned));
        for (key, found) in page {
            match Sorted::of(reach, found)? {
                Sorted::Live(record) | Sorted::Expired(record)
                    if record.owner.as_ref() == Some(owner) =>
                {
                    seen.of_the_user.push(key);
                }
                Sorted::Unreadable => seen.unreadable += 1,
                _ => {}
            }
        }
    }
    seen.of_the_user.sort_unstable();
    seen.of_the_user.dedup();
    Ok(seen)
}

fn report(args: &Erase, erased: u64, seen: &Seen) -> anyhow::Result<()> {
    let left = seen.of_the_user.len() as u64;
    let sessions = if args.yes { erased } else { erased + left };
    let number = span::sessions(sessions);
    let unreadable = match seen.unreadable {
        0 => String::new(),
        number => format!("; {number} of them cannot be read, whose they are nobody can tell"),
    };
    let outcome = Outcome {
        yes: args.yes,
        numbers: vec![
            ("sessions", sessions),
            ("scanned", seen.scanned),
            ("left", left),
            ("unreadable", seen.unreadable),
        ],
        would: format!("erase {number} of the user{unreadable}"),
        did: format!(
            "erased {number}; of {} entries in the store {left} are the user's{unreadable}",
            seen.scanned
        ),
    };
    outcome.print(args.asked.json)?;
    if args.yes && left > 0 {
        let said = "the user has sessions again, he logs in meanwhile: lock him out first";
        return Err(Failed(said.into()).into());
    }
    if sessions == 0 {
        return Err(NothingFound("the user has no session".into()).into());
    }
    Ok(())
}
