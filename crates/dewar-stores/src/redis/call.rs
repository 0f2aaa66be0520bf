//! A request, asked until a node answers it or its time is over.

use std::{sync::Arc, time::Duration};

use dewar::store::{StoreError, StoreErrorKind};
use redis::{ServerErrorKind, Value};
use tokio::time::{sleep, timeout};

use super::{fault::Fault, link::Link, request::Request, store::Inner};

/// How often a request is asked at most.
pub(super) const ATTEMPTS: u32 = 5;

/// How long the nodes have to agree before the second attempt; longer before the next ones.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

impl Inner {
    /// Asks the master of the request's slot.
    pub(super) async fn call(&self, request: &Request<'_>) -> Result<Value, StoreError> {
        let unsure = unsure(request);
        match timeout(self.options.timeout, self.attempts(request)).await {
            // Whoever has no answer looks at the record and takes what it finds for done. That is not
            // enough where replicas must have it.
            Ok(Err(fault @ Fault::Lost(_))) if unsure => {
                Err(StoreError::new(StoreErrorKind::NotReplicated).with_source(fault))
            }
            Err(_) if unsure => Err(StoreError::new(StoreErrorKind::NotReplicated)),
            Ok(answer) => answer.map_err(|fault| fault.into_error(request.changes)),
            Err(_) => Err(StoreError::new(StoreErrorKind::TimedOut)),
        }
    }

    async fn attempts(&self, request: &Request<'_>) -> Result<Value, Fault> {
        let mut whole = false;
        let mut redirected: Option<(Arc<Link>, bool)> = None;
        for attempt in 1.. {
            let asked = match redirected.take() {
                Some(asked) => Ok(asked),
                None => self.route.master(request.slot).await.map(|link| (link, false)),
            };
            let (link, fault) = match asked {
                Ok((link, asking)) => match once(&link, request, whole, asking).await {
                    Ok(answer) => return Ok(answer),
                    Err(fault) => (Some(link), fault),
                },
                Err(fault) => (None, fault),
            };
            if attempt == ATTEMPTS {
                return Err(fault);
            }
            // After SCRIPT FLUSH, or on a node that is new: sent whole, it is known from then on.
            if fault.is(ServerErrorKind::NoScript) {
                whole = true;
                continue;
            }
            if let Some(link) = &link {
                redirected = self.route.redirected(link, &fault)?;
                if redirected.is_some() {
                    continue;
                }
                if fault.is(ServerErrorKind::ReadOnly) {
                    link.hang_up();
                }
                if fault.is_misdirected() || fault.broke_the_connection() {
                    self.route.doubt(link);
                }
            }
            // To ask again for what may be done is for whoever can tell; but what is confirmed
            // says so when it is asked again, unless the caller does that himself.
            let again = fault.broke_the_connection() && (!request.changes || unsure(request));
            if !again && !fault.is_misdirected() {
                return Err(fault);
            }
            sleep(PAUSE * attempt).await;
        }
        Err(Fault::Strange)
    }
}

/// Whether its caller would take for confirmed what he finds done.
fn unsure(request: &Request<'_>) -> bool {
    request.confirm.is_some() && !request.repeated_by_caller
}

async fn once(
    link: &Link,
    request: &Request<'_>,
    whole: bool,
    asking: bool,
) -> Result<Value, Fault> {
    let sent = request.pipeline(whole, asking);
    let answers = match request.confirm {
        Some(_) => link.send_alone(&sent.pipeline).await?,
        None => link.send(&sent.pipeline).await?,
    };
    let mut answers = answers.into_iter().skip(sent.answer);
    let answer = match answers.next() {
        Some(Value::ServerError(error)) => return Err(Fault::Refused(error.into())),
        Some(answer) => answer,
        None => return Err(Fault::Strange),
    };
    if let Some(confirm) = request.confirm {
        let confirmed = match answers.next() {
            Some(Value::Int(count)) => usize::try_from(count).unwrap_or(0),
            _ => 0,
        };
        if confirmed < confirm.replicas {
            return Err(Fault::TooFewReplicas { confirmed, wanted: confirm.replicas });
        }
    }
    Ok(answer)
}
