//! Overlapping requests of one visitor against a model, step by step.
//!
//! The model of a session is *alive → moved → ended*. Each store call waits until the schedule lets
//! its request go on, so a schedule (the list of who takes the next step) replays exactly. Small
//! cases are run in every order, larger ones in random ones. What must hold afterwards, per design:
//!
//! - every answer is 200, and what an opened request did is there exactly once;
//! - after a logout nothing of the session is live;
//! - at most one id of it is live, orphans included;
//! - the browser ends with a cookie that works, or with none.

mod server;

use std::time::Duration;

use server::{
    Chance, Running, runtime,
    schedule::{Every, Schedule},
    seed,
    site::{Act, Answer, Millis, Site, set},
    tap::{Fault, Sabotage, Tap, Way},
};

/// What one request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Read,
    SetA,
    SetB,
    Incr,
    Push,
    Rotate,
    RotateOnly,
    Logout,
    Replace,
    Take,
}

const ALL: [Does; 10] = [
    Does::Read,
    Does::SetA,
    Does::SetB,
    Does::Incr,
    Does::Push,
    Does::Rotate,
    Does::RotateOnly,
    Does::Logout,
    Does::Replace,
    Does::Take,
];

impl Does {
    fn acts(self) -> Vec<Act> {
        match self {
            Self::Read => vec![],
            Self::SetA => vec![set("a", "1")],
            Self::SetB => vec![set("b", "1")],
            Self::Incr => vec![Act::Incr("n", 1)],
            Self::Push => vec![Act::Push("log", "x")],
            Self::Rotate => vec![Act::Rotate, set("role", "admin")],
            Self::RotateOnly => vec![Act::Rotate],
            Self::Logout => vec![Act::Logout],
            Self::Replace => vec![Act::Logout, set("other", "eve")],
            Self::Take => vec![Act::TakeOnce("token")],
        }
    }
}

/// Where the requests run.
#[derive(Clone, Copy, Debug)]
struct Place {
    processes: usize,
    sabotage: Option<Sabotage>,
    /// The call of this number goes wrong.
    fault: Option<(usize, Fault)>,
}

impl Place {
    const fn honest(processes: usize) -> Self {
        Self { processes, sabotage: None, fault: None }
    }
}

const HONEST: [Place; 2] = [Place::honest(1), Place::honest(2)];

/// One request while it runs; it begins with the cookie its browser has at its first step.
enum Task {
    Waits,
    Runs(Running<Answer>),
    Done(Answer),
}

/// Runs the requests under a schedule; says what is wrong with the outcome, or whether it could be
/// judged.
fn run(does: &[Does], place: Place, schedule: &mut dyn Schedule) -> Result<bool, String> {
    let runtime = runtime();
    let (mut store, clock) = (Tap::new(), Millis::default());
    store.sabotage = place.sabotage;
    let calm = Site::new(&store, &clock);
    let cookie = runtime.block_on(calm.login([set("user", "ada"), set("token", "t")]));
    // Every request is a use: who only reads touches.
    clock.advance(31 * 60_000);
    let mut slow = store.clone();
    slow.gives_way = Way::Before;
    let sites: Vec<_> = (0..place.processes).map(|_| Site::new(&slow, &clock)).collect();

    if let Some((at, fault)) = place.fault {
        store.fail(at, fault);
    }
    let mut steps = Vec::new();
    let mut jar = cookie.clone();
    let mut cookies = vec![cookie];
    let mut tasks: Vec<_> = does.iter().map(|_| Task::Waits).collect();
    {
        // A step may ask for the time; nobody needs to be woken.
        let _within = runtime.enter();
        loop {
            let can_go_on = |task: &Task| match task {
                Task::Waits => true,
                Task::Runs(running) => running.can_go_on(),
                Task::Done(_) => false,
            };
            let open: Vec<_> = (0..tasks.len()).filter(|&i| can_go_on(&tasks[i])).collect();
            if open.is_empty() && tasks.iter().all(|task| matches!(task, Task::Done(_))) {
                break;
            }
            if open.is_empty() && place.fault.is_some() {
                // Somebody waits for a time-out, or before it tries again.
                runtime.block_on(tokio::time::sleep(Duration::from_millis(100)));
                continue;
            }
            if open.is_empty() || steps.len() > 200 {
                return Err(format!("{does:?} never ends, steps {steps:?}"));
            }
            let i = open[schedule.choose(open.len())];
            steps.push(i);
            if let Task::Waits = tasks[i] {
                let site = &sites[i % sites.len()];
                tasks[i] = Task::Runs(Running::new(site.ask(&jar, does[i].acts())));
            }
            let Task::Runs(running) = &mut tasks[i] else { continue };
            if let Some(answer) = running.poll() {
                if let Some(cookie) = answer.cookie() {
                    jar.clone_from(&cookie);
                    cookies.push(cookie);
                }
                tasks[i] = Task::Done(answer);
            }
        }
    }
    let answers: Vec<_> = tasks
        .into_iter()
        .filter_map(|task| if let Task::Done(answer) = task { Some(answer) } else { None })
        .collect();
    store.heal();
    // A request that could not open its session, or whose fate nobody can tell, was promised
    // nothing; what then remains possible is told in the tests of faults.
    if place.fault.is_some() && answers.iter().any(|answer| answer.status == 503) {
        return Ok(false);
    }
    let verdict = runtime.block_on(judge(does, &answers, &calm, &store, &cookies, &jar));
    verdict.map(|()| true).map_err(|wrong| {
        let bodies: Vec<_> = answers.iter().map(|answer| &answer.body).collect();
        format!("{wrong}\n  {does:?} on {place:?}\n  steps {steps:?}\n  answers {bodies:#?}")
    })
}

