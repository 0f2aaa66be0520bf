//! What a node is asked.

use redis::{Cmd, Pipeline, Value};

use super::{link::Confirm, script::Script};

/// A command on one key, or a script that may have to be sent whole.
pub(super) struct Request<'a> {
    pub(super) slot: u16,
    what: What<'a>,
    key: &'a [u8],
    /// Whether it changes anything.
    pub(super) changes: bool,
    /// Whether the replicas must have it before it counts as done.
    pub(super) confirm: Option<Confirm>,
    /// Whether whoever gets no answer asks for the very same again.
    pub(super) repeated_by_caller: bool,
}

enum What<'a> {
    Command(&'static str, &'a [&'a [u8]]),
    Script(&'a Script, &'a [&'a [u8]]),
}

impl<'a> Request<'a> {
    /// A command that reads this key.
    pub(super) fn read(command: &'static str, key: &'a [u8], slot: u16) -> Self {
        Self {
            slot,
            what: What::Command(command, &[]),
            key,
            changes: false,
            confirm: None,
            repeated_by_caller: false,
        }
    }

    /// A command that changes this key.
    pub(super) fn write(
        command: &'static str,
        key: &'a [u8],
        slot: u16,
        arguments: &'a [&'a [u8]],
    ) -> Self {
        let what = What::Command(command, arguments);
        Self { slot, what, key, changes: true, confirm: None, repeated_by_caller: false }
    }

    /// A script on this key.
    pub(super) fn script(
        script: &'a Script,
        key: &'a [u8],
        slot: u16,
        arguments: &'a [&'a [u8]],
        changes: bool,
    ) -> Self {
        Self {
            slot,
            what: What::Script(script, arguments),
            key,
            changes,
            confirm: None,
            repeated_by_caller: false,
        }
    }

    pub(super) fn confirmed(mut self, confirm: Option<Confirm>) -> Self {
        self.confirm = confirm;
        self
    }

    pub(super) fn repeated_by_caller(self) -> Self {
        Self { repeated_by_caller: true, ..self }
    }

    /// The commands as they are sent. `whole`: the server does not know the script yet. `asking`: the
    /// server takes the slot over just now.
    pub(super) fn pipeline(&self, whole: bool, asking: bool) -> Sent {
        let mut pipeline = Pipeline::with_capacity(3);
        let mut answer = 0;
        if asking {
            pipeline.add_command(redis::cmd("ASKING"));
            answer = 1;
        }
        pipeline.add_command(self.command(whole));
        if let Some(confirm) = self.confirm {
            let mut wait = redis::cmd("WAIT");
            wait.arg(confirm.replicas).arg(confirm.wait_ms);
            pipeline.add_command(wait);
        }
        Sent { pipeline, answer }
    }

    pub(super) fn command(&self, whole: bool) -> Cmd {
        match self.what {
            What::Command(name, arguments) => {
                let mut command = redis::cmd(name);
                command.arg(self.key);
                arguments.iter().for_each(|argument| {
                    command.arg(*argument);
                });
                command
            }
            What::Script(script, arguments) => {
                let mut command = redis::cmd(if whole { "EVAL" } else { "EVALSHA" });
                command.arg(if whole { &script.source } else { &script.sha }).arg(1).arg(self.key);
                arguments.iter().for_each(|argument| {
                    command.arg(*argument);
                });
                command
            }
        }
    }
}

/// Commands on their way, and which of the answers counts.
pub(super) struct Sent {
    pub(super) pipeline: Pipeline,
    pub(super) answer: usize,
}

/// A script's answer: a number, or what stands under the key.
pub(super) enum Answer {
    Number(i64),
    Value(Vec<u8>),
}

impl Answer {
    pub(super) fn of(value: Value) -> Option<Self> {
        match value {
            Value::Int(number) => Some(Self::Number(number)),
            Value::BulkString(value) => Some(Self::Value(value)),
            _ => None,
        }
    }
}
