//! Redis or Valkey: one node, as Flask-Session uses it.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, RedisError, Value, aio::MultiplexedConnection,
};
use dewar::store::{StoreError, StoreErrorKind};

use super::{
    look::{Change, NewBytes, There},
    scan::Names,
    store::{FlaskSessionStore, Place, Table},
};

/// How long connecting may take, and how long an answer.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How many names a step of `SCAN` looks at, at most: others wait for it.
const STEP: usize = 1000;

const READ: &str = r"
local time = redis.call('TIME')
return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2]), redis.call('PTTL', KEYS[1]),
        time[1] * 1000 + math.floor(time[2] / 1000)}
";

/// `whether, record, whether, note` as they were read; `what, record, at, note, at` as they are to be.
const SWAP: &str = r"
local function same(key, there, value)
  local found = redis.call('GET', key)
  if there == '1' then return found == value end
  return not found
end
local function put(key, value, at)
  if at == '' then redis.call('SET', key, value) else redis.call('SET', key, value, 'PXAT', at) end
end
if not (same(KEYS[1], ARGV[1], ARGV[2]) and same(KEYS[2], ARGV[3], ARGV[4])) then return 0 end
if ARGV[5] == 'set' then
  put(KEYS[1], ARGV[6], ARGV[7])
elseif ARGV[5] == 'delete' then
  redis.call('DEL', KEYS[1])
elseif ARGV[7] == '' then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('PEXPIREAT', KEYS[1], ARGV[7])
end
put(KEYS[2], ARGV[8], ARGV[9])
return 1
";

/// Why a store cannot be opened. It never shows a URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is none that Redis is named by.
    #[error("the URL names no Redis; write redis://USER:PASSWORD@HOST:PORT/DATABASE")]
    Url,
    /// Sessions are to be read there, and there are none.
    #[error(
        "there is no table {table}, in which Flask-Session keeps its records; name the database that \
         the application uses"
    )]
    NoTable {
        /// The table.
        table: &'static str,
    },
    /// The database does not answer, refuses the user, or is not what Flask-Session makes.
    #[error("cannot open the sessions of Flask-Session")]
    Unreachable {
        /// What the driver says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Sessions of Flask-Session in Redis: `SESSION_TYPE = "redis"`.
pub struct Redis {
    client: Client,
    shared: Mutex<Option<MultiplexedConnection>>,
}

impl FlaskSessionStore<Redis> {
    /// Connects to the Redis that Flask-Session uses, as `redis://USER:PASSWORD@HOST:PORT/DATABASE`.
    ///
    /// It needs Redis 6.2 or newer, or Valkey, and a tokio runtime that lives as long as the store.
    ///
    /// # Errors
    /// If the URL is none, or nobody answers; see [`OpenError`].
    pub async fn redis(url: &str) -> Result<Self, OpenError> {
        let client = Client::open(url).map_err(|_| OpenError::Url)?;
        let redis = Redis { client, shared: Mutex::default() };
        let opened = redis.connection().await;
        opened.map_err(|error| OpenError::Unreachable { source: error.into() })?;
        Ok(Self::new(redis))
    }
}

impl Redis {
    fn shared(&self) -> MutexGuard<'_, Option<MultiplexedConnection>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connection(&self) -> Result<MultiplexedConnection, RedisError> {
        if let Some(connection) = self.shared().clone() {
            return Ok(connection);
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let opened = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        *self.shared() = Some(opened.clone());
        Ok(opened)
    }

    /// Runs a script on the two keys of a session.
    async fn run(
        &self,
        script: &str,
        place: &Place,
        arguments: &[&[u8]],
        changes: bool,
    ) -> Result<Value, StoreError> {
        let mut command = Cmd::new();
        command.arg("EVAL").arg(script).arg(2).arg(&place.record).arg(&place.note);
        for argument in arguments {
            command.arg(argument);
        }
        self.ask(&command, changes).await
    }

    async fn ask(&self, command: &Cmd, changes: bool) -> Result<Value, StoreError> {
        // Nothing was asked yet.
        let mut connection = self.connection().await.map_err(StoreError::unavailable)?;
        connection.send_packed_command(command).await.map_err(|error| {
            let refused = matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension);
            if !refused {
                *self.shared() = None;
            }
            let kind = match error.code() {
                Some("OOM") => StoreErrorKind::Full,
                Some("WRONGTYPE") => StoreErrorKind::Corrupt,
                Some("BUSY" | "UNKILLABLE") => StoreErrorKind::Contended,
                Some("LOADING" | "MASTERDOWN") => StoreErrorKind::Unavailable,
                _ if refused => StoreErrorKind::Refused,
                _ if error.is_timeout() => StoreErrorKind::TimedOut,
                _ if changes => StoreErrorKind::OutcomeUnknown,
                _ => StoreErrorKind::Unavailable,
            };
            StoreError::new(kind).with_source(error)
        })
    }
}

