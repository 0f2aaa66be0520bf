//! The whole flow on a store: random histories of overlapping requests of one visitor, on one store
//! and on several that are the same, as several processes see it.
//!
//! Every request has opened the session before the first one commits; then the commits race freely.
//! So the model is simple: what was done is there exactly once, unless the session was ended, and
//! then nothing of it is live. A seed gives the same requests again, though not the same race.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use dewar::store::BoxStore;
use tokio::{sync::Barrier, task::JoinSet, time::timeout};

use super::{
    Asked, Does,
    site::{Answer, Millis, Site},
    watched::Watched,
};

/// xorshift64*: enough chance to choose with.
struct Chance(u64);

impl Chance {
    fn of(seed: u64, history: u64) -> Self {
        Self(seed.wrapping_add(history).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }
}

/// From the environment, to replay what was printed.
fn seed(default: u64) -> u64 {
    let seed = std::env::var("DEWAR_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or(default);
    println!("replay with DEWAR_TEST_SEED={seed}");
    seed
}

/// One history after the other, until something is wrong.
pub struct Histories {
    stores: Vec<Watched>,
    /// Where each session begins, if not in the first of them.
    begins: Option<Watched>,
    clock: Millis,
    number: u64,
}

impl Histories {
    /// So many histories on these stores, which are one seen from several processes.
    pub fn on(stores: impl IntoIterator<Item = BoxStore>, number: u64) -> Self {
        let keys = Arc::default();
        let watch = |inner| Watched { inner, keys: Arc::clone(&keys), ignores_the_version: false };
        // From now on: a store that forgets by itself goes by the machine's clock.
        let now_ms = UNIX_EPOCH.elapsed().unwrap().as_millis();
        Self {
            stores: stores.into_iter().map(watch).collect(),
            begins: None,
            clock: Millis(Arc::new(AtomicU64::new(u64::try_from(now_ms).unwrap()))),
            number,
        }
    }

    /// Each session begins in this store, which the others know too.
    pub fn beginning_in(mut self, store: BoxStore) -> Self {
        self.begins = Some(Watched { inner: store, ..self.stores[0].clone() });
        self
    }

    /// The sabotage: an update overwrites whatever is there.
    pub fn ignoring_the_version(mut self) -> Self {
        self.stores.iter_mut().for_each(|store| store.ignores_the_version = true);
        self
    }

    async fn run(&self, does: &[Does], yields: &mut Chance) -> Result<(), String> {
        self.stores[0].keys.lock().unwrap().clear();
        let sites: Vec<_> = self.stores.iter().map(|store| Site::new(store, &self.clock)).collect();
        let cookie = match &self.begins {
            Some(begins) => Site::new(begins, &self.clock).login().await,
            None => sites[0].login().await,
        };
        // Every request is a use: who only reads touches.
        self.clock.0.fetch_add(31 * 60_000, Ordering::SeqCst);

        let all_opened = Arc::new(Barrier::new(does.len()));
        let mut requests = JoinSet::new();
        for (i, &does) in does.iter().enumerate() {
            let (site, cookie) = (sites[i % sites.len()].clone(), cookie.clone());
            let all_opened = Arc::clone(&all_opened);
            let asked = Asked { does, mark: i + 1, all_opened, yields: yields.below(8) };
            requests.spawn(async move { (i, site.ask(&cookie, asked).await) });
        }
        let mut jar = cookie.clone();
        let mut cookies = vec![cookie];
        let mut answers = vec![None; does.len()];
        while let Some(done) = timeout(Duration::from_secs(10), requests.join_next())
            .await
            .map_err(|_| format!("not all of {does:?} had the session open at the same time"))?
        {
            let (i, answer) = done.unwrap();
            if let Some(cookie) = &answer.cookie {
                jar.clone_from(cookie);
                cookies.push(cookie.clone());
            }
            answers[i] = Some(answer);
        }
        let answers: Vec<_> = answers.into_iter().flatten().collect();
        // The last process knows only what the file says.
        let site = &sites[sites.len() - 1];
        let verdict = judge(does, &answers, site, &self.stores[0], &cookies, &jar).await;
        verdict.map_err(|wrong| format!("{wrong}\n  {does:?}\n  answers {answers:#?}"))
    }

    /// The figures: how many histories, and how many of them ended the session.
    pub async fn all(&self, default_seed: u64) -> Result<(u64, u64), String> {
        let (seed, mut ended) = (seed(default_seed), 0);
        for history in 0..self.number {
            let mut chance = Chance::of(seed, history);
            let count = 2 + chance.below(3);
            let mut does: Vec<_> =
                (0..count).map(|_| Does::ALL[chance.below(Does::ALL.len())]).collect();
            // A third goes without an end: else few would be left to be counted.
            if history % 3 == 0 {
                does.iter_mut().filter(|does| does.ends()).for_each(|does| *does = Does::Incr);
            }
            ended += u64::from(does.iter().any(|does| does.ends()));
            let ran = self.run(&does, &mut chance).await;
            ran.map_err(|wrong| format!("history {history} of seed {seed}: {wrong}"))?;
        }
        Ok((self.number, ended))
    }
}

async fn judge(
    does: &[Does],
    answers: &[Answer],
    site: &Site,
    store: &Watched,
    cookies: &[String],
    jar: &str,
) -> Result<(), String> {
    let user = |contents: &BTreeMap<String, String>| {
        contents.get("user").is_some_and(|user| user == "ada")
    };
    for answer in answers {
        if answer.status != 200 {
            return Err(format!("answered {}", answer.status));
        }
        if !user(&answer.opened) || answer.opened.contains_key("role") {
            return Err("a request began after another had committed".into());
        }
    }
    let count = |what: Does| does.iter().filter(|does| **does == what).count();
    let marks = |what: Does| -> BTreeSet<String> {
        let those = does.iter().enumerate().filter(|(_, does)| **does == what);
        those.map(|(i, _)| (i + 1).to_string()).collect()
    };
    let taken = answers.iter().filter(|answer| answer.took).count();
    let (live, others) = (store.live_with("\"ada\"").await, store.live_with("\"eve\"").await);
    if others > count(Does::Replace) {
        return Err(format!("{others} sessions of eve"));
    }
    if does.iter().any(|does| does.ends()) {
        if live > 0 || taken > 1 {
            return Err(format!("{live} live ids after a logout, taken {taken} times"));
        }
        for cookie in cookies {
            let found = site.dump(cookie).await;
            if found.keys().any(|key| key != "other") {
                return Err(format!("a logout was undone: {found:?}"));
            }
        }
        return Ok(());
    }
    if live != 1 {
        return Err(format!("{live} live ids"));
    }
    let found = site.dump(jar).await;
    if !user(&found) {
        return Err(format!("the browser's cookie does not work: {found:?}"));
    }
    let value = |key: &str| found.get(key).map(String::as_str);
    for (key, what) in [("a", Does::SetA), ("b", Does::SetB)] {
        let right = match value(key) {
            Some(mark) => marks(what).contains(mark),
            None => count(what) == 0,
        };
        if !right {
            return Err(format!("{key} of {:?}: {found:?}", marks(what)));
        }
    }
    let role = (count(Does::Rotate) > 0).then_some("admin");
    let counted = count(Does::Incr).to_string();
    let counted = (count(Does::Incr) > 0).then_some(&*counted);
    let token = (taken == 0).then_some("t");
    for (key, expected) in [("role", role), ("n", counted), ("token", token)] {
        if value(key) != expected {
            return Err(format!("{key} should be {expected:?}: {found:?}"));
        }
    }
    // Whoever comes too late for the old id is given nothing: the token waits for the new one.
    let least = if count(Does::Rotate) == 0 { count(Does::Take).min(1) } else { 0 };
    if !(least..=1).contains(&taken) {
        return Err(format!("taken {taken} times"));
    }
    let log = value("log").unwrap_or("[]").trim_matches(['[', ']']);
    let mut pushed: Vec<_> = log.split(", ").filter(|mark| !mark.is_empty()).collect();
    pushed.sort_unstable();
    let expected = marks(Does::Push);
    if !pushed.iter().copied().eq(expected.iter().map(String::as_str)) {
        return Err(format!("pushed {expected:?}: {found:?}"));
    }
    Ok(())
}

/// Runs them all and prints the figures.
pub async fn keep_the_promises(histories: Histories, default_seed: u64) {
    let (ran, ended) = histories.all(default_seed).await.unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("{ran} histories, {ended} of them with an end");
}
