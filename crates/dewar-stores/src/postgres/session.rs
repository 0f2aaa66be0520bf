//! One connection, from the address to the prepared statements.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    task::Poll,
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};
use tokio_postgres::{Client, Error, Row, Statement, types::ToSql};

use super::{
    error::OpenError, fault, open::Options, reach::Carrier, schema, statements::Statements,
};

/// How long a change waits for a row that somebody else holds locked.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection that is ready for every verb.
pub(super) struct Session {
    client: Client,
    pub(super) statements: Statements,
    /// How many statements were sent, and the last of them that was answered: whoever gave up is
    /// answered all the same.
    asked: AtomicU64,
    answered: AtomicU64,
    served: AtomicBool,
    useless: Notify,
}

impl Session {
    /// Connects, sees to the tables, and prepares; `again` after an attempt that failed.
    pub(super) async fn open(options: &Options, again: bool) -> Result<(Self, Carrier), OpenError> {
        let after = options.patience();
        let opened = timeout(after, Self::open_patiently(options, again)).await;
        opened.unwrap_or(Err(OpenError::TimedOut { after }))
    }

    async fn open_patiently(options: &Options, again: bool) -> Result<(Self, Carrier), OpenError> {
        let (client, mut carrier) = options.reach.connect(again).await?;
        let prepared = drive(&mut carrier, async {
            client.batch_execute(&settings(options)).await?;
            schema::prepare(&client, options).await?;
            Ok::<_, OpenError>(Statements::prepare(&client, options).await?)
        });
        let statements = match prepared.await {
            Driven::Done(prepared) => prepared?,
            Driven::Ended(Some(error)) => return Err(error.into()),
            Driven::Ended(None) => return Err(OpenError::Closed),
        };
        let session = Self {
            client,
            statements,
            asked: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            served: AtomicBool::new(false),
            useless: Notify::new(),
        };
        Ok((session, carrier))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// How many statements are behind each other here.
    pub(super) fn waiting(&self) -> u64 {
        self.asked.load(Ordering::Relaxed).saturating_sub(self.answered())
    }

    fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Whether any statement was answered as it should be.
    pub(super) fn has_served(&self) -> bool {
        self.served.load(Ordering::Relaxed)
    }

    /// Sends a statement behind those before it, and waits for its rows. It is sent whole when this
    /// is first polled, so whoever drops it has it done or not done.
    pub(super) async fn rows(
        &self,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let rows = self.client.query(statement, parameters).await;
        self.answered.fetch_max(number, Ordering::Relaxed);
        match &rows {
            Ok(_) => self.served.store(true, Ordering::Relaxed),
            Err(error) if fault::spoils_the_session(error) => self.useless.notify_one(),
            Err(_) => {}
        }
        rows
    }

    /// Carries the messages until the connection ends, is of no more use, or its server is silent.
    pub(super) async fn carry(&self, mut carrier: Carrier, answer_timeout: Duration) {
        // Dropping the carrier cuts the connection, and fails every call that waits on it.
        drive(&mut carrier, self.until_useless_or_silent(answer_timeout)).await;
    }

    async fn until_useless_or_silent(&self, answer_timeout: Duration) {
        let mut heard = 0;
        loop {
            if timeout(answer_timeout / 2, self.useless.notified()).await.is_ok() {
                return;
            }
            // Whoever has nothing to ask learns from the system's own probes that a server is gone.
            let (asked, answered) = (self.asked.load(Ordering::Relaxed), self.answered());
            if asked != heard {
                // It is answered behind all that was asked before.
                match timeout(answer_timeout, self.client.simple_query("")).await {
                    Ok(Ok(_)) => {
                        heard = asked;
                        self.answered.fetch_max(asked, Ordering::Relaxed);
                    }
                    // Several that wait for locked rows, one behind the other, are no silence.
                    Err(_) if self.answered() > answered => {}
                    _ => return,
                }
            }
        }
    }
}

/// What a connection must know before it is used.
fn settings(options: &Options) -> String {
    let mut sql = format!(
        // The statements are made for this level; at a higher one they would fail instead of wait.
        "SET default_transaction_isolation = 'read committed';
         SET default_transaction_read_only = off;
         SET lock_timeout = {};
         -- Chosen while the table is small, a plan stays when it is large.
         SET enable_seqscan = off;",
        LOCK_TIMEOUT.as_millis()
    );
    if let Some(level) = options.synchronous_commit {
        sql.push_str("SET synchronous_commit = ");
        sql.push_str(level.as_sql());
    }
    sql
}

enum Driven<T> {
    Done(T),
    Ended(Option<Error>),
}

/// Does `work` while the carrier is polled beside it; ends when either ends.
async fn drive<T>(carrier: &mut Carrier, work: impl Future<Output = T>) -> Driven<T> {
    let mut work = pin!(work);
    poll_fn(|context| {
        let ended = Pin::new(&mut *carrier).poll(context);
        // Its last answers may be what the work waits for.
        match (work.as_mut().poll(context), ended) {
            (Poll::Ready(done), _) => Poll::Ready(Driven::Done(done)),
            (Poll::Pending, Poll::Ready(result)) => Poll::Ready(Driven::Ended(result.err())),
            (Poll::Pending, Poll::Pending) => Poll::Pending,
        }
    })
    .await
}