impl Table for Redis {
    async fn read(&self, place: &Place) -> Result<There, StoreError> {
        let Value::Array(found) = self.run(READ, place, &[], false).await? else {
            return Err(strange());
        };
        let Ok([record, note, Value::Int(left_ms), Value::Int(now_ms)]) =
            <[Value; 4]>::try_from(found)
        else {
            return Err(strange());
        };
        let now_ms = u64::try_from(now_ms).map_err(|_| strange())?;
        Ok(There {
            bytes: bytes(record)?,
            // Negative: it never does, or is not there.
            expires_ms: u64::try_from(left_ms).ok().map(|left_ms| now_ms + left_ms),
            note: bytes(note)?,
            now_ms,
        })
    }

    async fn swap(
        &self,
        place: &Place,
        there: &There,
        change: &Change,
    ) -> Result<bool, StoreError> {
        let flag = |found: &Option<Vec<u8>>| if found.is_some() { &b"1"[..] } else { b"0" };
        let at = |moment: Option<u64>| moment.map(|at| at.to_string()).unwrap_or_default();
        let (expires, note_expires) = (at(change.expires_ms), at(change.note_expires_ms));
        let (what, record): (&[u8], &[u8]) = match &change.bytes {
            NewBytes::Keep => (b"keep", b""),
            NewBytes::Delete => (b"delete", b""),
            NewBytes::Set(record) => (b"set", record),
        };
        let arguments = [
            flag(&there.bytes),
            there.bytes.as_deref().unwrap_or_default(),
            flag(&there.note),
            there.note.as_deref().unwrap_or_default(),
            what,
            record,
            expires.as_bytes(),
            &change.note,
            note_expires.as_bytes(),
        ];
        match self.run(SWAP, place, &arguments, true).await? {
            Value::Int(done) => Ok(done == 1),
            _ => Err(strange()),
        }
    }

    /// By `SCAN`. Its cursor means something to one node, as long as that runs.
    async fn names(&self, prefix: &str, from: u64, limit: usize) -> Result<Names, StoreError> {
        let mut command = Cmd::new();
        command.arg("SCAN").arg(from).arg("MATCH").arg(pattern(prefix));
        command.arg("COUNT").arg(limit.clamp(1, STEP)).arg("TYPE").arg("string");
        let Value::Array(answer) = self.ask(&command, false).await? else { return Err(strange()) };
        let Ok([next, Value::Array(found)]) = <[Value; 2]>::try_from(answer) else {
            return Err(strange());
        };
        let next = bytes(next)?.and_then(|next| String::from_utf8(next).ok()?.parse().ok());
        let next: u64 = next.ok_or_else(strange)?;
        let mut names = Vec::with_capacity(found.len());
        for name in found {
            // A name that is no text is none of Flask-Session's.
            names.extend(bytes(name)?.and_then(|name| String::from_utf8(name).ok()));
        }
        Ok(Names { names, next: (next != 0).then_some(next) })
    }

    /// Redis forgets by itself.
    async fn forget(&self, _: u64, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

/// What begins with `prefix`, character for character.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for c in prefix.chars() {
        if "*?[]\\^-".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern + "*"
}

fn bytes(value: Value) -> Result<Option<Vec<u8>>, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::Nil | Value::Boolean(false) => Ok(None),
        _ => Err(strange()),
    }
}

fn strange() -> StoreError {
    StoreError::unavailable("Redis gave an answer that the script does not have")
}

/// The URL may hold a password.
impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis(hidden)")
    }
}
