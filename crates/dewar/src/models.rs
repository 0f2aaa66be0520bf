//! What the models share: many schedules, and where their chance comes from.

use shuttle::{
    Config, Runner,
    scheduler::{PctScheduler, RandomScheduler},
};

/// How many times a schedule that is mostly straight changes its mind: most races need few.
const PREEMPTIONS: usize = 4;

/// More than shuttle's own: an unoptimized future is large.
const STACK_BYTES: usize = 1 << 18;

/// Runs `model` under so many schedules: half of them choose anew at every step, half of them
/// seldom. `shuttle::rand` inside the model is part of what is replayed.
///
/// `DEWAR_TEST_SEED` replays them all; of a schedule that fails, shuttle prints a text of its own
/// for `shuttle::replay`.
pub(crate) fn try_schedules(schedules: usize, model: impl Fn() + Send + Sync + 'static) {
    let seed = std::env::var("DEWAR_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or(20_231_114);
    println!("{schedules} schedules; replay with DEWAR_TEST_SEED={seed}");
    let model = std::sync::Arc::new(model);
    let half = schedules / 2;
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    let again = std::sync::Arc::clone(&model);
    Runner::new(RandomScheduler::new_from_seed(seed, half), config.clone()).run(move || again());
    let seldom = PctScheduler::new_from_seed(seed, PREEMPTIONS, schedules - half);
    Runner::new(seldom, config).run(move || model());
}