async fn judge(
    does: &[Does],
    answers: &[Answer],
    site: &Site,
    store: &Tap,
    cookies: &[String],
    jar: &str,
) -> Result<(), String> {
    if let Some(answer) = answers.iter().find(|answer| answer.status != 200) {
        return Err(format!("answered {}", answer.status));
    }
    // Only a request that opened the session itself did anything to it; the others were told so.
    let opened = |what: Does| {
        let pairs = does.iter().zip(answers);
        pairs
            .filter(|(does, answer)| {
                **does == what && answer.body.contains("user=ada")
                    || **does == what
                        && matches!(what, Does::Logout | Does::Replace)
                        && answer.opened()
            })
            .count()
    };
    let ended = opened(Does::Logout) + opened(Does::Replace) > 0
        || does.iter().zip(answers).any(|(does, answer)| {
            matches!(does, Does::Logout | Does::Replace) && answer.body.starts_with("Rotated")
        });
    let live = store.live_with("\"ada\"").await;
    let orphans = store.live_with("\"eve\"").await;
    if orphans > opened(Does::Replace) + fresh(does, answers) {
        return Err(format!("{orphans} sessions of eve"));
    }
    let taken = answers.iter().filter(|answer| answer.body.contains("took t")).count();
    if ended {
        if live > 0 {
            return Err(format!("{live} live ids after a logout"));
        }
        for cookie in cookies {
            let dump = site.dump(cookie).await;
            if dump.contains("ada") {
                return Err(format!("a logout was undone: {dump}"));
            }
        }
        return if taken <= 1 { Ok(()) } else { Err(format!("taken {taken} times")) };
    }
    if live != 1 {
        return Err(format!("{live} live ids"));
    }
    let dump = site.dump(jar).await;
    if !dump.starts_with("opened") {
        return Err(format!("the browser's cookie does not work: {dump}"));
    }
    let expect = [
        ("a=1", opened(Does::SetA) > 0),
        ("b=1", opened(Does::SetB) > 0),
        ("role=admin", opened(Does::Rotate) > 0),
        ("user=ada", true),
        ("token=t", taken == 0),
    ];
    for (text, there) in expect {
        if dump.contains(text) != there {
            return Err(format!("{text} should be there: {there}; {dump}"));
        }
    }
    if taken > 1 {
        return Err(format!("taken {taken} times"));
    }
    let (incr, pushes) = (opened(Does::Incr), opened(Does::Push));
    if incr > 0 && !dump.contains(&format!("n={incr},")) {
        return Err(format!("{incr} increments: {dump}"));
    }
    if dump.matches("'x'").count() != pushes {
        return Err(format!("{pushes} pushes: {dump}"));
    }
    Ok(())
}

/// Requests that found no session and began one as somebody else.
fn fresh(does: &[Does], answers: &[Answer]) -> usize {
    let pairs = does.iter().zip(answers);
    pairs
        .filter(|(does, answer)| {
            **does == Does::Replace
                && (answer.body.starts_with("Revoked") || answer.body.starts_with("NoCookie"))
        })
        .count()
}

