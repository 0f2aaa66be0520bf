//! From one store to another while the application runs.

mod carry;
mod checkpoint;
mod error;
mod keys;
mod migrating;
mod migration;
mod progress;
mod recent;
mod show;

use std::time::UNIX_EPOCH;

use dewar::Clock;

pub use carry::CarriedOver;
pub use error::MigrationError;
pub use keys::KeyMap;
pub use migrating::Migrating;
#[cfg(feature = "sabotage")]
#[doc(hidden)]
pub use migrating::Sabotage;
pub use migration::Migration;
pub use progress::Progress;

fn unix_millis(clock: &dyn Clock) -> u64 {
    let since = clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
