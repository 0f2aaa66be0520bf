//! Messages that are shown once, on the next page.
//!
//! They wait in the session under `_flashes`, as Flask keeps them: a list of tuples
//! `(category, message)`. Reading takes out exactly the messages that were seen.

use dewar_signing::Value;

use crate::{delta::Op, session::Session};

const FLASHES: &str = "_flashes";

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flash {
    /// What kind of message: `message`, `error`, `success`, as the application likes.
    pub category: String,
    /// The text.
    pub message: String,
    /// Whether the text is safe HTML already; if not, escape it.
    pub is_markup: bool,
}

impl Session {
    /// Shows a message on the next page.
    ///
    /// # Flask
    /// `flash(message, category)`; the category comes first here, as on the wire.
    #[track_caller]
    pub fn flash(&self, category: &str, message: impl Into<Value>) {
        let flash = Value::Tuple(vec![category.into(), message.into()]);
        if let Err(error) = self.push(FLASHES, flash.clone()) {
            // Somebody keeps something else under Flask's key: the message matters more.
            tracing::warn!(target: "dewar", %error, "the key of the flash messages was overwritten");
            self.set(FLASHES, vec![flash]);
        }
    }

    /// Takes out the waiting messages, oldest first. Every later call in this request gives the
    /// same messages; what is flashed after the first call waits for the next page.
    ///
    /// # Flask
    /// `get_flashed_messages(with_categories=True)`. For a filter, filter the result: the other
    /// messages are taken out all the same, as in Flask.
    #[track_caller]
    pub fn flashed_messages(&self) -> Vec<Flash> {
        let seen = self.read(|open| open.flashes.clone());
        let seen = seen.unwrap_or_else(|| {
            let waiting: Vec<Value> = self.get(FLASHES).unwrap_or_default();
            // Draining a list never fails.
            let _ = self.apply(FLASHES, Op::Drain(waiting.clone()));
            self.read(|open| open.flashes = Some(waiting.clone()));
            waiting
        });
        seen.into_iter().filter_map(flash).collect()
    }
}

/// A pair of any two values is a message; Flask-Session gives the tuples back as lists.
fn flash(pair: Value) -> Option<Flash> {
    let (Value::Tuple(items) | Value::List(items)) = pair else { return None };
    let [category, message] = <[Value; 2]>::try_from(items).ok()?;
    Some(Flash {
        category: category.to_python_text(),
        message: message.to_python_text(),
        is_markup: matches!(message, Value::Markup(_)),
    })
}