/// Runs every schedule, or gives the first that fails.
fn every(does: &[Does], place: Place, ran: &mut usize) -> Result<(), String> {
    let mut schedule = Every::default();
    loop {
        run(does, place, &mut schedule)?;
        *ran += 1;
        if !schedule.next() {
            return Ok(());
        }
    }
}

#[test]
fn any_two_requests_in_every_order_keep_the_promises() {
    let mut ran = 0;
    for place in HONEST {
        for (i, first) in ALL.into_iter().enumerate() {
            for second in &ALL[i..] {
                every(&[first, *second], place, &mut ran).unwrap_or_else(|wrong| panic!("{wrong}"));
            }
        }
    }
    println!("{ran} schedules");
}

#[test]
fn two_to_four_requests_in_random_order_keep_the_promises() {
    let seed = seed(1);
    for i in 0..4000 {
        let mut chance = Chance(seed.wrapping_add(i).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let count = 2 + chance.below(3);
        let mut does: Vec<_> = (0..count).map(|_| ALL[chance.below(ALL.len())]).collect();
        let place = HONEST[chance.below(2)];
        let replay = chance.0;
        if let Err(wrong) = run(&does, place, &mut chance) {
            // Shrinks: does it still fail without one of them?
            let mut wrong = wrong;
            while let Some((fewer, still)) = (0..does.len()).find_map(|i| {
                let mut fewer = does.clone();
                fewer.remove(i);
                (0..200)
                    .find_map(|n| run(&fewer, place, &mut Chance(replay.wrapping_add(n) | 1)).err())
                    .map(|still| (fewer, still))
            }) {
                (does, wrong) = (fewer, still);
            }
            panic!("history {i} of seed {seed}: {wrong}");
        }
    }
}

#[test]
fn requests_in_random_order_keep_the_promises_although_a_call_fails() {
    let seed = seed(2);
    let mut judged = 0;
    for i in 0..3000 {
        let mut chance = Chance(seed.wrapping_add(i).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let count = 2 + chance.below(2);
        let does: Vec<_> = (0..count).map(|_| ALL[chance.below(ALL.len())]).collect();
        let faults = [Fault::ErrorBefore, Fault::ErrorAfter, Fault::HangBefore, Fault::HangAfter];
        let fault = Some((1 + chance.below(8), faults[chance.below(4)]));
        let place = Place { fault, ..HONEST[chance.below(2)] };
        let outcome = run(&does, place, &mut chance);
        judged += usize::from(
            outcome.unwrap_or_else(|wrong| panic!("history {i} of seed {seed}: {wrong}")),
        );
    }
    println!("{judged} of 3000 judged");
    assert!(judged > 2000, "too few were answered 200 throughout");
}

#[test]
fn each_sabotage_is_caught() {
    let pairs: [(Sabotage, &[Does]); 8] = [
        (Sabotage::UpdateUpserts, &[Does::SetA, Does::Logout]),
        (Sabotage::DeleteDoesNothing, &[Does::Read, Does::Logout]),
        (Sabotage::TouchUpserts, &[Does::Read, Does::Logout]),
        (Sabotage::VersionIgnored, &[Does::SetA, Does::SetB]),
        (Sabotage::UpdateDoesNothing, &[Does::SetA]),
        (Sabotage::SupersedeKeepsTheOld, &[Does::Rotate]),
        (Sabotage::SupersedeDoesNothing, &[Does::Rotate, Does::SetA]),
        (Sabotage::SupersedeIgnoresTheVersion, &[Does::Rotate, Does::SetA]),
    ];
    for (sabotage, does) in pairs {
        let place = Place { sabotage: Some(sabotage), ..Place::honest(2) };
        let caught = every(does, place, &mut 0);
        println!(
            "{sabotage:?}: {}",
            caught.as_ref().err().map_or("-", |wrong| wrong.lines().next().unwrap_or(""))
        );
        assert!(caught.is_err(), "{sabotage:?} went unnoticed");
    }
}

#[test]
fn a_store_that_forgets_the_writes_is_caught_when_a_call_fails() {
    let does = [Does::Incr, Does::Incr, Does::Push];
    let caught = (0..3000).find_map(|i| {
        let mut chance = Chance(i << 8 | 1);
        let fault = Some((3 + chance.below(4), Fault::ErrorAfter));
        let sabotage = Some(Sabotage::ForgetsTheWrites);
        run(&does, Place { sabotage, fault, ..Place::honest(2) }, &mut chance).err()
    });
    println!("{}", caught.as_deref().unwrap_or("-"));
    assert!(caught.is_some());
}
