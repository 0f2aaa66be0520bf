//! The way to one node: a connection that all calls share, and some that one call has for itself.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use redis::{AsyncConnectionConfig, Client, Pipeline, Value, aio::MultiplexedConnection};

use tokio::sync::Semaphore;

use super::{fault::Fault, options::Options};

/// So many connections that wait for replicas are kept for the next call.
const KEPT: usize = 16;

/// So many calls may wait for replicas at once, each on a connection; the others wait for them.
const ALONE: usize = 64;

/// So many calls may wait for the shared connection to take them.
const BUFFER: usize = 1024;

/// Where a node listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Endpoint {
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// What must have a write before it counts as done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Confirm {
    pub(super) replicas: usize,
    pub(super) wait_ms: u64,
}

/// A node's connections. They are opened when they are needed, and again after they broke.
pub(super) struct Link {
    pub(super) endpoint: Endpoint,
    client: Client,
    options: Arc<Options>,
    /// Whether the node has to say that it is the master: who was asked may not know yet.
    asks_role: bool,
    shared: Mutex<Shared>,
    own: Mutex<Vec<MultiplexedConnection>>,
    alone: Semaphore,
    /// One opens, the others wait for it; and when that failed last.
    opening: tokio::sync::Mutex<Option<(Instant, Fault)>>,
}

#[derive(Default)]
struct Shared {
    connection: Option<MultiplexedConnection>,
    generation: u64,
}

impl Link {
    pub(super) fn new(
        endpoint: Endpoint,
        options: Arc<Options>,
        asks_role: bool,
    ) -> Result<Self, Fault> {
        let client = options.client(&endpoint).map_err(Fault::Unreached)?;
        Ok(Self {
            endpoint,
            client,
            options,
            asks_role,
            shared: Mutex::default(),
            own: Mutex::default(),
            alone: Semaphore::new(ALONE),
            opening: tokio::sync::Mutex::default(),
        })
    }

    /// Sends it through the connection that all share.
    pub(super) async fn send(&self, pipeline: &Pipeline) -> Result<Vec<Value>, Fault> {
        let (mut connection, generation) = self.connection().await?;
        let answers = connection.send_packed_commands(pipeline, 0, pipeline.len()).await;
        answers.map_err(|error| {
            let fault = Fault::of_answer(error);
            if fault.broke_the_connection() {
                self.forget(generation);
            }
            fault
        })
    }

    /// Sends it through a connection of its own: nobody else's write is on it, and nobody waits
    /// behind it.
    pub(super) async fn send_alone(&self, pipeline: &Pipeline) -> Result<Vec<Value>, Fault> {
        // It is never closed.
        let _turn = self.alone.acquire().await;
        let kept = lock(&self.own).pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.open_own().await?,
        };
        match connection.send_packed_commands(pipeline, 0, pipeline.len()).await {
            Ok(answers) => {
                let mut own = lock(&self.own);
                if own.len() < KEPT {
                    own.push(connection);
                }
                Ok(answers)
            }
            Err(error) => {
                // What broke this one broke the others of the same age.
                lock(&self.own).clear();
                Err(Fault::of_answer(error))
            }
        }
    }

    /// A connection for [`send_alone`](Self::send_alone), to a node that refuses to write when it is
    /// cut off.
    async fn open_own(&self) -> Result<MultiplexedConnection, Fault> {
        let mut connection = self.open().await?;
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("CONFIG").arg("GET").arg("min-replicas-to-write");
        let answers = connection.send_packed_commands(&pipeline, 0, 1).await;
        let answers = answers.map_err(Fault::Unreached)?;
        let found = match answers.into_iter().next() {
            Some(Value::Array(pair)) => pair.get(1).map(text).unwrap_or_default(),
            Some(Value::Map(pairs)) => {
                pairs.first().map(|(_, value)| text(value)).unwrap_or_default()
            }
            _ => String::new(),
        };
        match found.parse() {
            Ok(1_u64..) => Ok(connection),
            Ok(0) => Err(self.min_replicas(&found)),
            Err(_) => Err(self.min_replicas("unreadable (CONFIG GET is refused)")),
        }
    }

    fn min_replicas(&self, found: &str) -> Fault {
        Fault::MinReplicas { node: self.endpoint.to_string(), found: found.to_owned() }
    }

    /// Opens the shared connection, and with `own` one that could wait for replicas; asks whether the user
    /// may read this key and run a script on it.
    pub(super) async fn check(&self, own: bool, key: &[u8]) -> Result<(), Fault> {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("GET").arg(key).cmd("EVAL").arg("return 0").arg(1).arg(key);
        for answer in self.send(&pipeline).await? {
            // Whatever else it refuses is of this moment, or, in a cluster, of a key that lies elsewhere.
            if let Value::ServerError(error) = answer {
                if matches!(error.code(), "NOAUTH" | "NOPERM") {
                    return Err(Fault::Refused(error.into()));
                }
            }
        }
        if own {
            let connection = self.open_own().await?;
            lock(&self.own).push(connection);
        }
        Ok(())
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), Fault> {
        if let Some(found) = self.opened() {
            return Ok(found);
        }
        let asked = Instant::now();
        let mut failed = self.opening.lock().await;
        if let Some(found) = self.opened() {
            return Ok(found);
        }
        // Who waited for an attempt that failed does not make the next one.
        if let Some((_, fault)) = failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(fault.clone());
        }
        match self.open().await {
            Ok(connection) => {
                *failed = None;
                let mut shared = lock(&self.shared);
                shared.generation += 1;
                shared.connection = Some(connection.clone());
                Ok((connection, shared.generation))
            }
            Err(fault) => {
                *failed = Some((Instant::now(), fault.clone()));
                Err(fault)
            }
        }
    }

    fn opened(&self) -> Option<(MultiplexedConnection, u64)> {
        let shared = lock(&self.shared);
        shared.connection.clone().map(|connection| (connection, shared.generation))
    }

    /// Connects anew before the next call: under the same name there may be another node.
    pub(super) fn hang_up(&self) {
        let generation = lock(&self.shared).generation;
        self.forget(generation);
    }

    /// Forgets a connection that broke, unless there is a newer one.
    fn forget(&self, generation: u64) {
        let mut shared = lock(&self.shared);
        if shared.generation == generation {
            shared.connection = None;
            lock(&self.own).clear();
        }
    }

    async fn open(&self) -> Result<MultiplexedConnection, Fault> {
        let most = self.options.attempt();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(most))
            .set_response_timeout(Some(most))
            .set_pipeline_buffer_size(BUFFER);
        let opened = self.client.get_multiplexed_async_connection_with_config(&config).await;
        let mut connection = opened.map_err(Fault::Unreached)?;
        if self.asks_role {
            let mut pipeline = Pipeline::with_capacity(1);
            pipeline.cmd("ROLE");
            let answers = connection.send_packed_commands(&pipeline, 0, 1).await;
            let is_master = match answers.map_err(Fault::Unreached)?.first() {
                Some(Value::Array(role)) => role.first().is_some_and(|role| text(role) == "master"),
                _ => false,
            };
            if !is_master {
                return Err(Fault::Unfit(format!("{} is no master", self.endpoint)));
            }
        }
        Ok(connection)
    }
}

/// The text of an answer; empty if it is none.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => text.clone(),
        Value::Int(number) => number.to_string(),
        _ => String::new(),
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
