//! A call, on its way to the writer and back.

use std::time::Instant;

use dewar::{
    StoreKey,
    store::{Created, Moved, Reached, Record, StoreError, WriteId, Written},
};

use super::{
    dues::Step,
    fault::Fault,
    reply::{self, Receiver},
    table::Table,
};

/// One change. It may run twice: what was not committed never happened.
pub(super) trait Verb: Send + 'static {
    type Answer: Send + 'static;

    fn run(&self, table: &mut Table<'_>) -> Result<Self::Answer, Fault>;
}

pub(super) struct Create(pub(super) StoreKey, pub(super) Record);
pub(super) struct Update(pub(super) StoreKey, pub(super) WriteId, pub(super) Record);
pub(super) struct Touch(pub(super) StoreKey, pub(super) u64);
pub(super) struct Delete(pub(super) StoreKey, pub(super) u64);
pub(super) struct Supersede(pub(super) StoreKey, pub(super) WriteId, pub(super) Moved);
/// One step of a sweep.
pub(super) struct Sweep {
    pub(super) before_ms: u64,
    pub(super) looks: usize,
    pub(super) most: usize,
}
/// Nothing, but the writer looks at its file on the way.
pub(super) struct Look;

impl Verb for Create {
    type Answer = Created;

    fn run(&self, table: &mut Table<'_>) -> Result<Created, Fault> {
        table.create(&self.0, &self.1)
    }
}

impl Verb for Update {
    type Answer = Written;

    fn run(&self, table: &mut Table<'_>) -> Result<Written, Fault> {
        table.update(&self.0, self.1, &self.2)
    }
}

impl Verb for Touch {
    type Answer = Reached;

    fn run(&self, table: &mut Table<'_>) -> Result<Reached, Fault> {
        table.touch(&self.0, self.1)
    }
}

impl Verb for Delete {
    type Answer = Reached;

    fn run(&self, table: &mut Table<'_>) -> Result<Reached, Fault> {
        table.delete(&self.0, self.1)
    }
}

impl Verb for Supersede {
    type Answer = Written;

    fn run(&self, table: &mut Table<'_>) -> Result<Written, Fault> {
        table.supersede(&self.0, self.1, self.2)
    }
}

impl Verb for Sweep {
    type Answer = Step;

    fn run(&self, table: &mut Table<'_>) -> Result<Step, Fault> {
        Ok(table.dues.step(self.before_ms, self.looks, self.most)?)
    }
}

impl Verb for Look {
    type Answer = ();

    fn run(&self, _: &mut Table<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

/// A verb whose type the writer need not know.
pub(super) trait Job: Send {
    /// Runs the verb and keeps its answer. An error here is one of the whole transaction.
    fn run(&mut self, table: &mut Table<'_>) -> Result<(), rusqlite::Error>;

    /// Gives the kept answer.
    fn answer(self: Box<Self>);

    /// Gives this error instead.
    fn fail(self: Box<Self>, error: StoreError);

    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;

    /// Until when it may wait for a locked file.
    fn deadline(&self) -> Instant;
}

struct Call<V: Verb> {
    verb: V,
    deadline: Instant,
    found: Option<Result<V::Answer, StoreError>>,
    reply: reply::Sender<Result<V::Answer, StoreError>>,
}

type Answer<V> = Result<<V as Verb>::Answer, StoreError>;

/// A job, and where its answer will be.
pub(super) fn call<V: Verb>(verb: V, deadline: Instant) -> (Box<dyn Job>, Receiver<Answer<V>>) {
    let (reply, receiver) = reply::channel();
    (Box::new(Call { verb, deadline, found: None, reply }), receiver)
}

impl<V: Verb> Job for Call<V> {
    fn run(&mut self, table: &mut Table<'_>) -> Result<(), rusqlite::Error> {
        self.found = Some(match self.verb.run(table) {
            Ok(answer) => Ok(answer),
            Err(Fault::Database(error)) => return Err(error),
            Err(damaged) => Err(damaged.into()),
        });
        Ok(())
    }

    fn answer(self: Box<Self>) {
        if let Some(found) = self.found {
            self.reply.send(found);
        }
    }

    fn fail(self: Box<Self>, error: StoreError) {
        self.reply.send(Err(error));
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_abandoned()
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}
